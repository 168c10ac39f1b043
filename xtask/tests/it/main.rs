//! The chores as a person runs them.

// Tests may: a failure here is the test's own.
#![allow(clippy::unwrap_used)]

mod demo;
