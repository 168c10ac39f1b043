//! Exact sums of doubles: the result does not depend on the order of the values, so a mean is the same however
//! the scan was divided.
//!
//! A fixed-point number as wide as the range of doubles, in 32-bit digits kept in 64-bit words, after R. Neal, "Fast
//! exact summation using small and large superaccumulators" (2015). An addition touches two words.

use serde::{Deserialize, Serialize};

/// 2,098 bits of range (with 64 for carries) in 32-bit digits, and one more for the part above.
const DIGITS: usize = 70;
/// A word takes 53 + 31 - 32 = 52 bits an addition; 63 bits hold this many.
const BEFORE_CARRY: u32 = 1 << 11;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Vec<i64>", into = "Vec<i64>")]
pub(crate) struct ExactSum {
    digits: Box<[i64; DIGITS]>,
    left: u32,
}

impl From<ExactSum> for Vec<i64> {
    fn from(mut sum: ExactSum) -> Vec<i64> {
        sum.carry();
        sum.digits.to_vec()
    }
}

impl From<Vec<i64>> for ExactSum {
    fn from(digits: Vec<i64>) -> ExactSum {
        let mut sum = ExactSum::default();
        for (ours, theirs) in sum.digits.iter_mut().zip(digits) {
            *ours = theirs;
        }
        sum
    }
}

impl Default for ExactSum {
    fn default() -> Self {
        ExactSum { digits: Box::new([0; DIGITS]), left: BEFORE_CARRY }
    }
}

impl ExactSum {
    /// Adds a finite value.
    #[inline]
    pub(crate) fn add(&mut self, value: f64) {
        if self.left == 0 {
            self.carry();
        }
        self.left -= 1;
        let bits = value.to_bits();
        let exponent = (bits >> 52) & 0x7ff;
        let fraction = bits & ((1 << 52) - 1);
        // Subnormal numbers have the exponent of the smallest normal ones and no leading one.
        let (mantissa, exponent) = if exponent == 0 { (fraction, 1) } else { (fraction | 1 << 52, exponent) };
        #[allow(clippy::cast_possible_truncation)]
        let (digit, shift) = ((exponent >> 5) as usize, (exponent & 31) as u32);
        let shifted = u128::from(mantissa) << shift;
        #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
        let (low, high) = ((shifted as u32).into(), (shifted >> 32) as i64);
        let low: i64 = low;
        if bits >> 63 == 0 {
            self.digits[digit] += low;
            self.digits[digit + 1] += high;
        } else {
            self.digits[digit] -= low;
            self.digits[digit + 1] -= high;
        }
    }

    /// Leaves every digit but the last in 0 .. 2^32; the last carries the sign.
    fn carry(&mut self) {
        for at in 0..DIGITS - 1 {
            let carry = self.digits[at] >> 32;
            self.digits[at] &= 0xffff_ffff;
            self.digits[at + 1] += carry;
        }
        self.left = BEFORE_CARRY;
    }

    pub(crate) fn merge(&mut self, mut other: ExactSum) {
        self.carry();
        other.carry();
        for (ours, theirs) in self.digits.iter_mut().zip(other.digits.iter()) {
            *ours += theirs;
        }
        self.carry();
    }

    /// The sum divided by a count, rounded once; `None` for no values. It is finite even where the sum itself is
    /// beyond the doubles.
    pub(crate) fn mean(&self, count: u64) -> Option<f64> {
        if count == 0 {
            return None;
        }
        let mut exact = self.clone();
        exact.carry();
        let negative = exact.digits[DIGITS - 1] < 0;
        if negative {
            exact.digits.iter_mut().for_each(|digit| *digit = -*digit);
            exact.carry();
        }
        let Some(top) = exact.digits.iter().rposition(|digit| *digit != 0) else { return Some(0.0) };
        // Four digits hold at least 97 bits, so that 33 more than a double's are left below. After `carry` no digit is
        // negative.
        let lowest = top.saturating_sub(3);
        let head = (lowest..=top).rev().fold(0, |head, at| (head << 32) | u128::from(exact.digits[at].unsigned_abs()));
        // Digit 0's lowest bit weighs 2^-1074 shifted by the exponent's start at 1.
        let exponent = 32 * i32::try_from(lowest).unwrap_or(0) - 1075;
        let mean = scale(ratio(head, count.into()), exponent);
        Some(if negative { -mean } else { mean })
    }
}

/// A quotient rounded once, as long as the divisor is below 2^64.
#[allow(clippy::cast_precision_loss)]
pub(super) fn ratio(numerator: u128, divisor: u128) -> f64 {
    if numerator == 0 || divisor == 0 {
        return 0.0;
    }
    let shift = numerator.leading_zeros();
    let scaled = numerator << shift;
    // At least 64 bits, the lowest of which stands for all that the division left over.
    let quotient = (scaled / divisor) | u128::from(!scaled.is_multiple_of(divisor));
    quotient as f64 * 2f64.powi(-i32::try_from(shift).unwrap_or(0))
}

/// `value × 2^exponent` in steps that neither overflow nor underflow before they must.
fn scale(mut value: f64, mut exponent: i32) -> f64 {
    while exponent > 0 {
        let step = exponent.min(1000);
        value *= 2f64.powi(step);
        exponent -= step;
    }
    while exponent < 0 {
        let step = (-exponent).min(1000);
        value *= 2f64.powi(-step);
        exponent += step;
    }
    value
}
