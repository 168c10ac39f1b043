//! Whole runs over small projects on a real store and a real catalog.
#![allow(clippy::unwrap_used)] // a test that cannot go on should say where

mod decisions;
mod durability;
mod gate;
mod groups;
mod lateness;
mod plans;
mod world;
