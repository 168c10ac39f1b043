//! Slack's blocks, with the same as plain text for notifications. Sizes stay below Slack's limits (3,000 characters a section,
//! 50 blocks), or it refuses the message.

use lockgate_types::CheckOutcome;
use serde_json::{Value as Json, json};

use super::{Letter, counts, instant};

/// More failing checks are counted, not listed.
const CHECKS_MAX: usize = 8;

/// Of one text that others wrote.
const TEXT_MAX: usize = 300;

pub(super) fn body(letter: &Letter<'_>) -> Json {
    let news = letter.news;
    let title = match (&news.asset, &news.run) {
        (Some(asset), _) => format!("{asset} {}", happened(letter)),
        (None, Some(run)) => format!("run {run} {}", happened(letter)),
        (None, None) => format!("a run {}", happened(letter)),
    };
    let mut text = match &letter.url {
        Some(url) => format!("*<{}|{}>*", link(url.as_str()), escape(&title)),
        None => format!("*{}*", escape(&title)),
    };
    if let Some(version) = news.version {
        text.push_str(&format!("   version {version}"));
    }
    if !news.why.is_empty() && news.checks.is_empty() {
        text.push_str(&format!("\n{}", escape_cut(&news.why, 5 * TEXT_MAX)));
    }
    let mut blocks = vec![section(&text)];
    if !news.checks.is_empty() {
        blocks.push(section(&checks(&news.checks)));
    }
    blocks.push(section(&format!("Next: `{}`", escape(&news.next(letter.environment)))));
    let mut context = vec![escape_cut(letter.project, TEXT_MAX)];
    if letter.environment != "default" {
        context.push(escape(letter.environment));
    }
    context.extend(letter.owner.map(|owner| format!("owner {}", escape_cut(owner, TEXT_MAX))));
    context.extend(news.readers().map(|readers| escape(&readers)));
    context.push(instant(news.at));
    let context = json!({ "type": "mrkdwn", "text": context.join("  ·  ") });
    blocks.push(json!({ "type": "context", "elements": [context] }));
    json!({ "text": escape_cut(&news.sentence(), 5 * TEXT_MAX), "blocks": blocks })
}

fn happened(letter: &Letter<'_>) -> &'static str {
    match letter.news.event {
        lockgate_project::AlertEvent::Held => "is held",
        lockgate_project::AlertEvent::Failed => "failed",
        lockgate_project::AlertEvent::Late => "is late",
    }
}

fn section(text: &str) -> Json {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } })
}

fn checks(checks: &[CheckOutcome]) -> String {
    let mut lines: Vec<String> = checks
        .iter()
        .take(CHECKS_MAX)
        .map(|check| {
            let counts = counts(check).map(|counts| format!(" ({counts})")).unwrap_or_default();
            let (name, message) = (escape_cut(&check.name, TEXT_MAX / 4), escape_cut(&check.message, TEXT_MAX / 2));
            format!("• *{name}*: {message}{counts}")
        })
        .collect();
    if checks.len() > CHECKS_MAX {
        lines.push(format!("and {} more", checks.len() - CHECKS_MAX));
    }
    lines.join("\n")
}

/// Slack takes `<…>` for links and mentions (`<!channel>`), and `&` for the start of an escape; these three are all that it
/// asks to be escaped.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The same, in at most so many characters after escaping: a message that is too long is refused, and told to nobody.
fn escape_cut(text: &str, most: usize) -> String {
    let mut escaped = String::new();
    let mut length = 0;
    for c in text.chars() {
        let next = escape(c.encode_utf8(&mut [0; 4]));
        length += next.len().min(5);
        if length >= most {
            escaped.push('…');
            break;
        }
        escaped.push_str(&next);
    }
    escaped
}

/// A URL between `<` and `|`.
fn link(url: &str) -> String {
    escape(url).replace('|', "%7C")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot go on should say where

    use chrono::DateTime;
    use lockgate_project::AlertEvent;
    use lockgate_types::{CheckState, Samples, Severity, Threshold};

    use super::*;
    use crate::news::News;

    fn check(name: &str, message: &str) -> CheckOutcome {
        CheckOutcome {
            name: name.to_owned(),
            kind: "expect".to_owned(),
            section: None,
            severity: Severity::Error,
            state: CheckState::Failed,
            failing: 12,
            total: 400,
            share: 0.03,
            error: Threshold::Rows(0),
            warn: None,
            message: message.to_owned(),
            before: None,
            samples: Samples::default(),
            excuse: None,
            rejected: false,
            statement: None,
        }
    }

    fn body_of(checks: Vec<CheckOutcome>, project: &str) -> Json {
        let news = News {
            event: AlertEvent::Held,
            at: DateTime::UNIX_EPOCH,
            asset: Some("mart.daily".parse().unwrap()),
            version: None,
            readers_see: None,
            run: None,
            checks,
            why: "amount < 0 & <!channel>".to_owned(),
            same: Vec::new(),
        };
        let url = Some(url::Url::parse("https://host/gate/mart.daily?a=1&b=|").unwrap());
        body(&Letter { id: "1", project, environment: "dev", owner: Some("<!here>"), url, news: &news })
    }

    fn texts(json: &Json, found: &mut Vec<String>) {
        match json {
            Json::Object(map) => {
                found.extend(map.get("text").and_then(Json::as_str).map(str::to_owned));
                map.values().for_each(|value| texts(value, found));
            }
            Json::Array(items) => items.iter().for_each(|value| texts(value, found)),
            _ => {}
        }
    }

    #[test]
    fn what_slack_would_read_as_its_own_is_escaped() {
        let body = body_of(vec![check("<b>&amp;", "amount < 0 <@U123>")], "R&D <!everyone>");
        let mut found = Vec::new();
        texts(&body, &mut found);
        assert!(found.len() >= 4, "{found:?}");
        for text in &found {
            let text = text.replace("<https://host/gate/mart.daily?a=1&amp;b=%7C|mart.daily is held>", "");
            assert!(!text.contains(['<', '>']), "{text}");
            assert!(
                text.split('&').skip(1).all(|rest| ["amp;", "lt;", "gt;"].iter().any(|e| rest.starts_with(e))),
                "{text}"
            );
        }
        assert!(
            found
                .iter()
                .any(|text| text.contains("*&lt;b&gt;&amp;amp;*: amount &lt; 0 &lt;@U123&gt; (12 of 400 rows, 3 %)"))
        );
        assert!(found.iter().any(|text| text == "Next: `lockgate show mart.daily --held --env dev`"), "{found:?}");
    }

    #[test]
    fn a_message_stays_within_what_slack_takes() {
        let body =
            body_of((0..500).map(|_| check(&"n".repeat(5_000), &"<".repeat(5_000))).collect(), &"p".repeat(9_000));
        let mut found = Vec::new();
        texts(&body, &mut found);
        assert!(found.iter().all(|text| text.chars().count() <= 3_000), "{:?}", found.iter().map(String::len).max());
        assert!(found.iter().any(|text| text.ends_with("and 492 more")));
        assert!(body["blocks"].as_array().unwrap().len() <= 50);
    }
}
