//! Whole runs over small projects on a real store and a real catalog.
#![allow(clippy::unwrap_used)] // a test that cannot go on should say where
#![allow(clippy::disallowed_methods)] // and suppressions end by the wall clock
#![allow(clippy::print_stdout)] // and children answer on it

mod child;
mod decisions;
mod diff;
mod doctor;
mod durability;
#[cfg(unix)]
mod freezes;
mod gate;
mod gc;
mod groups;
#[cfg(unix)]
mod growing;
#[cfg(unix)]
mod kills;
mod lateness;
mod loads;
#[cfg(unix)]
mod onlookers;
mod plans;
mod races;
mod rebuild;
mod retention;
mod simulation;
mod world;
