//! How much a query spilled, told when it ends.

use std::path::PathBuf;
use std::sync::Arc;

use datafusion::execution::SessionState;
use datafusion::physical_plan::ExecutionPlan;

use crate::EngineError;

/// Takes the bytes that one query spilled.
pub(crate) type OnSpill = Arc<dyn Fn(u64) + Send + Sync>;

/// Held by all streams of a query; the last one to go tells what its operators counted.
pub(crate) struct SpillMeter {
    plan: Arc<dyn ExecutionPlan>,
    tell: OnSpill,
    /// Where it spills to.
    folder: PathBuf,
}

impl SpillMeter {
    pub(crate) fn new(plan: Arc<dyn ExecutionPlan>, tell: OnSpill, state: &SessionState) -> Self {
        let folder = state.runtime_env().disk_manager.temp_dir_paths().into_iter().next().unwrap_or_default();
        SpillMeter { plan, tell, folder }
    }

    /// An error of this query; a full disk is named.
    pub(crate) fn told(&self, error: EngineError) -> EngineError {
        match error {
            EngineError::SpillFull { detail, .. } => EngineError::SpillFull { folder: self.folder.clone(), detail },
            other => other,
        }
    }
}

impl Drop for SpillMeter {
    fn drop(&mut self) {
        (self.tell)(spilled(self.plan.as_ref()));
    }
}

fn spilled(plan: &dyn ExecutionPlan) -> u64 {
    let own = plan.metrics().and_then(|metrics| metrics.spilled_bytes()).unwrap_or(0) as u64;
    plan.children().into_iter().fold(own, |sum, child| sum + spilled(child.as_ref()))
}
