//! Sources through their public face: a project on disk, its asset planned, observed and built into a real lake.
// Tests may unwrap, and say what they find.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod cases;
mod fixtures;
mod harness;
mod http;
mod inventory;
mod proposals;
