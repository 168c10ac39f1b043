//! Alerts: who is told of what.

use std::collections::BTreeSet;

use lockgate_types::{AssetName, Diagnostic, Diagnostics, Place};
use url::Url;

use crate::asset::Context;
use crate::fields::{guess, one_of};
use crate::schedule::words_of;
use crate::selector::{self, SelectorAsset};
use crate::settings::{PROJECT_KEYS, items_of};
use crate::yaml::{Map, Node, Span};
use crate::{Fields, Secret, Source, codes};

/// An entry of `alerts`.
#[derive(Clone, Debug)]
pub struct Alert {
    /// Of what it tells; in order, each once.
    pub when: Vec<AlertEvent>,
    /// An `http` or `https` URL. Whoever knows it can post there, so it is a secret, whether it is written or comes from
    /// `${…}`.
    pub to: Secret,
    /// The same for people, without what must not be shown: `${SLACK_URL}`, `https://hooks.slack.com`.
    pub shown: String,
    pub receiver: Receiver,
    /// Selectors, as they are written; none select everything.
    pub select: Vec<String>,
    /// The assets that it is about; `None` when it is about all, and about runs that fail as a whole.
    pub assets: Option<BTreeSet<AssetName>>,
    pub place: Place,
}

/// What people may be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertEvent {
    /// A version did not pass its gate.
    Held,
    /// A task failed, after its retries, or a run as a whole.
    Failed,
    /// An asset became late.
    Late,
}

impl AlertEvent {
    pub const ALL: [AlertEvent; 3] = [AlertEvent::Held, AlertEvent::Failed, AlertEvent::Late];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            AlertEvent::Held => "held",
            AlertEvent::Failed => "failed",
            AlertEvent::Late => "late",
        }
    }
}

/// Who reads what is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Receiver {
    /// Slack's incoming webhooks, or what takes the same.
    Slack,
    /// Lockgate's own JSON.
    #[default]
    Webhook,
}

impl Receiver {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Receiver::Slack => "slack",
            Receiver::Webhook => "webhook",
        }
    }
}

impl Alert {
    /// Whether it tells of this. `None` is a run as a whole.
    pub fn is_about(&self, event: AlertEvent, asset: Option<&AssetName>) -> bool {
        let concerns = match (&self.assets, asset) {
            (None, _) => true,
            (Some(assets), Some(asset)) => assets.contains(asset),
            (Some(_), None) => false,
        };
        concerns && self.when.contains(&event)
    }
}

/// An alert and the words in it that name assets.
pub(crate) struct AlertEntry {
    alert: Alert,
    words: Vec<Node>,
}

/// What stands under `to`, before `${…}` is resolved, and where.
pub(crate) type Written = Vec<(Span, String)>;

/// Reads that, and keeps URLs that stand there as they are among the secrets.
pub(crate) fn written(map: &Map, cx: &mut Context<'_>) -> Written {
    let items = map.get("alerts").and_then(Node::as_list).unwrap_or_default();
    let nodes = items.iter().filter_map(|item| item.as_map()?.get("to"));
    let written: Written = nodes.filter_map(|node| Some((node.span, node.as_str()?.to_owned()))).collect();
    for (_, text) in written.iter().filter(|(_, text)| !text.contains("${") && Url::parse(text).is_ok()) {
        cx.resolver.remember(text.clone());
    }
    written
}

/// Reads `alerts`; what is wrong is reported and left out.
pub(crate) fn read(fields: &mut Fields<'_>, written: &Written) -> Vec<AlertEntry> {
    let source = fields.source();
    let mut entries = Vec::new();
    for (item, map) in items_of(fields, "alerts", "{ when: [ … ], to: … }", "a map with `to`") {
        let mut entry = Fields::at(map, source, PROJECT_KEYS, "alerts.*", fields.diagnostics());
        let when = when(&mut entry);
        let to = to(&mut entry, item.span);
        let receiver = match entry.choice("type", &["slack", "webhook"]) {
            Some("slack") => Receiver::Slack,
            _ => Receiver::Webhook,
        };
        let select = entry.strings("select").unwrap_or_default();
        entry.finish();
        let (Some(when), Some(to)) = (when, to) else { continue };
        let span = map.get("to").map_or(item.span, |node| node.span);
        let written = written.iter().find(|(at, _)| *at == span);
        let shown = written.map(|(_, text)| shown(text)).unwrap_or_default();
        let words = map.get("select").map(words_of).unwrap_or_default();
        let alert = Alert { when, to, shown, receiver, select, assets: None, place: source.place(span) };
        entries.push(AlertEntry { alert, words });
    }
    entries
}

/// Finds the assets that each is about.
pub(crate) fn finish(
    entries: Vec<AlertEntry>,
    source: &Source,
    assets: &[SelectorAsset],
    some_are_broken: bool,
    diagnostics: &mut Diagnostics,
) -> Vec<Alert> {
    let mut alerts = Vec::with_capacity(entries.len());
    for AlertEntry { mut alert, words } in entries {
        for word in words {
            match chosen(word.as_str().unwrap_or_default(), assets, some_are_broken) {
                Ok(names) => alert.assets.get_or_insert_default().extend(names),
                Err(errors) => diagnostics.extend(errors.into_iter().map(|error| error.at(source.place(word.span)))),
            }
        }
        alerts.push(alert);
    }
    alerts
}

fn chosen(word: &str, assets: &[SelectorAsset], some_are_broken: bool) -> Result<BTreeSet<AssetName>, Diagnostics> {
    let selector = selector::parse(&[word.to_owned()], &[])?;
    if selector.follows_graph() {
        let error = Diagnostic::error(&codes::ALERT, format!("`{word}` cannot say what an alert is about"));
        return Err(error.expected("names, `schema`, `schema.*`, `tag:x` or `kind:x`").into());
    }
    match selector.select(assets) {
        // What was meant may be an asset whose tags could not be read.
        Err(_) if some_are_broken && word.contains(':') => Ok(BTreeSet::new()),
        result => result,
    }
}

/// All, when it is not said; `None` when it is wrong.
fn when(fields: &mut Fields<'_>) -> Option<Vec<AlertEvent>> {
    let Some(node) = fields.node("when") else { return Some(AlertEvent::ALL.to_vec()) };
    let words = || AlertEvent::ALL.map(AlertEvent::as_str);
    let mut when = BTreeSet::new();
    fields.strings("when")?;
    for word in words_of(node) {
        let text = word.as_str().unwrap_or_default();
        match AlertEvent::ALL.into_iter().find(|event| event.as_str() == text) {
            Some(event) => {
                when.insert(event);
            }
            None => {
                let error = fields.error(word.span, &codes::WRONG_VALUE, format!("`when` cannot be `{text}`"));
                error.expected = one_of(words());
                error.hint = guess(text, words());
                return None;
            }
        }
    }
    if when.is_empty() {
        fields.error(node.span, &codes::ALERT, "an alert for nothing").expected = one_of(words());
        return None;
    }
    Some(when.into_iter().collect())
}

fn to(fields: &mut Fields<'_>, span: Span) -> Option<Secret> {
    let node = fields.required("to", span)?;
    let text = fields.string("to")?;
    let url = Url::parse(&text).ok().filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
    match url {
        Some(_) => Some(Secret::new(text)),
        // A variable that is not set is reported already.
        None if text.contains("${") => None,
        None => {
            // It is a secret, and not repeated.
            fields.error(node.span, &codes::ALERT, "this is no URL that can be posted to").expected =
                Some("http:// or https:// and a host".to_owned());
            None
        }
    }
}

/// A URL as it is written, without what may be a secret: who knows a webhook's path can post there.
fn shown(written: &str) -> String {
    if let Some(end) = written.strip_prefix("${").and_then(|rest| rest.find('}')) {
        return written[..end + 3].to_owned();
    }
    let Ok(url) = Url::parse(written) else { return "***".to_owned() };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    match url.host_str() {
        Some(host) => format!("{}://{host}{port}", url.scheme()),
        None => "***".to_owned(),
    }
}
