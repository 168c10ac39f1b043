"""Cancel requests: in a simple query, with parameters, while rows come, and with another's number."""

import threading
import time

import psycopg

ENDLESS = "select count(*) from generate_series(1, 1000000000000) a where a.value % 7 = 3"

with psycopg.connect(autocommit=True) as connection, psycopg.connect(autocommit=True) as other:
    for query, parameters in ((ENDLESS, None), (ENDLESS.replace("%", "%%") + " and a.value > %s", (0,))):
        timer = threading.Timer(0.4, connection.cancel)
        timer.start()
        began = time.monotonic()
        try:
            connection.execute(query, parameters)
            raise AssertionError("it came to an end")
        except psycopg.errors.QueryCanceled as error:
            assert "LG1105" in str(error), error
        assert time.monotonic() - began < 10
        timer.join()
        assert connection.execute("select 1").fetchone() == (1,)

    # Rows that are on their way.
    timer = threading.Timer(0.4, connection.cancel_safe)
    timer.start()
    try:
        for _ in connection.cursor().stream("select value from generate_series(1, 1000000000)"):
            pass
        raise AssertionError("it came to an end")
    except psycopg.errors.QueryCanceled:
        pass
    timer.join()

    # A cancel that comes late harms nobody, nor does one of an idle connection.
    other.cancel()
    assert other.execute("select 1").fetchone() == (1,)
    assert connection.execute("select 1").fetchone() == (1,)

    # In a transaction: it has failed.
    try:
        with connection.transaction():
            threading.Timer(0.4, connection.cancel).start()
            connection.execute(ENDLESS)
    except psycopg.errors.QueryCanceled:
        pass
    assert connection.execute("select 1").fetchone() == (1,)

print("all is well")
