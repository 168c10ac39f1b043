//! Numbers and texts that come out of queries, compared within a tolerance.

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType as Arrow;

use crate::read::Tolerance;
use crate::scan::{Cells, text_of};
use crate::values::{Value, decimal_text};
use crate::words;

/// Sums of doubles differ in their last digits with the order of the rows, so this share is never a difference.
const ROUNDING: f64 = 1e-9;

/// One value of a result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Compared {
    Null,
    /// `unscaled × 10^-scale`.
    Whole {
        unscaled: i128,
        scale: i8,
    },
    Double(f64),
    Text(String),
}

impl Compared {
    pub(crate) fn count(count: u64) -> Compared {
        Compared::Whole { unscaled: i128::from(count), scale: 0 }
    }

    /// The cell of one row.
    pub(crate) fn of(array: &ArrayRef, row: usize) -> Compared {
        if array.is_null(row) || array.data_type() == &Arrow::Null {
            return Compared::Null;
        }
        let scale = match array.data_type() {
            Arrow::Decimal32(_, scale)
            | Arrow::Decimal64(_, scale)
            | Arrow::Decimal128(_, scale)
            | Arrow::Decimal256(_, scale) => *scale,
            _ => 0,
        };
        if array.data_type().is_numeric() {
            match Cells::of(array).value(row) {
                Some(Value::Whole(unscaled)) => return Compared::Whole { unscaled, scale },
                Some(Value::Double(value)) => return Compared::Double(value),
                _ => {}
            }
        }
        Compared::Text(text_of(array, row).unwrap_or_default())
    }

    #[allow(clippy::cast_precision_loss)]
    fn number(&self) -> Option<f64> {
        match self {
            Compared::Whole { unscaled, scale } => Some(*unscaled as f64 / 10f64.powi(i32::from(*scale))),
            Compared::Double(value) => Some(*value),
            Compared::Null | Compared::Text(_) => None,
        }
    }

    /// How far `self` is from `base`; `None` when they are the same.
    pub(crate) fn difference(&self, base: &Compared) -> Option<Difference> {
        if self == base {
            return None;
        }
        if let (Compared::Whole { .. }, Compared::Whole { .. }) = (self, base)
            && let Some(amount) = exact_difference(self, base)
        {
            if amount == 0.0 {
                return None;
            }
            let size = base.number().unwrap_or(0.0).abs();
            return Some(Difference {
                amount,
                share: if size == 0.0 { amount.signum() * f64::INFINITY } else { amount / size },
            });
        }
        let (Some(a), Some(b)) = (self.number(), base.number()) else { return Some(Difference::NOT_A_NUMBER) };
        if a == b || (a.is_nan() && b.is_nan()) {
            return None;
        }
        if !a.is_finite() || !b.is_finite() {
            return Some(Difference::NOT_A_NUMBER);
        }
        let amount = a - b;
        if amount.abs() <= ROUNDING * a.abs().max(b.abs()) {
            return None;
        }
        Some(Difference { amount, share: if b == 0.0 { amount.signum() * f64::INFINITY } else { amount / b.abs() } })
    }
}

/// Of two whole numbers at whatever scales; `None` when 128 bits do not hold it.
#[allow(clippy::cast_precision_loss)]
fn exact_difference(a: &Compared, b: &Compared) -> Option<f64> {
    let (Compared::Whole { unscaled: a, scale: of_a }, Compared::Whole { unscaled: b, scale: of_b }) = (a, b) else {
        return None;
    };
    let scale = (*of_a).max(*of_b);
    let raise = |value: i128, of: i8| value.checked_mul(10i128.checked_pow(u32::try_from(scale - of).ok()?)?);
    let amount = raise(*a, *of_a)?.checked_sub(raise(*b, *of_b)?)?;
    Some(amount as f64 / 10f64.powi(i32::from(scale)))
}

impl std::fmt::Display for Compared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Compared::Null => f.write_str("null"),
            Compared::Text(text) => f.write_str(text),
            Compared::Double(value) => f.write_str(&words::number(*value)),
            Compared::Whole { unscaled, scale } => {
                let text = decimal_text(*unscaled, *scale);
                let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
                let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
                let whole = whole.parse().map_or_else(|_| whole.to_owned(), words::count);
                write!(f, "{sign}{whole}")?;
                fraction.map_or(Ok(()), |fraction| write!(f, ".{fraction}"))
            }
        }
    }
}

/// How far one value is from another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Difference {
    /// Signed.
    pub(crate) amount: f64,
    /// Of the base; infinite when that is nothing.
    pub(crate) share: f64,
}

impl Difference {
    /// Of values that differ and are not both finite numbers.
    pub(crate) const NOT_A_NUMBER: Difference = Difference { amount: f64::INFINITY, share: f64::INFINITY };

    pub(crate) fn is_number(self) -> bool {
        self.amount.is_finite()
    }

    /// Whether it is allowed; the last digit of a product is not held against anybody.
    pub(crate) fn within(self, tolerance: Tolerance) -> bool {
        match tolerance {
            Tolerance::Share(share) => self.share.abs() <= share * (1.0 + 1e-12),
            Tolerance::Amount(amount) => self.amount.abs() <= amount * (1.0 + 1e-12),
        }
    }

    /// `34 %` or `120`, without its sign, in the unit that the tolerance is in.
    pub(crate) fn size(self, tolerance: Tolerance) -> String {
        match tolerance {
            Tolerance::Share(_) if self.share.is_finite() => words::percent(self.share.abs()),
            Tolerance::Share(_) | Tolerance::Amount(_) => words::number(self.amount.abs()),
        }
    }
}

#[cfg(test)]
mod tests;
