//! SQL over what is published: an answer in memory as JSON, or a stream as Arrow or CSV.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::StreamWriter;
use axum::Json;
use axum::body::Body as HttpBody;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::StreamExt;
use lockgate_catalog::Role;
use lockgate_run::{QueryOptions, QueryReads, text};
use lockgate_types::DataType;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json_;
use tokio::sync::mpsc;
use utoipa::ToSchema;

use super::page::{Page, limit};
use super::version::NameAndType;
use crate::answers::{Answer, ROWS_MAX};
use crate::app::{App, Loaded};
use crate::auth::{Viewer, may};
use crate::codes::NO_SUCH;
use crate::problem::{ApiError, ApiResult, Problem};
use crate::request::{Body, Id, instant};

/// Rows of a JSON answer when nobody says.
const ROWS: usize = 1_000;
/// Chunks of a stream that wait for who reads slowly.
const CHUNKS: usize = 4;
/// Bytes of a chunk, about.
const CHUNK_BYTES: usize = 256 << 10;

const QUERY_ID: HeaderName = HeaderName::from_static("lockgate-query-id");
const VERSIONS: HeaderName = HeaderName::from_static("lockgate-versions");

/// How the answer comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// The first rows, in one document.
    #[default]
    Json,
    /// All rows as a stream, with a header; an empty field is null, a quoted empty one an empty string.
    Csv,
    /// All rows as an Arrow IPC stream.
    Arrow,
}

/// A question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = QueryRequest)]
pub(crate) struct Ask {
    /// One SELECT over `schema.table`, `schema.table__rejects`, `version('schema.table', 3)` and `lockgate.*`.
    sql: String,
    /// Reads the versions that were live then: RFC 3339, or a day (00:00 UTC).
    #[serde(default)]
    at: Option<String>,
    #[serde(default)]
    format: Format,
    /// Of JSON: at most so many rows, 1 to 10,000, by default 1,000. Of a stream: no limit without one.
    #[serde(default)]
    #[schema(minimum = 1)]
    limit: Option<usize>,
}

/// The first rows of an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueryAnswer {
    columns: Vec<NameAndType>,
    /// Numbers and booleans as such; what JSON cannot hold exactly (large integers, decimals), times and everything else as
    /// text.
    #[schema(value_type = Vec<Vec<Value>>)]
    rows: Vec<Vec<Json_>>,
    row_count: u64,
    /// There are more rows.
    truncated: bool,
    duration_ms: u64,
    /// The versions that were read.
    versions: std::collections::BTreeMap<String, u64>,
    /// It was there already, or on its way for somebody else.
    cached: bool,
}

/// Answers a SELECT over published versions. It reads only, always.
///
/// Equal questions over equal versions are computed once and kept for a while. A stream of Arrow or CSV takes any number of
/// rows in bounded memory; one that fails half-way is cut off.
#[utoipa::path(post, path = "/query", tag = "query", request_body = Ask,
    responses(
        (status = 200, content((QueryAnswer = "application/json"), (String = "text/csv"), (Vec<u8> = "application/vnd.apache.arrow.stream")),
            headers(("Lockgate-Query-Id" = String, description = "Of a stream: what `DELETE /queries/{id}` takes"),
                    ("Lockgate-Versions" = String, description = "The versions that are read, as `schema.table=3` separated by commas"))),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn query(
    Viewer(caller): Viewer,
    State(app): State<Arc<App>>,
    Body(ask): Body<Ask>,
) -> ApiResult<Response> {
    let options = QueryOptions { at: instant("at", ask.at.as_deref())? };
    let loaded = app.fresh().await;
    match ask.format {
        Format::Json => {
            let rows = limit(ask.limit, ROWS, ROWS_MAX)?;
            let started = app.effects.clock.monotonic();
            let (answer, cached) = app.answer(&loaded, &caller.actor, &ask.sql, options, rows).await?;
            let took = app.effects.clock.monotonic().saturating_sub(started);
            let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            let body = json(&answer, cached, duration_ms);
            let mut response = Json(body).into_response();
            versions_header(&mut response, &answer.reads);
            Ok(response)
        }
        Format::Csv | Format::Arrow => stream(&app, &loaded, &caller.actor, &ask, options).await,
    }
}

fn versions_header(response: &mut Response, reads: &QueryReads) {
    let text: Vec<String> = reads.versions.iter().map(|(asset, number)| format!("{asset}={number}")).collect();
    if let Ok(value) = HeaderValue::from_str(&text.join(",")) {
        response.headers_mut().insert(VERSIONS, value);
    }
}

/// The types as the project has them.
pub(crate) fn columns(schema: &SchemaRef) -> Vec<NameAndType> {
    let fields = schema.fields().iter();
    fields
        .map(|field| NameAndType {
            name: field.name().clone(),
            data_type: DataType::from_arrow(field).map_or_else(|_| field.data_type().to_string(), |t| t.to_string()),
        })
        .collect()
}

fn json(answer: &Answer, cached: bool, duration_ms: u64) -> QueryAnswer {
    let mut rows = Vec::with_capacity(answer.rows);
    for batch in &answer.batches {
        rows.extend(text::json_rows(batch));
    }
    QueryAnswer {
        columns: columns(&answer.schema),
        row_count: rows.len() as u64,
        rows,
        truncated: answer.truncated,
        duration_ms,
        versions: answer.reads.versions.iter().map(|(asset, number)| (asset.to_string(), number.0)).collect(),
        cached,
    }
}

/// One batch at a time: memory does not grow with the answer.
async fn stream(
    app: &Arc<App>,
    loaded: &Arc<Loaded>,
    actor: &str,
    ask: &Ask,
    options: QueryOptions,
) -> ApiResult<Response> {
    let workspace = app.acting(loaded, actor).await?;
    let prepared = workspace.prepare_query(&loaded.graph, &ask.sql, options).await?;
    let reads = prepared.reads.clone();
    let listed = app.take_turn(&prepared.sql, actor).await?;
    let (id, cancel) = (listed.id.clone(), listed.cancel.clone());
    let (sender, receiver) = mpsc::channel::<Result<Bytes, std::io::Error>>(CHUNKS);
    let (format, left) = (ask.format, ask.limit.unwrap_or(usize::MAX));
    // What goes wrong before the first row is a problem that can be told; later the stream is cut off.
    let begun = app.work.spawn(prepared.start()).await.map_err(|_| ApiError::stopping())??;
    let work = async move {
        // The files stay there, and the query is listed, until it ends.
        let _kept = (workspace, listed);
        let sending = send(begun, format, left, &sender);
        tokio::select! {
            sent = sending => if let Err(error) = sent {
                tracing::info!(error = %error.diagnostics.0.first().map(ToString::to_string).unwrap_or_default(), "a stream was cut off");
                let _ = sender.send(Err(std::io::Error::other("the query failed"))).await;
            },
            () = cancel.cancelled() => {
                let _ = sender.send(Err(std::io::Error::other("the query was cancelled"))).await;
            }
        }
    };
    drop(app.work.spawn(work));
    let chunks = futures::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    });
    // Who compresses asks once more behind the end.
    let chunks = chunks.fuse();
    let kind = match format {
        Format::Arrow => "application/vnd.apache.arrow.stream",
        Format::Csv | Format::Json => "text/csv; charset=utf-8",
    };
    let mut response = (
        [
            (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ],
        HttpBody::from_stream(chunks),
    )
        .into_response();
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(QUERY_ID, id);
    }
    versions_header(&mut response, &reads);
    Ok(response)
}

/// Ends when nobody reads any more.
async fn send(
    mut query: lockgate_run::Query,
    format: Format,
    mut left: usize,
    sender: &mpsc::Sender<Result<Bytes, std::io::Error>>,
) -> ApiResult<()> {
    let mut writer = Writer::new(format, &query.schema)?;
    while let Some(batch) = query.stream.next().await {
        let batch = batch?;
        let batch = batch.slice(0, batch.num_rows().min(left));
        left -= batch.num_rows();
        writer.write(&batch)?;
        if let Some(chunk) = writer.take(CHUNK_BYTES)
            && sender.send(Ok(chunk)).await.is_err()
        {
            return Ok(());
        }
        if left == 0 {
            break;
        }
    }
    let rest = writer.finish()?;
    let _ = sender.send(Ok(rest)).await;
    Ok(())
}

/// Writes batches into chunks.
enum Writer {
    Csv(Vec<u8>),
    Arrow(Box<StreamWriter<Vec<u8>>>),
}

fn failed(error: &arrow::error::ArrowError) -> ApiError {
    lockgate_engine::EngineError::Execution(error.to_string()).into()
}

impl Writer {
    fn new(format: Format, schema: &SchemaRef) -> ApiResult<Self> {
        match format {
            Format::Arrow => {
                let writer = StreamWriter::try_new(Vec::new(), schema).map_err(|error| failed(&error))?;
                Ok(Writer::Arrow(Box::new(writer)))
            }
            Format::Csv | Format::Json => Ok(Writer::Csv(text::csv_head(schema).into_bytes())),
        }
    }

    fn write(&mut self, batch: &RecordBatch) -> ApiResult<()> {
        match self {
            Writer::Csv(bytes) => {
                bytes.extend_from_slice(text::csv_rows(batch).map_err(|error| failed(&error))?.as_bytes());
            }
            Writer::Arrow(writer) => writer.write(batch).map_err(|error| failed(&error))?,
        }
        Ok(())
    }

    /// What is there, when it is enough to be worth sending.
    fn take(&mut self, enough: usize) -> Option<Bytes> {
        let bytes = match self {
            Writer::Csv(bytes) => bytes,
            Writer::Arrow(writer) => writer.get_mut(),
        };
        (bytes.len() >= enough).then(|| Bytes::from(std::mem::take(bytes)))
    }

    fn finish(self) -> ApiResult<Bytes> {
        match self {
            Writer::Csv(bytes) => Ok(bytes.into()),
            Writer::Arrow(mut writer) => {
                writer.finish().map_err(|error| failed(&error))?;
                Ok(std::mem::take(writer.get_mut()).into())
            }
        }
    }
}

/// A query that goes on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueryInfo {
    id: String,
    sql: String,
    actor: String,
    started_at: DateTime<Utc>,
}

/// The queries that go on, the oldest first.
#[utoipa::path(get, path = "/queries", tag = "query", responses((status = 200, body = Page<QueryInfo>)))]
pub(crate) async fn list(_: Viewer, State(app): State<Arc<App>>) -> Json<Page<QueryInfo>> {
    let running = app.answers.list().into_iter();
    Json(Page::whole(
        running
            .map(|query| QueryInfo { id: query.id, sql: query.sql, actor: query.actor, started_at: query.started_at })
            .collect(),
    ))
}

/// Stops a query; its own caller may, and operators.
#[utoipa::path(delete, path = "/queries/{id}", tag = "query", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn cancel(Viewer(caller): Viewer, State(app): State<Arc<App>>, Id(id): Id) -> ApiResult<StatusCode> {
    let own = app.answers.list().into_iter().any(|query| query.id == id && query.actor == caller.actor);
    if !own {
        may(&caller, Role::Operator)?;
    }
    if !app.answers.cancel(&id) {
        return Err(ApiError::coded(StatusCode::NOT_FOUND, &NO_SUCH, format!("there is no query {id}")));
    }
    Ok(StatusCode::NO_CONTENT)
}

/// What SQL can name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SchemaInfo {
    tables: Vec<TableInfo>,
}

/// A table with its columns.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TableInfo {
    name: String,
    columns: Vec<NameAndType>,
}

/// The tables that a query can read, with their columns.
#[utoipa::path(get, path = "/schema", tag = "query", responses((status = 200, body = SchemaInfo)))]
pub(crate) async fn schema(_: Viewer, State(app): State<Arc<App>>) -> Json<SchemaInfo> {
    let loaded = app.fresh().await;
    let of = |schema: &lockgate_types::Schema| {
        let columns = schema.columns.iter();
        columns.map(|c| NameAndType { name: c.name.clone(), data_type: c.data_type.to_string() }).collect()
    };
    let own =
        loaded.graph.nodes().iter().map(|(name, node)| TableInfo { name: name.to_string(), columns: of(&node.schema) });
    let system = lockgate_catalog::SYSTEM_TABLES.iter().filter_map(|name| {
        Some(TableInfo { name: format!("lockgate.{name}"), columns: of(&lockgate_catalog::system_columns(name)?) })
    });
    Json(SchemaInfo { tables: own.chain(system).collect() })
}
