//! Whole runs over small projects on a real store and a real catalog.
#![allow(clippy::unwrap_used)] // a test that cannot go on should say where
#![allow(clippy::disallowed_methods)] // and suppressions end by the wall clock

mod decisions;
mod diff;
mod durability;
mod gate;
mod groups;
mod lateness;
mod loads;
mod plans;
mod races;
mod world;
