//! The conformance suite on every backend, and what only SQLite's file can suffer.

// Tests may; children answer on stdout; what is measured is real time.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)]

mod backend;
mod child;
mod codes;
mod conformance;
mod cost;
mod damage;
mod fixture;
mod kill;
mod memory;
mod opening;
mod service;
