//! Tests with real clients: Debian's `psql`, and `psycopg` in the Python of `LOCKGATE_TEST_PYTHON`.

mod access;
mod catalogue;
mod reading;
mod refused;
mod stopping;
mod world;
