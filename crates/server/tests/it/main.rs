//! Tests over a real server: a project in a temporary folder, served on a free port.

mod access;
mod alerts;
mod graphql;
mod live;
mod queries;
mod reload;
mod runs;
mod scenarios;
mod schedules;
mod server;
