//! Files as the M competitions are handed around.

use std::error::Error;

/// The series of a wide file whose row, from 0, is kept: a header, then an id and its values, oldest first; shorter series end in
/// empty fields.
///
/// # Errors
/// A file that cannot be read, or a field that is no number.
pub(crate) fn read(path: &str, kept: impl Fn(usize) -> bool) -> Result<Vec<Vec<f64>>, Box<dyn Error>> {
    let text = std::fs::read_to_string(path)?;
    let rows = text.lines().skip(1).enumerate().filter(|(row, _)| kept(*row));
    rows.map(|(_, row)| {
        let fields =
            row.split(',').skip(1).map(|field| field.trim().trim_matches('"')).filter(|field| !field.is_empty());
        Ok(fields.map(str::parse).collect::<Result<Vec<f64>, _>>()?)
    })
    .collect()
}
