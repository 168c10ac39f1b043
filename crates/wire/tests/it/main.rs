//! Tests with real clients: Debian's `psql`, and `psycopg` in the Python of `LOCKGATE_TEST_PYTHON`.
#![allow(clippy::unwrap_used)] // a test that cannot go on should say where
#![allow(clippy::disallowed_methods)] // and tokens end by the wall clock

mod access;
mod catalogue;
mod reading;
mod refused;
mod stopping;
mod world;
