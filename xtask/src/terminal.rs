//! How numbers, times and headings are written.

/// `336776` as `336,776`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `part` of `whole` as `0.46 %`.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn percent(part: u64, whole: u64, digits: usize) -> String {
    let share = if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    format!("{:.digits$} %", share * 100.0)
}

/// Seconds of a wall clock, as `12.3 s` or `3 min 05 s`.
pub(crate) fn seconds(seconds: f64) -> String {
    if seconds < 100.0 {
        return format!("{seconds:.1} s");
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let whole = seconds.round() as u64;
    format!("{} min {:02} s", whole / 60, whole % 60)
}

/// A line that starts a part of the story.
pub(crate) fn heading(text: &str) {
    println!("\n── {text} {}", "─".repeat(96usize.saturating_sub(text.chars().count())));
}

/// A sentence of the story.
pub(crate) fn say(text: &str) {
    println!("\n   {}", text.replace('\n', "\n   "));
}

#[cfg(test)]
mod tests;
