//! Forecasts of regular time series: hygiene, models, backtests, intervals, explanations.
//!
//! It owns what can be said about a series of numbers alone. It does no I/O, reads no clock, starts no thread and knows
//! nothing of assets: `crates/forecast` makes it a kind. The same input gives the same bits, in any order and however it is divided.
//!
//! Main types: a [`Model`] turns an [`Input`] (values, one per step, oldest first) into a [`Fit`] (the forecast, what
//! the model would have said one step ahead in the past, and the parts that add up to the forecast). [`models`] holds one
//! module per model.
//!
//! Around the models: [`axis`] and [`hygiene`] make a regular series of raw points, [`choose`] asks a pool of models by [`backtest`] and
//! combines them, [`intervals`] measures how wide they must be, [`batch`] does all of it for a chunk of series; [`calendar`] knows the
//! holidays, [`reconcile`] makes parts add up, [`watch`] judges what came of it, [`synthetic`] makes series to try it on.
//!
//! Cost: linear in the values of a series for each model fitted; nothing is kept between series.

pub mod accuracy;
pub mod axis;
pub mod backtest;
pub mod batch;
pub mod calendar;
pub mod choose;
pub mod decompose;
pub mod hygiene;
pub mod intervals;
mod linear;
mod model;
pub mod models;
pub mod optimise;
pub mod reconcile;
mod robust;
pub mod synthetic;
pub mod watch;

pub use model::{Fit, GlobalModel, Input, Known, Model, Parameters, Part, Tier, Unfit};

/// Rises with every change after which the same input may give other numbers. Whoever keeps forecasts keeps it with them, so
/// that they are made anew.
pub const REVISION: u32 = 2;
