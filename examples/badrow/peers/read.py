"""What a reader of production sees: `python read.py "select …"` prints the answer as CSV."""

import sys

import duckdb

answer = duckdb.connect("prod.duckdb", read_only=True).sql(sys.argv[1])
print(",".join(answer.columns))
for row in answer.fetchall():
    print(",".join(str(value) for value in row))
