//! Tests over a real server: a project in a temporary folder, served on a free port.
#![allow(clippy::unwrap_used)] // a test that cannot go on should say where
#![allow(clippy::disallowed_methods)] // and tokens end by the wall clock

mod access;
mod alerts;
mod description;
mod graphql;
mod live;
mod queries;
mod reload;
mod repeats;
mod runs;
mod scenarios;
mod schedules;
mod server;
