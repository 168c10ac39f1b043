//! Messages in the form that their receiver reads.

mod slack;
mod webhook;

use chrono::{DateTime, Utc};
use lockgate_project::Receiver;
use lockgate_types::CheckOutcome;
use serde_json::Value as Json;
use url::Url;

use crate::news::News;

/// What a message says besides the news.
pub(crate) struct Letter<'a> {
    pub(crate) id: &'a str,
    pub(crate) project: &'a str,
    pub(crate) environment: &'a str,
    pub(crate) owner: Option<&'a str>,
    pub(crate) url: Option<Url>,
    pub(crate) news: &'a News,
}

/// The body that is sent.
pub(crate) fn body(receiver: Receiver, letter: &Letter<'_>) -> Json {
    match receiver {
        Receiver::Slack => slack::body(letter),
        Receiver::Webhook => webhook::body(letter),
    }
}

/// How much failed, for checks that count rows: `12 of 400 rows, 3 %`.
fn counts(check: &CheckOutcome) -> Option<String> {
    if check.total <= 1 && check.failing <= 1 {
        return None;
    }
    let count = lockgate_types::number::count;
    let rows = lockgate_types::number::rows(check.total);
    Some(format!("{} of {rows}, {}", count(check.failing), percent(check.share)))
}

/// Two digits that say something; what is not nothing never reads `0 %`, what is not all never `100 %`.
fn percent(share: f64) -> String {
    let value = share * 100.0;
    let mut decimals = (0..9).find(|places| value.abs() * 10f64.powi(*places) >= 10.0).unwrap_or(9);
    loop {
        let places = usize::try_from(decimals).unwrap_or(0);
        let text = format!("{value:.places$}");
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        if text != "100" || share >= 1.0 || decimals >= 9 {
            return format!("{text} %");
        }
        decimals += 1;
    }
}

fn instant(at: DateTime<Utc>) -> String {
    at.format("%-d %b %Y %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_say_something() {
        let shown = [0.0, 0.03, 0.5, 1.0, 0.999_999, 1.0 / 3.0, 0.000_012, 12.0 / 400.0, 0.1234].map(percent);
        assert_eq!(shown, ["0 %", "3 %", "50 %", "100 %", "99.9999 %", "33 %", "0.0012 %", "3 %", "12 %"],);
    }
}
