//! From streams of batches to staged files, in parallel.

use futures::StreamExt;
use lockgate_engine::BatchStream;
use lockgate_lake::{StageSet, StagedFiles};
use tokio_util::sync::CancellationToken;

use crate::{KindError, Progress};

/// Writes each stream by a writer of its own, each on a task of its own, so that computing and encoding use all
/// cores. `first_writer` is the index of the first stream's writer. The first failure stops the others; what they wrote is
/// unreferenced.
///
/// # Errors
/// The first error of a stream or writer; [`KindError::Interrupted`] when cancelled.
pub async fn stage_streams(
    streams: Vec<BatchStream>,
    set: &StageSet,
    first_writer: usize,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<StagedFiles, KindError> {
    let mut tasks = tokio::task::JoinSet::new();
    for (index, mut stream) in streams.into_iter().enumerate() {
        let mut writer = set.writer(first_writer + index);
        let (progress, cancel) = (progress.clone(), cancel.clone());
        tasks.spawn(async move {
            while let Some(batch) = stream.next().await {
                if cancel.is_cancelled() {
                    return Err(KindError::Interrupted);
                }
                let batch = batch?;
                progress.add_rows(batch.num_rows());
                // Encoding is the work of this task; the runtime's other threads go on with the other streams.
                writer.write(&batch)?;
            }
            Ok(writer.finish().await?)
        });
    }
    let mut parts = Vec::new();
    while let Some(part) = tasks.join_next().await {
        match part {
            Ok(part) => parts.push(part?),
            // Dropping the set aborts the other tasks; a panic goes on to whoever waits.
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => return Err(KindError::Interrupted),
        }
    }
    parts.sort_by(|a: &StagedFiles, b| a.files.first().map(|f| &f.path).cmp(&b.files.first().map(|f| &f.path)));
    Ok(StagedFiles::merge(parts))
}
