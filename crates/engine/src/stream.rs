//! Streams of batches, and how they come out of a plan: on the way they get their final types, and a join that does not
//! fit into memory is run again as a sort-merge join.

mod cast;
mod meter;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::execution::memory_pool::MemoryLimit;
use datafusion::execution::{SendableRecordBatchStream, SessionState};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{ExecutionPlan, execute_stream, execute_stream_partitioned};
use futures::{Stream, StreamExt, TryStreamExt};

use crate::EngineError;
use crate::options::frugal;
pub(crate) use cast::Finish;
pub(crate) use meter::{OnSpill, SpillMeter};

/// Batches of one schema. Dropping it cancels the work behind it.
pub struct BatchStream {
    schema: SchemaRef,
    batches: Pin<Box<dyn Stream<Item = Result<RecordBatch, EngineError>> + Send>>,
}

impl BatchStream {
    pub(crate) fn new(
        schema: SchemaRef,
        batches: impl Stream<Item = Result<RecordBatch, EngineError>> + Send + 'static,
    ) -> Self {
        BatchStream { schema, batches: Box::pin(batches) }
    }

    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

impl std::fmt::Debug for BatchStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BatchStream").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl Stream for BatchStream {
    type Item = Result<RecordBatch, EngineError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.batches.as_mut().poll_next(context)
    }
}

/// Whether the result is wanted in one stream or as the plan divides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Merged,
    Partitioned,
}

/// Plans and starts. When joins may not fit into memory, it returns only when every stream has its first batch: by then the
/// joins' sides are in memory, and until then nobody has seen a row, so that running it again goes unnoticed.
pub(crate) async fn start(
    state: &Arc<SessionState>,
    logical: &LogicalPlan,
    shape: Shape,
    finish: Finish,
    spilled: &OnSpill,
) -> Result<Vec<BatchStream>, EngineError> {
    let plan = state.create_physical_plan(logical).await?;
    if !joins_may_not_fit(state, &plan)? {
        let meter = Arc::new(SpillMeter::new(plan.clone(), spilled.clone(), state));
        let streams = execute(state, plan, shape)?;
        return Ok(streams
            .into_iter()
            .map(|stream| finished(stream.schema(), stream.map_err(EngineError::from), &finish, &meter))
            .collect());
    }
    match first_batches(state, plan, shape, &finish, spilled).await {
        Err(error) if error.is_out_of_memory() => {
            tracing::info!(%error, "a join does not fit into memory; it is run again as a sort-merge join");
            let state = Arc::new(without_hash_joins(state));
            let plan = state.create_physical_plan(logical).await?;
            first_batches(&state, plan, shape, &finish, spilled).await
        }
        streams => streams,
    }
}

/// Whether what the plan reads, as far as that is known, is more than a quarter of the memory, and joined by hashing.
fn joins_may_not_fit(state: &SessionState, plan: &Arc<dyn ExecutionPlan>) -> Result<bool, EngineError> {
    let MemoryLimit::Finite(memory) = state.runtime_env().memory_pool.memory_limit() else { return Ok(false) };
    let (mut joins, mut read) = (false, 0_usize);
    plan.apply(|node| {
        joins |= node.is::<HashJoinExec>();
        if node.children().is_empty() {
            let bytes = StatisticsContext::new().compute(node.as_ref(), &StatisticsArgs::new())?.total_byte_size;
            read = read.saturating_add(bytes.get_value().copied().unwrap_or(usize::MAX));
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(joins && read > memory / 4)
}

/// The same session with joins that sort and spill instead of holding one side in memory.
pub(crate) fn without_hash_joins(state: &SessionState) -> SessionState {
    let mut state = state.clone();
    *state.config_mut() = frugal(state.config());
    state
}

async fn first_batches(
    state: &Arc<SessionState>,
    plan: Arc<dyn ExecutionPlan>,
    shape: Shape,
    finish: &Finish,
    spilled: &OnSpill,
) -> Result<Vec<BatchStream>, EngineError> {
    let meter = Arc::new(SpillMeter::new(plan.clone(), spilled.clone(), state));
    let tasks: Vec<_> = execute(state, plan, shape)?
        .into_iter()
        .map(|mut stream| {
            SpawnedTask::spawn(async move {
                let first = stream.next().await.transpose()?;
                Ok::<_, EngineError>((first, stream))
            })
        })
        .collect();
    // A failure in one ends the wait for the others, whose tasks end when they are dropped.
    let started =
        futures::future::try_join_all(tasks.into_iter().map(|task| async {
            task.join_unwind().await.map_err(|error| EngineError::Execution(error.to_string()))?
        }))
        .await
        .map_err(|error| meter.told(error))?;
    let streams = started.into_iter().map(|(first, stream)| {
        let schema = stream.schema();
        let batches = futures::stream::iter(first.map(Ok)).chain(stream.map_err(EngineError::from));
        finished(schema, batches, finish, &meter)
    });
    Ok(streams.collect())
}

fn execute(
    state: &Arc<SessionState>,
    plan: Arc<dyn ExecutionPlan>,
    shape: Shape,
) -> Result<Vec<SendableRecordBatchStream>, EngineError> {
    Ok(match shape {
        Shape::Merged => vec![execute_stream(plan, state.task_ctx())?],
        Shape::Partitioned => execute_stream_partitioned(plan, state.task_ctx())?,
    })
}

fn finished(
    schema: SchemaRef,
    batches: impl Stream<Item = Result<RecordBatch, EngineError>> + Send + 'static,
    finish: &Finish,
    meter: &Arc<SpillMeter>,
) -> BatchStream {
    let (finish, meter) = (finish.clone(), meter.clone());
    BatchStream::new(
        finish.schema(&schema),
        batches.map(move |batch| finish.batch(batch.map_err(|error| meter.told(error))?)),
    )
}
