//! The schema `lockgate` as data.

use chrono::{DateTime, Utc};
use lockgate_types::{Column, DataType, Schema, Version};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use super::state::{Row, State};
use crate::system::{Columns, columns};
use crate::{CheckCounts, SystemTable};

impl State {
    pub(super) fn system_table(&self, name: &str) -> Option<SystemTable> {
        let columns: Columns = columns(name)?;
        let objects = match name {
            "runs" => {
                let mut runs: Vec<_> = self.runs.values().collect();
                runs.sort_by(|a, b| (a.started_at, &a.id).cmp(&(b.started_at, &b.id)));
                runs.into_iter().map(|run| object(run, json!({}))).collect()
            }
            "tasks" => self.tasks.values().map(|task| object(task, json!({}))).collect(),
            "versions" => self.versions.iter().map(|((env, ..), row)| self.version_object(env, row)).collect(),
            "checks" => {
                self.of_versions(|version| version.checks.iter().map(|check| object(check, json!({}))).collect())
            }
            "profiles" => self.of_versions(|version| {
                let columns = version.profile.iter().flat_map(|profile| &profile.columns);
                let object = |column: &lockgate_types::ColumnProfile| {
                    object(column, json!({ "column_name": column.name, "distinct_values": column.distinct }))
                };
                columns.map(object).collect()
            }),
            // Only a server writes these, and none runs on this catalog.
            "schedules" | "deliveries" => Vec::new(),
            _ => {
                let numbered = (1_i64..).zip(&self.audit);
                let object = |(sequence, entry): (i64, &crate::AuditEntry)| {
                    let mut object = Map::new();
                    object.insert("sequence".to_owned(), json!(sequence));
                    object.insert("at".to_owned(), json!(entry.at));
                    object.insert("actor".to_owned(), json!(entry.actor));
                    object.insert("action".to_owned(), json!(entry.action));
                    object.insert("environment".to_owned(), json!(entry.environment));
                    object.insert("asset".to_owned(), json!(entry.asset));
                    object.insert("version".to_owned(), json!(entry.version));
                    object.insert("why".to_owned(), json!(entry.why));
                    object.insert("detail".to_owned(), entry.detail.clone());
                    object
                };
                numbered.map(object).collect()
            }
        };
        let row =
            |object: Map<String, Json>| columns.iter().map(|(name, kind)| cell(object.get(*name), kind)).collect();
        Some(SystemTable {
            columns: Schema { columns: columns.iter().map(|(name, kind)| Column::new(*name, kind.clone())).collect() },
            rows: Vec::into_iter(objects).map(row).collect(),
        })
    }

    fn version_object(&self, env: &str, row: &Row) -> Map<String, Json> {
        let counts = CheckCounts::of(&row.version.checks);
        let more = json!({
            "environment": env,
            "published_by": self.publisher(row),
            "checks_passed": counts.passed,
            "checks_warned": counts.warned,
            "checks_known": counts.known,
            "checks_suppressed": counts.suppressed,
            "checks_failed": counts.failed,
            "checks_errored": counts.errored,
        });
        object(&row.version, more)
    }

    /// What each version has several of, with the version in front.
    fn of_versions(&self, list: impl Fn(&Version) -> Vec<Map<String, Json>>) -> Vec<Map<String, Json>> {
        let mut objects = Vec::new();
        for ((env, asset, number), row) in &self.versions {
            for mut object in list(&row.version) {
                object.insert("environment".to_owned(), json!(env));
                object.insert("asset".to_owned(), json!(asset));
                object.insert("version".to_owned(), json!(number));
                objects.push(object);
            }
        }
        objects
    }
}

/// The fields of a thing, and more.
fn object(thing: &impl Serialize, more: Json) -> Map<String, Json> {
    let mut object = match serde_json::to_value(thing) {
        Ok(Json::Object(object)) => object,
        _ => Map::new(),
    };
    if let Json::Object(more) = more {
        object.extend(more);
    }
    object
}

fn cell(value: Option<&Json>, kind: &DataType) -> Json {
    match (value, kind) {
        (None | Some(Json::Null), _) => Json::Null,
        (Some(value), DataType::Timestamptz) => {
            let at = value.as_str().and_then(|text| text.parse::<DateTime<Utc>>().ok());
            at.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)).into()
        }
        (Some(Json::Number(number)), _) => Json::Number(number.clone()),
        (Some(Json::String(text)), _) => Json::String(text.clone()),
        // JSON stays text: that is what a column of type `json` holds.
        (Some(value), _) => value.to_string().into(),
    }
}
