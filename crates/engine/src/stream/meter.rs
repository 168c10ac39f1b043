//! How much a query spilled, told when it ends.

use std::sync::Arc;

use datafusion::physical_plan::ExecutionPlan;

/// Takes the bytes that one query spilled.
pub(crate) type OnSpill = Arc<dyn Fn(u64) + Send + Sync>;

/// Held by all streams of a query; the last one to go tells what its operators counted.
pub(crate) struct SpillMeter {
    plan: Arc<dyn ExecutionPlan>,
    tell: OnSpill,
}

impl SpillMeter {
    pub(crate) fn new(plan: Arc<dyn ExecutionPlan>, tell: OnSpill) -> Self {
        SpillMeter { plan, tell }
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
