//! The polynomials of an ARMA process, written by their coefficients after the leading 1.

/// The coefficients of a stationary autoregression with these partial autocorrelations, each between -1 and 1:
/// Barndorff-Nielsen and Schou (1973), *On the Parametrization of Autoregressive Models by Partial Autocorrelations*.
pub(super) fn from_partial(partial: &[f64]) -> Vec<f64> {
    let mut coefficients: Vec<f64> = Vec::with_capacity(partial.len());
    for &last in partial {
        let before = coefficients.clone();
        for (coefficient, mirrored) in coefficients.iter_mut().zip(before.iter().rev()) {
            *coefficient -= last * mirrored;
        }
        coefficients.push(last);
    }
    coefficients
}

/// The coefficients of the best predictors of every order up to that of the autoregression, and their error's variance
/// when its own is 1; the inverse of Durbin and Levinson's recursion. `None` when it is not stationary.
pub(super) fn predictors(coefficients: &[f64]) -> Option<(Vec<Vec<f64>>, Vec<f64>)> {
    let mut orders = vec![coefficients.to_vec()];
    let mut variances = vec![1.0];
    for order in (1..=coefficients.len()).rev() {
        let above = &orders[orders.len() - 1];
        let last = above[order - 1];
        let rest = 1.0 - last * last;
        if rest.is_nan() || rest <= 1e-12 {
            return None;
        }
        let below: Vec<f64> =
            (0..order - 1).map(|index| (above[index] + last * above[order - 2 - index]) / rest).collect();
        variances.push(variances[variances.len() - 1] / rest);
        orders.push(below);
    }
    orders.reverse();
    variances.reverse();
    Some((orders, variances))
}

/// Whether all roots of `1 - c₁x - c₂x² - …` lie further out than `radius`.
pub(super) fn roots_beyond(coefficients: &[f64], radius: f64) -> bool {
    let scaled: Vec<f64> =
        coefficients.iter().zip(1..).map(|(coefficient, power)| coefficient * radius.powi(power)).collect();
    predictors(&scaled).is_some()
}

/// The product of a polynomial and one in steps of a season, both in the sense of `1 + c₁x + …`.
pub(super) fn product(near: &[f64], seasonal: &[f64], season: usize) -> Vec<f64> {
    let mut product = vec![0.0; near.len() + seasonal.len() * season];
    product[..near.len()].copy_from_slice(near);
    for (round, factor) in seasonal.iter().enumerate() {
        let shift = (round + 1) * season;
        product[shift - 1] += factor;
        for (index, coefficient) in near.iter().enumerate() {
            product[shift + index] += factor * coefficient;
        }
    }
    product
}

pub(super) fn negated(coefficients: &[f64]) -> Vec<f64> {
    coefficients.iter().map(|coefficient| -coefficient).collect()
}
