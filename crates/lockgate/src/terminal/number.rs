//! Numbers as a person reads them, always with their unit.

pub(crate) use lockgate_types::number::{count, counted, rows};

/// A length as the number that counts it.
pub(crate) fn len<T>(items: &[T]) -> u64 {
    items.len() as u64
}

/// `812 B`, `12.3 MB`; powers of 1,000.
pub(crate) fn bytes(number: u64) -> String {
    if number < 1_000 {
        return format!("{number} B");
    }
    #[allow(clippy::cast_precision_loss)] // three digits are shown
    let mut value = number as f64;
    let mut unit = "B";
    for larger in ["kB", "MB", "GB", "TB", "PB"] {
        // 999.96 kB would read `1000.0 kB`.
        if value < 999.95 {
            break;
        }
        value /= 1_000.0;
        unit = larger;
    }
    format!("{value:.1} {unit}")
}

/// `340 ms`, `1.2 s`, `2 min 5 s`, `1 h 3 min`.
pub(crate) fn duration_ms(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        // 59.96 s would read `60.0 s`.
        1_000..59_950 => format!("{}.{} s", (ms + 50) / 1_000, (ms + 50) % 1_000 / 100),
        59_950..3_599_500 => {
            let seconds = (ms + 500) / 1_000;
            format!("{} min {} s", seconds / 60, seconds % 60)
        }
        _ => {
            let minutes = (ms + 30_000) / 60_000;
            format!("{} h {} min", count(minutes / 60), minutes % 60)
        }
    }
}

/// `15.6 %`, `0.46 %`, `0.0012 %`, of a share from 0 to 1. What is not nothing never reads `0 %`, and what is not
/// everything never `100 %`.
pub(crate) fn percent(share: f64) -> String {
    let value = share * 100.0;
    let size = value.abs();
    let mut decimals = match size {
        size if size == 0.0 || size >= 10.0 => 1,
        size if size >= 0.1 => 2,
        size => (2..=9).find(|places| size * 10f64.powi(*places) >= 10.0).unwrap_or(9),
    };
    loop {
        let text = format!("{value:.*}", usize::try_from(decimals).unwrap_or(1));
        let text = text.trim_end_matches('0').trim_end_matches('.');
        if text != "100" || share >= 1.0 || decimals >= 9 {
            return format!("{text} %");
        }
        decimals += 1;
    }
}

/// A measured value with up to six digits that say something.
pub(crate) fn measured(value: f64) -> String {
    if !value.is_finite() || value.abs() >= 1e15 || (value != 0.0 && value.abs() < 1e-4) {
        return format!("{value:e}");
    }
    let whole_digits = value.abs().log10().floor().max(0.0);
    // Between 0 and 5 by construction.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let decimals = (5.0 - whole_digits).clamp(0.0, 5.0) as usize;
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), count);
    let fraction = fraction.trim_end_matches('0');
    let sign = if value < 0.0 { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests;
