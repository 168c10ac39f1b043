//! Which protocol a table asks for, and which foreign ones are refused.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_types::Schema;
use serde_json::{Value, json};

use super::schema::has_timestamp_ntz;

/// The `protocol` action.
///
/// Tables ask for the oldest protocol that describes them: reader 1, writer 2. Delta's `timestamp` is an instant, so a
/// timestamp without a zone needs the feature `timestampNtz` and with it reader 3, writer 7; only tables with such
/// a column ask for that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Protocol {
    pub(crate) reader: i64,
    pub(crate) writer: i64,
    pub(crate) reader_features: BTreeSet<String>,
    pub(crate) writer_features: BTreeSet<String>,
}

const TIMESTAMP_NTZ: &str = "timestampNtz";

/// What writer version 2 implies; a protocol with features has to name them.
const IMPLIED_BY_WRITER_2: [&str; 2] = ["appendOnly", "invariants"];

/// Features that ask nothing of a reader or writer of our kind (`invariants` and `appendOnly` only when in use, which
/// [`unsupported`] looks for).
const HARMLESS: [&str; 5] = ["appendOnly", "invariants", TIMESTAMP_NTZ, "v2Checkpoint", "vacuumProtocolCheck"];

impl Protocol {
    /// The oldest that describes `schema`.
    pub(crate) fn for_schema(schema: &Schema) -> Protocol {
        if !has_timestamp_ntz(schema) {
            return Protocol {
                reader: 1,
                writer: 2,
                reader_features: BTreeSet::new(),
                writer_features: BTreeSet::new(),
            };
        }
        let features = IMPLIED_BY_WRITER_2.iter().chain([&TIMESTAMP_NTZ]).map(|name| (*name).to_owned());
        Protocol {
            reader: 3,
            writer: 7,
            reader_features: [TIMESTAMP_NTZ.to_owned()].into(),
            writer_features: features.collect(),
        }
    }

    /// What satisfies both: a table's protocol never goes back.
    pub(crate) fn union(&self, other: &Protocol) -> Protocol {
        Protocol {
            reader: self.reader.max(other.reader),
            writer: self.writer.max(other.writer),
            reader_features: self.reader_features.union(&other.reader_features).cloned().collect(),
            writer_features: self.writer_features.union(&other.writer_features).cloned().collect(),
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut protocol = json!({"minReaderVersion": self.reader, "minWriterVersion": self.writer});
        if self.reader >= 3 {
            protocol["readerFeatures"] = json!(self.reader_features);
        }
        if self.writer >= 7 {
            protocol["writerFeatures"] = json!(self.writer_features);
        }
        protocol
    }
}

/// The first thing that a table asks for and that this build does not do; `schema` is the log's schema string.
pub(crate) fn unsupported(
    protocol: &Protocol,
    configuration: &BTreeMap<String, String>,
    schema: &str,
) -> Option<String> {
    let features = protocol.reader_features.iter().chain(&protocol.writer_features);
    if let Some(feature) = features.into_iter().find(|feature| !HARMLESS.contains(&feature.as_str())) {
        return Some(feature.clone());
    }
    if protocol.reader > 3 {
        return Some(format!("reader version {}", protocol.reader));
    }
    if protocol.writer > 7 {
        return Some(format!("writer version {}", protocol.writer));
    }
    // Older protocols have no list of features; a version implies some, and a property turns each on.
    let set = |key: &str, off: &str| configuration.get(key).is_some_and(|value| value != off);
    for (key, off) in [
        ("delta.columnMapping.mode", "none"),
        ("delta.enableDeletionVectors", "false"),
        ("delta.enableChangeDataFeed", "false"),
        ("delta.enableRowTracking", "false"),
        ("delta.appendOnly", "false"),
    ] {
        if set(key, off) {
            return Some(key.to_owned());
        }
    }
    if let Some(constraint) = configuration.keys().find(|key| key.starts_with("delta.constraints.")) {
        return Some(constraint.clone());
    }
    ["delta.invariants", "delta.generationExpression", "delta.identity.start"]
        .into_iter()
        .find(|key| schema.contains(key))
        .map(str::to_owned)
}
