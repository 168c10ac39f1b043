//! One request at work: which versions it reads, and its statements, level by level.
//!
//! Guarantees: the versions are found once, before the first row is read, and every statement names its own by number. So
//! all fields of a request see one instant, whatever is published meanwhile; members of a group are never seen apart.
//!
//! Cost: one look-up of the live versions; one statement per query field and one per nested field, however many rows they
//! are for. Statements go through [`App::answer`]: equal ones are computed once and kept.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use async_graphql::{Name, PathSegment, Response, ServerError, Value};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use futures::future::{BoxFuture, try_join_all};
use lockgate_run::{QueryOptions, RunError};
use lockgate_types::{AssetName, DataType, VersionNumber};
use tokio::sync::{OnceCell, Semaphore};

use super::literal::Literal;
use super::model::{Model, Table};
use super::plan::{Aggregate, GroupOutput, Groups, Nested, Output, Pin, Planned, Planner, Rows};
use super::selection::Selected;
use super::{BYTES_MAX, NESTED_ROWS_MAX, ROWS_MAX, sql, value};
use crate::app::{App, Loaded};
use crate::codes::TOO_LARGE;
use crate::problem::{ApiError, ApiResult};

type Versions = BTreeMap<AssetName, VersionNumber>;

/// A request at work.
#[derive(Debug)]
pub(super) struct Execution {
    app: Arc<App>,
    loaded: Arc<Loaded>,
    model: Arc<Model>,
    actor: String,
    selected: Vec<Selected>,
    prepared: OnceCell<ApiResult<Prepared>>,
    /// A request does not take all turns for itself.
    turns: Semaphore,
    bytes: AtomicUsize,
    read: Mutex<BTreeMap<AssetName, VersionNumber>>,
    errors: Mutex<Vec<ServerError>>,
}

/// What is known before the first row is read.
#[derive(Debug)]
struct Prepared {
    roots: HashMap<String, ApiResult<Planned>>,
    versions: HashMap<Option<DateTime<Utc>>, Versions>,
}

/// Rows that were read: objects, and by key when they belong to others.
struct Fetched {
    objects: Vec<Value>,
    keys: Vec<String>,
}

impl Execution {
    pub(super) fn new(
        app: Arc<App>,
        loaded: Arc<Loaded>,
        model: Arc<Model>,
        actor: String,
        selected: Vec<Selected>,
    ) -> Execution {
        Execution {
            app,
            loaded,
            model,
            actor,
            selected,
            prepared: OnceCell::new(),
            turns: Semaphore::new(2),
            bytes: AtomicUsize::new(0),
            read: Mutex::default(),
            errors: Mutex::default(),
        }
    }

    /// The versions that were read so far.
    pub(super) fn versions(&self) -> BTreeMap<AssetName, VersionNumber> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn failed(&self, error: ServerError) {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).push(error);
    }

    /// The answer with what went wrong here, and in the order of the request: the library has it in that of coming in.
    pub(super) fn complete(&self, mut answer: Response) -> Response {
        answer.errors.append(&mut self.errors.lock().unwrap_or_else(PoisonError::into_inner));
        let key = |error: &ServerError| match error.path.first() {
            Some(PathSegment::Field(key)) => self.selected.iter().position(|selected| selected.key == *key),
            Some(PathSegment::Index(_)) | None => None,
        };
        answer.errors.sort_by_key(key);
        if let Value::Object(fields) = &mut answer.data {
            let keys = self.selected.iter().map(|selected| selected.key.as_str());
            let ordered = keys.filter_map(|key| fields.swap_remove_entry(key)).collect();
            answer.data = Value::Object(ordered);
        }
        answer
    }

    /// The value of a query field, complete with all that is nested in it.
    ///
    /// # Errors
    /// Arguments that make no sense, limits, and what reading answers.
    pub(super) async fn root(&self, key: &str) -> ApiResult<Value> {
        let prepared = self.prepared.get_or_init(|| self.prepare()).await.as_ref().map_err(Clone::clone)?;
        match prepared.roots.get(key) {
            None => Ok(Value::Null),
            Some(Err(error)) => Err(error.clone()),
            Some(Ok(Planned::Rows(rows))) => Ok(Value::List(self.rows(prepared, rows, None).await?.objects)),
            Some(Ok(Planned::Groups(groups))) => self.groups(prepared, groups).await,
        }
    }

    async fn prepare(&self) -> ApiResult<Prepared> {
        let mut planner = Planner::new(&self.model);
        let mut prepared = Prepared { roots: HashMap::new(), versions: HashMap::new() };
        let mut instants = vec![];
        for selected in self.selected.iter().filter(|selected| !selected.name.starts_with("__")) {
            let planned = planner.root(selected);
            match &planned {
                // More than the request may have is nobody's alone.
                Err(error) if error.status == StatusCode::PAYLOAD_TOO_LARGE => return Err(error.clone()),
                Ok(Planned::Rows(Rows { pin, nested, .. })) => {
                    if let Pin::At(at) = pin {
                        instants.push(*at);
                    } else if !nested.is_empty() {
                        instants.push(None);
                    }
                }
                Ok(Planned::Groups(Groups { pin: Pin::At(at), .. })) => instants.push(*at),
                Ok(Planned::Groups(_)) | Err(_) => {}
            }
            prepared.roots.insert(selected.key.clone(), planned);
        }
        let env = &self.loaded.workspace.project.environment;
        for at in instants {
            if prepared.versions.contains_key(&at) {
                continue;
            }
            let versions = match at {
                Some(at) => self.app.catalog.live_at(env, at).await?,
                None => {
                    let heads = self.app.catalog.live_heads(env).await?;
                    heads.into_iter().map(|(name, head)| (name, head.number)).collect()
                }
            };
            prepared.versions.insert(at, versions);
        }
        Ok(prepared)
    }

    fn version(&self, prepared: &Prepared, table: &Table, pin: Pin) -> ApiResult<VersionNumber> {
        let found = match pin {
            Pin::Number(number) => Some(number),
            Pin::At(at) => prepared.versions.get(&at).and_then(|versions| versions.get(&table.name)).copied(),
        };
        let number = found.ok_or_else(|| RunError::NothingPublished { asset: table.name.clone() })?;
        self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(table.name.clone(), number);
        Ok(number)
    }

    async fn answer(&self, sql: &str, most: u64) -> ApiResult<Vec<RecordBatch>> {
        let Ok(_turn) = self.turns.acquire().await else { return Err(ApiError::stopping()) };
        let limit = usize::try_from(most.min(NESTED_ROWS_MAX)).unwrap_or(usize::MAX);
        let answer = self.app.answer(&self.loaded, &self.actor, sql, QueryOptions::default(), limit).await;
        let (answer, _) = answer?;
        let bytes: usize = answer.batches.iter().map(RecordBatch::get_array_memory_size).sum();
        if self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > BYTES_MAX {
            let message = format!("the answer is larger than {} MB", BYTES_MAX >> 20);
            return Err(
                ApiError::coded(StatusCode::PAYLOAD_TOO_LARGE, &TOO_LARGE, message).hint("select fewer fields or rows")
            );
        }
        Ok(answer.batches.clone())
    }

    /// The rows of one field of one level, with all that is nested in them; with keys, those that belong to them.
    fn rows<'a>(
        &'a self,
        prepared: &'a Prepared,
        rows: &'a Rows,
        belongs: Option<(&'a Nested, Vec<Vec<Literal>>)>,
    ) -> BoxFuture<'a, ApiResult<Fetched>> {
        Box::pin(async move {
            let table = &self.model.tables[rows.table];
            let version = self.version(prepared, table, rows.pin)?;
            let width = rows.columns.len().max(1);
            let batches = match &belongs {
                None => self.answer(&sql::rows(table, version, rows)?, ROWS_MAX).await?,
                Some((nested, keys)) => {
                    let sql = sql::nested(table, version, rows, &nested.theirs, keys)?;
                    self.answer(&sql, NESTED_ROWS_MAX).await?
                }
            };
            let types: Vec<Option<&DataType>> =
                rows.columns.iter().map(|column| Some(&table.columns[*column].data_type)).collect();
            let cells = value::cells(&batches, &types)?;
            let inner =
                try_join_all(rows.nested.iter().map(|nested| self.belonging(prepared, nested, &batches))).await?;
            let keys = match &belongs {
                None => Vec::new(),
                Some((nested, _)) => {
                    let places: Vec<usize> = (width..width + nested.theirs.len()).collect();
                    keys(&batches, &places)
                        .into_iter()
                        .map(|key| key.map(|key| text_of(&key)).unwrap_or_default())
                        .collect()
                }
            };
            let outer: Vec<Vec<Option<String>>> =
                rows.nested.iter().map(|nested| keys_text(&batches, &nested.keys)).collect();
            let mut objects = Vec::with_capacity(cells.len());
            for (index, cells) in cells.into_iter().enumerate() {
                let fields = rows.outputs.iter().map(|(key, output)| {
                    let value = match output {
                        Output::Typename => Value::from(table.field.as_str()),
                        Output::Column(place) => cells.get(*place).cloned().unwrap_or_default(),
                        Output::Nested(place) => {
                            let of = outer[*place][index].as_ref().and_then(|key| inner[*place].get(key));
                            nested_value(rows.nested[*place].forward, of)
                        }
                    };
                    (Name::new(key), value)
                });
                objects.push(Value::Object(fields.collect()));
            }
            Ok(Fetched { objects, keys })
        })
    }

    /// The rows that belong to the rows of `outer`, by key.
    async fn belonging(
        &self,
        prepared: &Prepared,
        nested: &Nested,
        outer: &[RecordBatch],
    ) -> ApiResult<HashMap<String, Vec<Value>>> {
        let mut distinct = BTreeMap::new();
        for key in keys(outer, &nested.keys).into_iter().flatten() {
            distinct.entry(text_of(&key)).or_insert(key);
        }
        if distinct.is_empty() || nested.rows.limit == 0 {
            return Ok(HashMap::new());
        }
        let wanted = distinct.into_values().collect();
        let fetched = self.rows(prepared, &nested.rows, Some((nested, wanted))).await?;
        let mut by_key: HashMap<String, Vec<Value>> = HashMap::new();
        for (key, object) in fetched.keys.into_iter().zip(fetched.objects) {
            by_key.entry(key).or_default().push(object);
        }
        Ok(by_key)
    }

    async fn groups(&self, prepared: &Prepared, groups: &Groups) -> ApiResult<Value> {
        let table = &self.model.tables[groups.table];
        let version = self.version(prepared, table, groups.pin)?;
        let batches = self.answer(&sql::groups(table, version, groups)?, ROWS_MAX).await?;
        let mut rows = value::cells(&batches, &[])?;
        for (place, (aggregate, column)) in groups.values.iter().enumerate() {
            if *aggregate == Aggregate::Sum && table.columns[*column].data_type == DataType::Bigint {
                for row in &mut rows {
                    let cell = &mut row[groups.by.len() + place];
                    *cell = value::whole(std::mem::take(cell));
                }
            }
        }
        let object = |row: Vec<Value>| Value::Object(group_fields(&groups.outputs, &row));
        Ok(Value::List(rows.into_iter().map(object).collect()))
    }
}

fn group_fields(outputs: &[(String, GroupOutput)], row: &[Value]) -> async_graphql::indexmap::IndexMap<Name, Value> {
    let fields = outputs.iter().map(|(key, output)| {
        let value = match output {
            GroupOutput::Typename(name) => Value::from(name.as_str()),
            GroupOutput::Value(place) => row.get(*place).cloned().unwrap_or_default(),
            GroupOutput::Values(inner) => Value::Object(group_fields(inner, row)),
        };
        (Name::new(key), value)
    });
    fields.collect()
}

fn nested_value(forward: bool, found: Option<&Vec<Value>>) -> Value {
    if forward {
        return found.and_then(|rows| rows.first()).cloned().unwrap_or_default();
    }
    Value::List(found.cloned().unwrap_or_default())
}

/// The key of each row; `None` when a part of it is null.
fn keys(batches: &[RecordBatch], places: &[usize]) -> Vec<Option<Vec<Literal>>> {
    let mut keys = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            keys.push(places.iter().map(|place| Literal::of_cell(batch.column(*place).as_ref(), row)).collect());
        }
    }
    keys
}

fn keys_text(batches: &[RecordBatch], places: &[usize]) -> Vec<Option<String>> {
    keys(batches, places).into_iter().map(|key| key.map(|key| text_of(&key))).collect()
}

/// Equal for keys that equal each other in SQL, and different otherwise.
fn text_of(key: &[Literal]) -> String {
    if let [only] = key {
        return only.key();
    }
    let parts = key.iter().map(Literal::key);
    parts.map(|part| format!("{}:{part}", part.len())).collect()
}
