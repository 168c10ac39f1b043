//! Least squares for the small systems of the models: dense, deterministic, a few dozen columns at most.
//!
//! [`Normal`] adds rows up into the normal equations, which may then be solved many times with different penalties by
//! Cholesky's factorisation: the rows are seen once. Golub and Van Loan, *Matrix Computations*, 4th edition, section
//! 4.2.

/// A square of numbers, row after row.
#[derive(Debug, Clone, PartialEq)]
struct Matrix {
    columns: usize,
    cells: Vec<f64>,
}

impl Matrix {
    fn zeros(size: usize) -> Matrix {
        Matrix { columns: size, cells: vec![0.0; size * size] }
    }

    fn row(&self, row: usize) -> &[f64] {
        &self.cells[row * self.columns..(row + 1) * self.columns]
    }

    fn at(&self, row: usize, column: usize) -> f64 {
        self.cells[row * self.columns + column]
    }

    fn set(&mut self, row: usize, column: usize, value: f64) {
        self.cells[row * self.columns + column] = value;
    }
}

/// The normal equations of a regression, added up row by row.
#[derive(Debug, Clone)]
pub(crate) struct Normal {
    columns: usize,
    /// The lower triangle, row after row, of the sums of products of columns.
    products: Vec<f64>,
    /// The sums of products of columns with the target.
    targets: Vec<f64>,
    /// The sum of the squared targets.
    square: f64,
    /// The sum of the weights.
    weight: f64,
}

/// What [`Normal::solve`] found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ridge {
    /// One per column; 0 for a column without penalty that the ones before it already span.
    pub(crate) coefficients: Vec<f64>,
    /// The sum of the squared residuals, weighted.
    pub(crate) residual_sum: f64,
    /// How many columns without penalty the fit is worth (the trace of the matrix that turns targets into fitted
    /// values).
    pub(crate) freedom: f64,
}

impl Normal {
    pub(crate) fn new(columns: usize) -> Normal {
        Normal {
            columns,
            products: vec![0.0; columns * (columns + 1) / 2],
            targets: vec![0.0; columns],
            square: 0.0,
            weight: 0.0,
        }
    }

    /// The sum of the weights of the rows.
    pub(crate) fn weight(&self) -> f64 {
        self.weight
    }

    /// Adds a row of as many values as there are columns.
    pub(crate) fn add(&mut self, row: &[f64], target: f64, weight: f64) {
        let mut start = 0;
        for (index, &value) in row.iter().enumerate() {
            let weighted = value * weight;
            if weighted != 0.0 {
                for (product, other) in self.products[start..=start + index].iter_mut().zip(row) {
                    *product += weighted * other;
                }
                self.targets[index] += weighted * target;
            }
            start += index + 1;
        }
        self.square += weight * target * target;
        self.weight += weight;
    }

    /// The coefficients that minimise the squared residuals plus `penalties[column] * coefficient²`.
    pub(crate) fn solve(&self, penalties: &[f64]) -> Ridge {
        let columns = self.columns;
        let factor = self.factor(penalties);
        let mut coefficients = self.targets.clone();
        forwards(&factor, &mut coefficients, 0);
        for row in (0..columns).rev() {
            let pivot = factor.at(row, row);
            let known: f64 = (row + 1..columns).map(|below| factor.at(below, row) * coefficients[below]).sum();
            coefficients[row] = if pivot > 0.0 { (coefficients[row] - known) / pivot } else { 0.0 };
        }
        let mut fitted = 0.0;
        let mut start = 0;
        for (row, coefficient) in coefficients.iter().enumerate() {
            let products = &self.products[start..=start + row];
            let crossed: f64 = products.iter().zip(&coefficients).map(|(product, other)| product * other).sum();
            fitted += coefficient * (2.0 * crossed - products[row] * coefficient - 2.0 * self.targets[row]);
            start += row + 1;
        }
        let freedom = (0..columns)
            .map(|column| {
                if factor.at(column, column) <= 0.0 {
                    return 0.0;
                }
                let mut unit = vec![0.0; columns];
                unit[column] = 1.0;
                forwards(&factor, &mut unit, column);
                1.0 - penalties[column] * unit[column..].iter().map(|value| value * value).sum::<f64>()
            })
            .sum();
        Ridge { coefficients, residual_sum: (self.square + fitted).max(0.0), freedom }
    }

    /// Cholesky's triangle of the products with the penalties on the diagonal; a pivot of 0 for a column that is
    /// spanned already.
    fn factor(&self, penalties: &[f64]) -> Matrix {
        let mut factor = Matrix::zeros(self.columns);
        let mut start = 0;
        for (row, penalty) in penalties.iter().enumerate() {
            let diagonal = self.products[start + row] + penalty;
            for column in 0..=row {
                let known: f64 =
                    factor.row(row)[..column].iter().zip(&factor.row(column)[..column]).map(|(a, b)| a * b).sum();
                let value = if column < row {
                    let pivot = factor.at(column, column);
                    if pivot > 0.0 { (self.products[start + column] - known) / pivot } else { 0.0 }
                } else {
                    let rest = diagonal - known;
                    if rest > diagonal * 1e-12 { rest.sqrt() } else { 0.0 }
                };
                factor.set(row, column, value);
            }
            start += row + 1;
        }
        factor
    }
}

/// Solves the triangle's equations in place, for a right side that is 0 before `from`.
fn forwards(factor: &Matrix, side: &mut [f64], from: usize) {
    for row in from..side.len() {
        let known: f64 = factor.row(row)[from..row].iter().zip(&side[from..row]).map(|(a, b)| a * b).sum();
        let pivot = factor.at(row, row);
        side[row] = if pivot > 0.0 { (side[row] - known) / pivot } else { 0.0 };
    }
}

#[cfg(test)]
#[path = "linear_tests.rs"]
mod tests;
