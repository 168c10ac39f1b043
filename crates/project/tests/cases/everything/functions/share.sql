create function share(a double, b double) returns double return a / b
