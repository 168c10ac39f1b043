//! What an asset file and the `_defaults.yml` above it may both say.

use crate::yaml::Node;
use crate::{Fields, GateMode, KeyDoc, Load, asset, codes, planned};

/// Settings that folders hand down. `None`: not said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared {
    pub(crate) kind: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) gate: Option<GateMode>,
    pub(crate) load: Option<Load>,
    pub(crate) partition_by: Option<Vec<String>>,
    pub(crate) cluster_by: Option<Vec<String>>,
    pub(crate) retries: Option<u32>,
}

/// The keys that `_defaults.yml` takes: for everything in its folder and below.
pub const DEFAULTS_KEYS: &[KeyDoc] = &[
    KeyDoc {
        key: "kind",
        kind: "string",
        default: "",
        text: "For `.yml` assets that do not say theirs; a `.sql` file stays a transform.",
    },
    KeyDoc { key: "owner", kind: "string", default: "", text: "For assets without an `owner`." },
    KeyDoc { key: "tags", kind: "string | list of strings", default: "", text: "Added to each asset's own." },
    KeyDoc { key: "gate", kind: "block | report", default: "", text: "For assets without a `gate`." },
    KeyDoc { key: "load", kind: "full | append | inline", default: "", text: "For assets without a `load`." },
    KeyDoc {
        key: "partition_by",
        kind: "string | list of strings",
        default: "",
        text: "For assets without a `partition_by`.",
    },
    KeyDoc {
        key: "cluster_by",
        kind: "string | list of strings",
        default: "",
        text: "For assets without a `cluster_by`.",
    },
    KeyDoc { key: "retries", kind: "integer", default: "", text: "For assets without `retries`." },
];

impl Shared {
    /// Reads the keys of [`DEFAULTS_KEYS`].
    pub(crate) fn read(fields: &mut Fields<'_>) -> Shared {
        Shared {
            kind: kind(fields),
            owner: fields.string("owner"),
            tags: tags(fields),
            gate: gate(fields),
            load: asset::load(fields),
            partition_by: column_names(fields, "partition_by"),
            cluster_by: column_names(fields, "cluster_by"),
            retries: retries(fields),
        }
    }

    /// What is said here counts; what is not comes from above. Tags add up.
    pub(crate) fn over(self, above: &Shared) -> Shared {
        let mut tags = above.tags.clone();
        tags.extend(self.tags.into_iter().filter(|tag| !above.tags.contains(tag)));
        Shared {
            kind: self.kind.or_else(|| above.kind.clone()),
            owner: self.owner.or_else(|| above.owner.clone()),
            tags,
            gate: self.gate.or(above.gate),
            load: self.load.or_else(|| above.load.clone()),
            partition_by: self.partition_by.or_else(|| above.partition_by.clone()),
            cluster_by: self.cluster_by.or_else(|| above.cluster_by.clone()),
            retries: self.retries.or(above.retries),
        }
    }
}

fn kind(fields: &mut Fields<'_>) -> Option<String> {
    let kind = fields.string("kind")?;
    if planned::KINDS.contains(&kind.as_str())
        && let Some(node) = fields.node("kind")
    {
        let place = fields.source().place(node.span);
        fields.diagnostics().push(planned::not_built(&format!("the kind `{kind}`"), place));
    }
    Some(kind)
}

pub(crate) fn gate(fields: &mut Fields<'_>) -> Option<GateMode> {
    match fields.choice("gate", &["block", "report"])? {
        "report" => Some(GateMode::Report),
        _ => Some(GateMode::Block),
    }
}

/// More than this is a loop.
const RETRIES_MAX: u32 = 100;

fn retries(fields: &mut Fields<'_>) -> Option<u32> {
    let said = fields.integer("retries")?;
    match u32::try_from(said) {
        Ok(retries @ 0..=RETRIES_MAX) => Some(retries),
        _ => {
            let span = fields.node("retries").map(|node| node.span).unwrap_or_default();
            fields.error(span, &codes::WRONG_VALUE, format!("`retries` is {said}")).expected =
                Some(format!("0 to {RETRIES_MAX}"));
            None
        }
    }
}

fn tags(fields: &mut Fields<'_>) -> Vec<String> {
    if fields.node("tags").is_some_and(Node::is_null) {
        return Vec::new();
    }
    let tags = fields.strings("tags").unwrap_or_default();
    let unusable = |tag: &&String| tag.is_empty() || tag.contains(|c: char| c.is_whitespace() || ",+".contains(c));
    if let (Some(tag), Some(node)) = (tags.iter().find(unusable), fields.node("tags")) {
        let item = node.as_list().and_then(|items| items.iter().find(|item| item.as_str() == Some(tag)));
        let span = item.unwrap_or(node).span;
        let error = fields.error(span, &codes::WRONG_VALUE, format!("`{tag}` is no tag"));
        error.expected = Some("a word without spaces, `,` and `+`, so that `tag:x` can select it".to_owned());
    }
    tags
}

fn column_names(fields: &mut Fields<'_>, key: &str) -> Option<Vec<String>> {
    let names = fields.strings(key)?;
    let twice = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name));
    if let (Some((index, name)), Some(node)) = (twice, fields.node(key)) {
        let span = node.as_list().and_then(|items| items.get(index)).unwrap_or(node).span;
        fields.error(span, &codes::WRONG_VALUE, format!("`{key}` names `{name}` twice"));
    }
    Some(names)
}
