//! The schemas that requests are checked against.
//!
//! A request for data needs the types of the tables that it names, and gets a schema of those. Only who asks about the
//! schema itself gets all of it, which for thousands of tables is large.
//!
//! Cost: a look-up for tables that were asked for together before; linear in their columns for others; linear in all
//! columns for the first who asks about the schema. All of it again when the project is loaded anew.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use async_graphql::dynamic::Schema;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use axum::http::StatusCode;
use lockgate_types::diagnostic::did_you_mean;
use tokio::sync::Mutex;

use super::model::{Model, Root};
use super::schema;
use crate::app::{App, Loaded};
use crate::codes::BAD_REQUEST;
use crate::problem::{ApiError, ApiResult};
use crate::request::bad;

/// Schemas of some tables that are kept.
const KEPT_MAX: usize = 64;

/// Of the project as it was loaded last.
#[derive(Debug, Default)]
pub(super) struct Schemas {
    newest: Mutex<Option<Newest>>,
}

#[derive(Debug)]
struct Newest {
    number: u64,
    model: Arc<Model>,
    /// By the tables in them; under `None` all are.
    kept: HashMap<Option<BTreeSet<usize>>, Schema>,
}

impl Schemas {
    /// # Errors
    /// A query field that there is not.
    pub(super) async fn of(
        &self,
        app: &App,
        loaded: &Arc<Loaded>,
        document: &ExecutableDocument,
    ) -> ApiResult<(Arc<Model>, Schema)> {
        // Who comes while one is made waits: it is probably the same.
        let mut newest = self.newest.lock().await;
        let failed = |_| ApiError::stopping();
        let mut newest = match newest.take() {
            Some(known) if known.number == loaded.number => newest.insert(known),
            _ => {
                let of = Arc::clone(loaded);
                let model = app.work.spawn_blocking(move || Model::of(&of.graph)).await.map_err(failed)?;
                newest.insert(Newest { number: loaded.number, model: Arc::new(model), kept: HashMap::new() })
            }
        };
        let model = Arc::clone(&newest.model);
        let wanted = wanted(&model, document)?;
        if let Some(schema) = newest.kept.get(&wanted) {
            return Ok((model, schema.clone()));
        }
        let (of, tables) = (Arc::clone(&model), wanted.clone());
        let making = app.work.spawn_blocking(move || schema::build(&of, tables.as_ref()));
        let schema = making.await.map_err(failed)?.map_err(|error| {
            tracing::error!(%error, "a GraphQL schema cannot be made");
            ApiError::coded(StatusCode::INTERNAL_SERVER_ERROR, &BAD_REQUEST, format!("there is no schema: {error}"))
        })?;
        let newest = &mut newest;
        if newest.kept.len() >= KEPT_MAX {
            newest.kept.retain(|tables, _| tables.is_none());
        }
        newest.kept.insert(wanted, schema.clone());
        Ok((model, schema))
    }
}

/// The tables that a document names, in whichever operation; `None` when it asks about the schema.
fn wanted(model: &Model, document: &ExecutableDocument) -> ApiResult<Option<BTreeSet<usize>>> {
    let mut names = HashSet::new();
    let mut tables = BTreeSet::new();
    for (_, operation) in document.operations.iter() {
        add(&operation.node.selection_set.node, &mut names);
    }
    for fragment in document.fragments.values() {
        names.insert(fragment.node.type_condition.node.on.node.as_str());
        add(&fragment.node.selection_set.node, &mut names);
    }
    if names.contains("__schema") || names.contains("__type") {
        return Ok(None);
    }
    for (_, operation) in document.operations.iter() {
        for item in &operation.node.selection_set.node.items {
            if let Selection::Field(field) = &item.node {
                known(model, field.node.name.node.as_str())?;
            }
        }
    }
    let mut open: Vec<usize> = names
        .iter()
        .filter_map(|name| model.root(name))
        .map(|(Root::Rows(table) | Root::Groups(table))| table)
        .collect();
    while let Some(table) = open.pop() {
        if tables.insert(table) {
            let relations = model.tables[table].relations.iter();
            open.extend(relations.filter(|r| names.contains(r.field.as_str())).map(|r| r.target));
        }
    }
    Ok(Some(tables))
}

/// A field of the query root, which the schema of some tables could not tell from others.
fn known(model: &Model, name: &str) -> ApiResult<()> {
    if name.starts_with("__") || model.root(name).is_some() || model.tables.is_empty() {
        return Ok(());
    }
    let error = bad(format!("there is no query field `{name}`"));
    let all = model.tables.iter().flat_map(|table| [table.field.as_str(), table.groups.as_str()]);
    Err(match did_you_mean(name, all) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint("a table is `schema__table`, groups of its rows are `schema__table_aggregate`"),
    })
}

fn add<'a>(set: &'a SelectionSet, names: &mut HashSet<&'a str>) {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => {
                names.insert(field.node.name.node.as_str());
                add(&field.node.selection_set.node, names);
            }
            Selection::InlineFragment(fragment) => {
                if let Some(condition) = &fragment.node.type_condition {
                    names.insert(condition.node.on.node.as_str());
                }
                add(&fragment.node.selection_set.node, names);
            }
            Selection::FragmentSpread(_) => {}
        }
    }
}
