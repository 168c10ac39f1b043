"""Within a transaction everything is read as it was at its first query. The other side publishes when a line is sent."""

import sys

import psycopg


def seen(connection):
    orders = connection.execute("select count(*) from raw.orders").fetchone()[0]
    total = connection.execute("select total from mart.totals").fetchone()[0]
    return f"{orders} {total}"


with psycopg.connect() as connection:
    print("before", seen(connection), flush=True)
    sys.stdin.readline()
    print("within", seen(connection), flush=True)
    connection.commit()
    print("after", seen(connection), flush=True)
