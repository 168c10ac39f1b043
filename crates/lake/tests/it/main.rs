//! The lake against real folders, real readers and injected faults.
#![allow(clippy::unwrap_used)] // Tests may.

mod commits;
mod faults;
mod fixture;
mod foreign;
mod random;
mod readers;
mod staging;
mod store;
mod support;
