//! The checks as a whole: case files, random data against naive counting, the reference.

// Tests may panic: that is how they fail.
#![allow(clippy::unwrap_used, clippy::panic, clippy::cast_precision_loss)]

mod case;
mod cases;
mod documents;
mod parts;
mod random;
mod staged;
mod world;
