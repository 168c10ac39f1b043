//! Tests over a real server: a project in a temporary folder, served on a free port.

mod graphql;
mod scenarios;
mod server;
