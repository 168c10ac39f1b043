//! What the models and their tools promise.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod accuracy;
mod axis;
mod backtest;
mod batch;
mod calendar;
mod ces;
mod decompose;
mod ets;
mod flights;
mod hygiene;
mod intervals;
mod optimise;
mod properties;
mod reconcile;
mod series;
mod synthetic;
mod theta;
mod watch;
mod years;
