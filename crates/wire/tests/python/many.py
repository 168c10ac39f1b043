"""Forty connections at once, each with a few queries; all answers are right."""

import concurrent.futures

import psycopg


def ask(number):
    with psycopg.connect(autocommit=True) as connection:
        for _ in range(5):
            row = connection.execute("select count(*), sum(amount), %s::bigint from raw.orders", (number,)).fetchone()
            assert row == (3, 30, number), row
            connection.execute("select count(*) from pg_class").fetchone()
    return 1


with concurrent.futures.ThreadPoolExecutor(40) as pool:
    assert sum(pool.map(ask, range(80))) == 80

print("all is well")
