//! The real binary, as a person or a script uses it.

#![allow(clippy::unwrap_used)] // tests may

mod disk_full;
mod events;
mod forecasts;
mod interrupt;
mod locked;
mod long_line;
mod pipes;
mod read_only;
mod reference;
mod retries;
mod session;
mod traces;
mod vanished;
