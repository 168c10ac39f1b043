//! The actions of a commit as lines of JSON.

use std::collections::BTreeMap;

use bytes::Bytes;
use lockgate_types::{AssetName, DataFile, Version};
use serde_json::{Map, Value, json};

use super::log::APP_ID;
use super::path::encode;
use super::protocol::Protocol;
use super::schema::schema_string;

/// What a commit says of the table itself, when it has to.
#[derive(Clone, Debug)]
pub(crate) struct TableFacts {
    pub(crate) protocol: Option<Protocol>,
    pub(crate) id: String,
    pub(crate) created_ms: i64,
    pub(crate) configuration: BTreeMap<String, String>,
}

impl TableFacts {
    /// For the first commit of a table.
    pub(crate) fn first(version: &Version, created_ms: i64) -> TableFacts {
        TableFacts {
            protocol: Some(Protocol::for_schema(&version.schema)),
            id: table_id(&version.asset, created_ms),
            created_ms,
            configuration: [("delta.enableExpiredLogCleanup".to_owned(), "false".to_owned())].into(),
        }
    }
}

/// A UUID (version 8, RFC 9562) that is the same whenever the same first commit is prepared.
fn table_id(asset: &AssetName, created_ms: i64) -> String {
    let hash = blake3::hash(format!("{asset}@{created_ms}").as_bytes());
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Everything of one commit.
pub(crate) struct Commit<'a> {
    pub(crate) version: &'a Version,
    pub(crate) operation: &'a str,
    pub(crate) at_ms: i64,
    pub(crate) table: Option<TableFacts>,
    pub(crate) remove: Vec<DataFile>,
    pub(crate) add: Vec<DataFile>,
}

impl Commit<'_> {
    /// The exact bytes. The same commit gives the same bytes: files are in the order of their paths.
    pub(crate) fn bytes(mut self) -> Bytes {
        self.add.sort_by(|a, b| a.path.cmp(&b.path));
        self.remove.sort_by(|a, b| a.path.cmp(&b.path));
        let mut lines = vec![self.commit_info()];
        if let Some(table) = &self.table {
            lines.extend(table.protocol.as_ref().map(|protocol| json!({"protocol": protocol.to_json()})));
            lines.push(self.metadata(table));
        }
        let number = self.version.number.0;
        lines.push(json!({"txn": {"appId": APP_ID, "version": number, "lastUpdated": self.at_ms}}));
        lines.extend(self.remove.iter().map(|file| self.remove(file)));
        lines.extend(self.add.iter().map(|file| self.add(file)));
        let mut text = String::new();
        for line in lines {
            text.push_str(&line.to_string());
            text.push('\n');
        }
        Bytes::from(text)
    }

    fn commit_info(&self) -> Value {
        let whole_table = self.add.len() == self.version.files.len();
        let partition_by = json!(self.version.partition_by).to_string();
        json!({"commitInfo": {
            "timestamp": self.at_ms,
            "operation": self.operation,
            "operationParameters": {
                "mode": if whole_table { "Overwrite" } else { "Append" },
                "partitionBy": partition_by,
            },
            "isBlindAppend": false,
            "engineInfo": concat!("Lockgate/", env!("CARGO_PKG_VERSION")),
            "lockgateVersion": self.version.number.0,
        }})
    }

    fn metadata(&self, table: &TableFacts) -> Value {
        json!({"metaData": {
            "id": table.id,
            "name": self.version.asset.to_string(),
            "format": {"provider": "parquet", "options": {}},
            "schemaString": schema_string(&self.version.schema),
            "partitionColumns": self.version.partition_by,
            "configuration": table.configuration,
            "createdTime": table.created_ms,
        }})
    }

    fn add(&self, file: &DataFile) -> Value {
        let mut add = json!({
            "path": encode(&file.path),
            "partitionValues": partition_values(file),
            "size": file.size_bytes,
            "modificationTime": self.at_ms,
            "dataChange": true,
        });
        if let Some(stats) = &file.stats {
            add["stats"] = stats.as_str().into();
        }
        json!({"add": add})
    }

    fn remove(&self, file: &DataFile) -> Value {
        json!({"remove": {
            "path": encode(&file.path),
            "deletionTimestamp": self.at_ms,
            "dataChange": true,
            "extendedFileMetadata": true,
            "partitionValues": partition_values(file),
            "size": file.size_bytes,
        }})
    }
}

fn partition_values(file: &DataFile) -> Value {
    let values: Map<String, Value> =
        file.partition.iter().map(|(column, value)| (column.clone(), json!(value))).collect();
    Value::Object(values)
}

/// The file actions of a commit, as `+path` and `-path`, sorted: what two preparations of it must agree on.
pub(crate) fn file_actions(commit: &[u8]) -> Result<Vec<String>, String> {
    let mut actions = Vec::new();
    for line in commit.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let action: Value = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        for (key, sign) in [("add", '+'), ("remove", '-')] {
            if let Some(path) = action.get(key).and_then(|action| action.get("path")).and_then(Value::as_str) {
                actions.push(format!("{sign}{path}"));
            }
        }
    }
    actions.sort_unstable();
    Ok(actions)
}
