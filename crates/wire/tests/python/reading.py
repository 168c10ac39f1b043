"""psycopg reads published tables: values in text and binary, parameters, cursors. Connection by PG* variables."""

import datetime as dt
import decimal

import psycopg

UTC = dt.timezone.utc
ROW = (
    1, True, -7, 0.1, decimal.Decimal("-12345.67"), 'it\'s "ä"', b"\x00\xff", dt.date(2024, 2, 29),
    dt.datetime(2024, 2, 29, 12, 34, 56, 500000), dt.datetime(2024, 2, 29, 12, 34, 56, 500000, tzinfo=UTC),
    {"a": [1, 2]}, ["a b", None, "c"],
)

with psycopg.connect(autocommit=True) as connection:
    assert connection.info.server_version == 150000
    assert connection.info.parameter_status("default_transaction_read_only") == "on"

    for binary in (False, True):
        with connection.cursor(binary=binary) as cursor:
            rows = cursor.execute("select * from mart.kinds order by id").fetchall()
            assert rows[0] == ROW, (binary, rows[0])
            assert rows[1] == (2,) + (None,) * 11, rows[1]
            names = [column.name for column in cursor.description]
            assert names[:3] == ["id", "is_on", "small"], names
            price = cursor.description[4]
            assert (price.precision, price.scale) == (12, 2), price

    def one(sql, *parameters):
        return connection.execute(sql, parameters).fetchone()

    # Parameters of every type, each against the column that holds it.
    columns = ["id", "is_on", "small", "ratio", "price", "words", "bytes", "day", "local_at", "happened_at"]
    for column, value in zip(columns, ROW):
        assert one(f"select id from mart.kinds where {column} = %s", value) == (1,), column
        assert one(f"select id from mart.kinds where {column} = %b", value) == (1,), column
        assert one(f"select id from mart.kinds where {column} = %t", value) == (1,), column
    assert one("select %s::int + 1, %s::text, %s", 41, "x'; drop table y --", None) == (42, "x'; drop table y --", None)
    assert one("select count(*) from raw.orders where id = any(%s)", [1, 3]) == (2,)
    assert one("select count(*) from raw.orders where id between %s and %s", 2, 3) == (2,)
    assert one("select id from raw.orders where amount is null and id > %s limit %s", -5, 1) == (3,)
    assert one("select '%%', '$1'") == ("%", "$1")

    # Prepared on the server, and used again.
    for amount in (10, 20, 10):
        found = connection.execute("select id from raw.orders where amount = %s", (amount,), prepare=True).fetchall()
        assert found == [(amount // 10,)], found

    # Types are told to those who ask before they bind, as asyncpg and tokio-postgres do.
    raw = connection.pgconn
    for sql, parameters, columns in (
        (b"select amount, $2::text from raw.orders where id = $1", [20, 25], [(b"amount", 20), (b"text", 25)]),
        (b"select * from mart.kinds where price > $1 and day = $2 limit $3", [1700, 1082, 20], None),
        (b"select oid from pg_type where typname = $1", [25], [(b"oid", 26)]),
        (b"set application_name = 'x'", [], []),
    ):
        assert raw.prepare(b"asked", sql).status == psycopg.pq.ExecStatus.COMMAND_OK
        told = raw.describe_prepared(b"asked")
        assert told.status == psycopg.pq.ExecStatus.COMMAND_OK, told.error_message
        assert [told.param_type(i) for i in range(told.nparams)] == parameters, (sql, [told.param_type(i) for i in range(told.nparams)])
        if columns is not None:
            assert [(told.fname(i), told.ftype(i)) for i in range(told.nfields)] == columns, (
                sql, [(told.fname(i), told.ftype(i)) for i in range(told.nfields)])
    # … and send what they were told to.
    assert raw.prepare(b"asked", b"select amount from raw.orders where id = $1").status == psycopg.pq.ExecStatus.COMMAND_OK
    raw.describe_prepared(b"asked")
    found = raw.exec_prepared(b"asked", [(2).to_bytes(8, "big")], [1], 1)
    assert found.get_value(0, 0) == (20).to_bytes(8, "big"), found.error_message

    # A large answer comes in pieces, and is not gathered.
    with connection.cursor() as cursor:
        total = 0
        for (number,) in cursor.stream("select value from generate_series(1, 200000)"):
            total += number
        assert total == 200000 * 200001 // 2, total

    # Cursors on the server.
    with connection.transaction():
        with connection.cursor(name="some rows") as cursor:
            cursor.itersize = 1000
            cursor.execute("select value from generate_series(1, %s)", (3500,))
            assert cursor.fetchone() == (1,)
            assert len(cursor.fetchmany(10)) == 10
            assert sum(1 for _ in cursor) == 3489
    try:
        connection.execute("fetch 1 from nothing")
        raise AssertionError("a cursor that is not there")
    except psycopg.errors.InvalidCursorName:
        pass

    # A statement that fails leaves the connection as it was; in a transaction everything waits for its end.
    for _ in range(3):
        try:
            connection.execute("select nothing from raw.orders")
            raise AssertionError("a column that is not there")
        except psycopg.errors.UndefinedColumn as error:
            assert "LG0206" in str(error), error
    try:
        with connection.transaction():
            try:
                connection.execute("select * from raw.nothing")
            except psycopg.errors.UndefinedTable:
                pass
            connection.execute("select 1")
        raise AssertionError("a transaction that failed")
    except psycopg.errors.InFailedSqlTransaction:
        pass
    assert one("select 1") == (1,)

    # Several at once without waiting for each.
    with connection.pipeline():
        cursors = [connection.execute("select %s::bigint", (number,)) for number in range(20)]
        assert [cursor.fetchone()[0] for cursor in cursors] == list(range(20))

    # How psycopg looks up types that it does not know.
    info = psycopg.types.TypeInfo.fetch(connection, "jsonb")
    assert info is not None and info.oid == 3802 and info.array_oid == 3807, info
    assert psycopg.types.TypeInfo.fetch(connection, "hstore") is None

print("all is well")
