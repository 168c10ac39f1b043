//! The real binary, as a person or a script uses it.

#![allow(clippy::unwrap_used)] // tests may

mod events;
mod interrupt;
mod pipes;
mod read_only;
mod reference;
mod session;
