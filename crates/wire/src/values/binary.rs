//! Values in PostgreSQL's binary format: dates and times count from the year 2000.

use bytes::{BufMut, BytesMut};

use crate::codes;
use crate::failure::Failure;

/// Days from 1970 to 2000.
pub(super) const DAYS: i32 = 10_957;
/// The same in microseconds.
pub(super) const MICROS: i64 = 10_957 * 86_400_000_000;

fn outside() -> Failure {
    Failure::new("22008", &codes::VALUE, "a date or time lies outside what Postgres can hold")
}

pub(super) fn date(days: i32, out: &mut BytesMut) -> Result<(), Failure> {
    out.put_i32(days.checked_sub(DAYS).ok_or_else(outside)?);
    Ok(())
}

pub(super) fn timestamp(micros: i64, out: &mut BytesMut) -> Result<(), Failure> {
    out.put_i64(micros.checked_sub(MICROS).ok_or_else(outside)?);
    Ok(())
}
