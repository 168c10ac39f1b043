//! Between a worker and the catalog: every call stands in line, and may be late, lost or doubled; the worker may stand still
//! there for longer than a lease lasts, or crash.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use lockgate_catalog::memory::Wire;
use lockgate_catalog::{CatalogError, Result};
use lockgate_types::{Fault, FaultKind};

use super::schedule::{Schedule, WorkerIndex};

/// How often what goes wrong, in a million calls.
const LOST: u32 = 4_000;
const ANSWER_LOST: u32 = 6_000;
const DOUBLED: u32 = 5_000;
const FROZEN: u32 = 8_000;
const CRASHED: u32 = 6_000;

/// Mostly just longer than a lease lasts, so that whoever took over is at work when the first one wakes.
const SHORT_FREEZE_MS: std::ops::Range<u64> = 9_500..14_000;
const LONG_FREEZE_MS: std::ops::Range<u64> = 3_000..40_000;
const IS_SHORT: u32 = 700_000;

/// Most messages come at once, some take their time.
const LATE: u32 = 100_000;
const LATE_MS: std::ops::Range<u64> = 0..3_000;
const USUAL_MS: std::ops::Range<u64> = 0..8;

/// What happened, to be seen that anything did.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) calls: AtomicU64,
    pub(crate) lost: AtomicU64,
    pub(crate) answers_lost: AtomicU64,
    pub(crate) doubled: AtomicU64,
    pub(crate) freezes: AtomicU64,
    pub(crate) crashes: AtomicU64,
}

#[derive(Debug)]
pub(crate) struct Chaos {
    pub(crate) schedule: Arc<Schedule>,
    pub(crate) worker: WorkerIndex,
    pub(crate) counts: Arc<Counts>,
    /// Ends this life of the worker.
    pub(crate) crash: tokio_util::sync::CancellationToken,
}

impl Chaos {
    /// Whether something happens now; told and counted when it does.
    fn strikes(&self, in_a_million: u32, count: &AtomicU64, what: &str, call: &str) -> bool {
        let strikes = self.schedule.chance(in_a_million);
        if strikes {
            count.fetch_add(1, Ordering::Relaxed);
            self.schedule.tell(|| format!("worker {}: {call} {what}", self.worker));
        }
        strikes
    }

    async fn travel(&self, call: &str) {
        self.counts.calls.fetch_add(1, Ordering::Relaxed);
        if self.strikes(FROZEN, &self.counts.freezes, "stands still", call) {
            let freeze_ms = if self.schedule.chance(IS_SHORT) { SHORT_FREEZE_MS } else { LONG_FREEZE_MS };
            self.schedule.freeze(self.worker, self.schedule.draw(freeze_ms));
        }
        let late_ms = if self.schedule.chance(LATE) { LATE_MS } else { USUAL_MS };
        let for_ms = self.schedule.draw(late_ms);
        self.schedule.stand_in_line(self.worker, for_ms).await;
        if self.strikes(CRASHED, &self.counts.crashes, "crashes", call) {
            self.crash.cancel();
            // It is given up while it waits here.
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl Wire for Chaos {
    async fn call(&self, what: &'static str) -> Result<u32> {
        self.travel(what).await;
        if self.strikes(LOST, &self.counts.lost, "is lost", what) {
            return Err(lost());
        }
        self.schedule.tell(|| format!("worker {}: {what}", self.worker));
        if what == "catalog.finish_publishing.after" {
            self.schedule.note_switch();
        }
        Ok(if self.strikes(DOUBLED, &self.counts.doubled, "arrives twice", what) { 2 } else { 1 })
    }

    async fn answer(&self, what: &'static str) -> Result<()> {
        if what.starts_with("catalog.") {
            self.travel(what).await;
        }
        if self.strikes(ANSWER_LOST, &self.counts.answers_lost, "loses its answer", what) {
            return Err(lost());
        }
        if what == "catalog.beat.after" {
            // A heart that has lost its lease ends here, and would keep the turn.
            self.schedule.leave(self.worker);
        }
        Ok(())
    }
}

fn lost() -> CatalogError {
    CatalogError::Fault(Fault { point: "simulated", kind: FaultKind::Permanent })
}
