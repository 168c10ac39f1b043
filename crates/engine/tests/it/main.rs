//! The engine over a real lake in a temporary folder. Most of it is data: see `tests/cases`.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // tests may

mod cases;
mod fixture;
mod lasting;
mod memory;
mod reads;
mod rows;
mod scale;
mod scan;
