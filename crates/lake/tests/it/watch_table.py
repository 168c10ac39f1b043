"""Reads a table again and again while versions are published, until the file STOP exists.

usage: watch_table.py TABLE STOP
State n of the table has 10 * n rows named "state n"; anything else is half of a version, and ends this with an error.
Prints how many reads saw how many states.
"""

import os
import sys

import pyarrow as pa
from deltalake import DeltaTable

table_path, stop_path = sys.argv[1:]
reads, states = 0, set()
stopping = False
while not stopping:
    stopping = os.path.exists(stop_path)
    names = pa.table(DeltaTable(table_path).to_pyarrow_table())["name"].to_pylist()
    seen = set(names)
    if len(seen) != 1 or len(names) != 10 * int(names[0].split()[1]):
        sys.exit(f"{len(names)} rows of {sorted(seen)}")
    if states and int(names[0].split()[1]) < max(states):
        sys.exit(f"{names[0]} after state {max(states)}")
    reads += 1
    states.add(int(names[0].split()[1]))
    if reads == 1:
        print("ready", flush=True)
print(f"{reads} reads saw {len(states)} states, the last {max(states)}")

# pyarrow's threads may still run, and taking the interpreter down around them sometimes ends in C++'s `terminate`.
sys.stdout.flush()
os._exit(0)
