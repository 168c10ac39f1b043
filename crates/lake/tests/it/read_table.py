"""Reads a table the way other tools do, and compares it with what was written.

usage: read_table.py TABLE EXPECTED.arrow MORE.json
MORE: {"version": newest Delta version, "filters": ["id > 3", ...]}
Prints one line per reader; any difference ends it with an error.
"""

import json
import os
import sys
from urllib.parse import unquote

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, QueryBuilder

table_path, expected_path, more_path = sys.argv[1:]
expected = pa.ipc.open_file(expected_path).read_all()
more = json.load(open(more_path))


def plain(table):
    """The same columns in the same order and types, sorted by id; views and dictionaries as plain columns."""
    table = table.select(expected.column_names).cast(expected.schema)
    return table.take(pc.sort_indices(table, sort_keys=[("id", "ascending")])).combine_chunks()


def glob_escape(path):
    """DuckDB takes a path as a pattern."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in path)


def compare(reader, table):
    got, want = plain(table), plain(expected)
    for name in want.column_names:
        if not got[name].equals(want[name]):
            for at, (a, b) in enumerate(zip(got[name].to_pylist(), want[name].to_pylist())):
                if a != b:
                    sys.exit(f"{reader}: column {name} row {at}: {a!r} instead of {b!r}")
    if not got.equals(want):
        sys.exit(f"{reader}: {got.num_rows} rows instead of {want.num_rows}")
    print(f"{reader}: {got.num_rows} rows of {got.num_columns} columns are equal")


delta = DeltaTable(table_path)
if delta.version() != more["version"]:
    sys.exit(f"deltalake: version {delta.version()} instead of {more['version']}")
compare("deltalake", pa.table(delta.to_pyarrow_table()))

# Through delta-rs' own engine, which skips files by the log's statistics; DuckDB says what it has to find.
connection = duckdb.connect()
connection.execute("set timezone = 'UTC'")
connection.register("expected", expected)
for predicate in more["filters"]:
    rows = connection.execute(f"select count(*) from expected where {predicate}").fetchone()[0]
    builder = QueryBuilder().register("t", delta)
    found = pa.table(builder.execute(f"select id from t where {predicate}").read_all()).num_rows
    if found != rows or rows == 0:
        sys.exit(f"deltalake: {predicate}: {found} rows instead of {rows}")
    print(f"deltalake: {predicate}: {rows} rows")

# DuckDB over the list of files; columns that are not in the files come from the log.
actions = pa.table(delta.get_add_actions(flatten=True)).to_pylist()
parts = []
for action in actions:
    stored = connection.execute(
        "select * from read_parquet(?, hive_partitioning = false)", [f"{table_path}/{glob_escape(unquote(action['path']))}"]
    )
    part = stored.to_arrow_table() if hasattr(stored, "to_arrow_table") else stored.arrow()
    part = part if isinstance(part, pa.Table) else part.read_all()
    for field in expected.schema:
        if field.name not in part.column_names:
            value = action.get(f"partition.{field.name}", action.get(f"partition_values.{field.name}"))
            part = part.append_column(field, pa.array([value] * part.num_rows, field.type))
    parts.append(part.select(expected.column_names).cast(expected.schema))
compare("duckdb", pa.concat_tables(parts))

# pyarrow's threads may still run, and taking the interpreter down around them sometimes ends in C++'s `terminate`.
sys.stdout.flush()
os._exit(0)
