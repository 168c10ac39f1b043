//! What days are: weekdays, public holidays, and columns of them for models.

mod columns;
mod date;
mod holidays;

pub use columns::{Columns, columns};
pub use date::{Date, weekday};
pub use holidays::{Country, Holiday, UnknownCountry, easter};
