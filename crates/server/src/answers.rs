//! Answers to queries: shared while they are computed, kept as long as there is room.
//!
//! A query that gives the same rows over the same versions is known by its text, the versions that it reads, and the
//! project's variables and functions. Versions never change, so what is kept under such a key never lies; a new version
//! is another key. Fifty people who ask the same at once cause one computation.
//!
//! Cost: what is kept is bounded in bytes, the least lately used goes first. Computing is bounded in rows, bytes, time,
//! and in how many go on at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use futures::future::{BoxFuture, Shared};
use futures::{FutureExt, StreamExt};
use lockgate_run::{PreparedQuery, QueryOptions, QueryReads, Workspace};
use lockgate_types::Effects;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::app::{App, Loaded};
use crate::codes::{TOO_LARGE, TOO_MUCH};
use crate::problem::{ApiError, ApiResult};

/// Rows of an answer that is held in memory.
pub(crate) const ROWS_MAX: usize = 10_000;
/// Bytes of it.
const BYTES_MAX: usize = 64 << 20;
/// Bytes of all answers that are kept.
const KEPT_BYTES_MAX: usize = 64 << 20;
/// How long a query may take whose answer is held in memory.
pub(crate) const TIME_MAX: Duration = Duration::from_secs(60);
/// Queries that are worked on at once.
const AT_ONCE: usize = 4;
/// Queries that wait for their turn.
const WAITING_MAX: usize = 64;

/// An answer in memory: the first rows of what the query gives.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) schema: SchemaRef,
    pub(crate) batches: Vec<RecordBatch>,
    pub(crate) rows: usize,
    /// There are more rows.
    pub(crate) truncated: bool,
    pub(crate) reads: QueryReads,
}

impl Answer {
    fn bytes(&self) -> usize {
        self.batches.iter().map(RecordBatch::get_array_memory_size).sum::<usize>() + 1_024
    }
}

/// What equal queries over equal versions have in common.
type Key = [u8; 32];
type Flight = Shared<BoxFuture<'static, ApiResult<Arc<Answer>>>>;

/// A query that goes on.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    pub(crate) id: String,
    pub(crate) sql: String,
    pub(crate) actor: String,
    pub(crate) started_at: DateTime<Utc>,
    cancel: CancellationToken,
}

/// Answers that are kept, and queries that go on.
#[derive(Debug)]
pub(crate) struct Answers {
    kept: Mutex<Kept>,
    flights: Mutex<HashMap<Key, Flight>>,
    running: Mutex<HashMap<String, Running>>,
    turns: Arc<Semaphore>,
    waiting: AtomicU64,
    ids: Arc<dyn lockgate_types::Ids>,
    pub(crate) hits: AtomicU64,
    pub(crate) shared: AtomicU64,
    pub(crate) computed: AtomicU64,
}

#[derive(Debug, Default)]
struct Kept {
    answers: HashMap<Key, (Arc<Answer>, u64)>,
    bytes: usize,
    clock: u64,
}

impl Kept {
    fn get(&mut self, key: &Key) -> Option<Arc<Answer>> {
        self.clock += 1;
        let (answer, used) = self.answers.get_mut(key)?;
        *used = self.clock;
        Some(Arc::clone(answer))
    }

    fn put(&mut self, key: Key, answer: &Arc<Answer>) {
        let bytes = answer.bytes();
        if bytes > KEPT_BYTES_MAX / 4 || self.answers.contains_key(&key) {
            return;
        }
        while self.bytes + bytes > KEPT_BYTES_MAX {
            // A few hundred at most: looked through only when there is no room.
            let Some(oldest) = self.answers.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| *key) else {
                break;
            };
            if let Some((gone, _)) = self.answers.remove(&oldest) {
                self.bytes -= gone.bytes();
            }
        }
        self.clock += 1;
        self.bytes += bytes;
        self.answers.insert(key, (Arc::clone(answer), self.clock));
    }
}

/// One who waits for a turn, counted until this is dropped.
struct Waiting<'a> {
    count: &'a AtomicU64,
    /// How many waited already.
    before: u64,
}

impl<'a> Waiting<'a> {
    fn among(count: &'a AtomicU64) -> Self {
        Waiting { count, before: count.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Takes a query off the list when it has ended, however it did.
#[derive(Debug)]
pub(crate) struct Listed {
    app: Arc<App>,
    pub(crate) id: String,
    pub(crate) cancel: CancellationToken,
    _turn: OwnedSemaphorePermit,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.app.answers.running().remove(&self.id);
    }
}

impl Answers {
    pub(crate) fn new(effects: &Effects) -> Self {
        Answers {
            kept: Mutex::default(),
            flights: Mutex::default(),
            running: Mutex::default(),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: AtomicU64::new(0),
            ids: Arc::clone(&effects.ids),
            hits: AtomicU64::new(0),
            shared: AtomicU64::new(0),
            computed: AtomicU64::new(0),
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn flights(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Flight>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queries that go on, the oldest first.
    pub(crate) fn list(&self) -> Vec<Running> {
        let mut all: Vec<Running> = self.running().values().cloned().collect();
        all.sort_by(|a, b| (a.started_at, &a.id).cmp(&(b.started_at, &b.id)));
        all
    }

    /// Stops a query; `false` when there is none of that id.
    pub(crate) fn cancel(&self, id: &str) -> bool {
        let found = self.running().get(id).cloned();
        found.map(|running| running.cancel.cancel()).is_some()
    }

    pub(crate) fn kept_bytes(&self) -> usize {
        self.kept().bytes
    }
}

impl App {
    /// Waits for a turn to work on a query, and lists it.
    pub(crate) async fn take_turn(self: &Arc<Self>, sql: &str, actor: &str) -> ApiResult<Listed> {
        let answers = &self.answers;
        let turn = match Arc::clone(&answers.turns).try_acquire_owned() {
            Ok(turn) => turn,
            Err(_) => {
                // However the wait ends, also when whoever waits goes away, it is counted no longer.
                let waiting = Waiting::among(&answers.waiting);
                if waiting.before >= WAITING_MAX as u64 {
                    let error = ApiError::coded(StatusCode::TOO_MANY_REQUESTS, &TOO_MUCH, "too many queries at once");
                    return Err(error.retry_after(2));
                }
                let turn = Arc::clone(&answers.turns).acquire_owned().await;
                turn.map_err(|_| ApiError::stopping())?
            }
        };
        let running = Running {
            id: answers.ids.next(),
            sql: sql.to_owned(),
            actor: actor.to_owned(),
            started_at: self.now(),
            cancel: self.stop.child_token(),
        };
        answers.running().insert(running.id.clone(), running.clone());
        Ok(Listed { app: Arc::clone(self), id: running.id, cancel: running.cancel, _turn: turn })
    }

    /// The first `limit` rows of a query's answer: kept, or shared with who asks the same, or computed. The second value
    /// says whether it was there or on its way already.
    ///
    /// # Errors
    /// What the query's text, the engine and the limits answer.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        loaded: &Arc<Loaded>,
        actor: &str,
        sql: &str,
        options: QueryOptions,
        limit: usize,
    ) -> ApiResult<(Arc<Answer>, bool)> {
        let workspace = self.acting(loaded, actor).await?;
        let prepared = workspace.prepare_query(&loaded.graph, sql, options).await?;
        if !prepared.reads.lasts {
            let computing = compute(Arc::clone(self), workspace, prepared, actor.to_owned(), limit);
            return Ok((self.flown(computing).await?, false));
        }
        let key = key_of(loaded, &prepared, limit);
        if let Some(answer) = self.answers.kept().get(&key) {
            self.answers.hits.fetch_add(1, Ordering::Relaxed);
            return Ok((answer, true));
        }
        let (flight, was_there) = {
            let mut flights = self.answers.flights();
            match flights.get(&key) {
                Some(flight) => (flight.clone(), true),
                None => {
                    let (app, actor) = (Arc::clone(self), actor.to_owned());
                    let computing = async move {
                        let answer = app.flown(compute(Arc::clone(&app), workspace, prepared, actor, limit)).await;
                        if let Ok(answer) = &answer {
                            app.answers.kept().put(key, answer);
                        }
                        app.answers.flights().remove(&key);
                        answer
                    };
                    let flight = computing.boxed().shared();
                    flights.insert(key, flight.clone());
                    (flight, false)
                }
            }
        };
        if was_there {
            self.answers.shared.fetch_add(1, Ordering::Relaxed);
        }
        // When the last one who waits goes away, the flight is dropped and its work ends.
        let landing = Landing { app: self, key, flight: Some(flight.clone()) };
        let answer = flight.await;
        drop(landing);
        Ok((answer?, was_there))
    }

    /// Works on it where rows are worked on, for as long as somebody waits.
    async fn flown(
        &self,
        work: impl Future<Output = ApiResult<Arc<Answer>>> + Send + 'static,
    ) -> ApiResult<Arc<Answer>> {
        self.answers.computed.fetch_add(1, Ordering::Relaxed);
        let mut task = Aborting(self.work.spawn(work.in_current_span()));
        (&mut task.0).await.map_err(|_| ApiError::stopping())?
    }
}

/// A task that ends when nobody waits for it.
struct Aborting<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for Aborting<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Who waits for a flight. The map has a handle of its own, which goes with the last who waits.
struct Landing<'a> {
    app: &'a App,
    key: Key,
    flight: Option<Flight>,
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        let mut flights = self.app.answers.flights();
        drop(self.flight.take());
        if flights.get(&self.key).is_some_and(|flight| flight.strong_count().is_none_or(|count| count <= 1)) {
            flights.remove(&self.key);
        }
    }
}

fn key_of(loaded: &Loaded, prepared: &PreparedQuery, limit: usize) -> Key {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&loaded.number.to_le_bytes());
    hasher.update(&(limit as u64).to_le_bytes());
    hasher.update(&(prepared.sql.len() as u64).to_le_bytes());
    hasher.update(prepared.sql.as_bytes());
    for (asset, number) in &prepared.reads.versions {
        hasher.update(format!("{asset}@{number}\n").as_bytes());
    }
    *hasher.finalize().as_bytes()
}

async fn compute(
    app: Arc<App>,
    workspace: Workspace,
    prepared: PreparedQuery,
    actor: String,
    limit: usize,
) -> ApiResult<Arc<Answer>> {
    let listed = app.take_turn(&prepared.sql, &actor).await?;
    let computing = first_rows(&workspace, prepared, limit).instrument(tracing::info_span!("query"));
    tokio::select! {
        answer = tokio::time::timeout(TIME_MAX, computing) => match answer {
            Ok(answer) => Ok(Arc::new(answer?)),
            Err(_) => Err(ApiError::coded(
                StatusCode::GATEWAY_TIMEOUT, &TOO_LARGE,
                format!("the query took longer than {} s", TIME_MAX.as_secs()),
            )),
        },
        () = listed.cancel.cancelled() => Err(cancelled()),
    }
}

/// What is answered of a query that somebody stopped.
pub(crate) fn cancelled() -> ApiError {
    ApiError::coded(StatusCode::CONFLICT, &TOO_LARGE, "the query was cancelled")
}

/// Reads until there are enough rows. Dropping the stream ends the work behind it. `_workspace` keeps the files there.
async fn first_rows(_workspace: &Workspace, prepared: PreparedQuery, limit: usize) -> ApiResult<Answer> {
    let mut query = prepared.start().await?;
    let mut answer =
        Answer { schema: query.schema.clone(), batches: Vec::new(), rows: 0, truncated: false, reads: query.reads };
    let mut bytes = 0;
    while let Some(batch) = query.stream.next().await {
        let batch = batch?;
        let room = limit - answer.rows;
        if batch.num_rows() > room {
            answer.truncated = true;
        }
        let taken = batch.slice(0, batch.num_rows().min(room));
        bytes += taken.get_array_memory_size();
        if bytes > BYTES_MAX {
            return Err(ApiError::coded(
                StatusCode::PAYLOAD_TOO_LARGE,
                &TOO_LARGE,
                format!("the answer is larger than {} MB", BYTES_MAX >> 20),
            )
            .hint("select fewer columns or rows, or take it as a stream"));
        }
        answer.rows += taken.num_rows();
        if taken.num_rows() > 0 {
            answer.batches.push(taken);
        }
        if answer.truncated {
            break;
        }
    }
    Ok(answer)
}
