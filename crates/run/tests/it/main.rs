//! Whole runs over small projects on a real store and a real catalog.
#![allow(clippy::unwrap_used)] // a test that cannot go on should say where
#![allow(clippy::disallowed_methods)] // and suppressions end by the wall clock
#![allow(clippy::print_stdout)] // and children answer on it

mod child;
mod clocks;
mod decisions;
mod diff;
mod doctor;
mod faults;
#[cfg(unix)]
mod freezes;
mod gate;
mod gc;
mod groups;
#[cfg(unix)]
mod growing;
mod hands;
#[cfg(unix)]
mod kills;
mod lateness;
mod loads;
#[cfg(unix)]
mod onlookers;
mod parts;
mod plans;
mod races;
mod rebuild;
mod retention;
mod retries;
mod retry_run;
mod simulation;
mod world;
