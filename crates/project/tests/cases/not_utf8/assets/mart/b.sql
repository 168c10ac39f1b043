select ÿ as a
