//! Operations that are counted as they come: the Nth of a whole run can be made to fail, to answer late, or to answer an
//! error after it has done its work. And the power can be cut: a [`Witness`] knows what is on disk by then.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::{Fault, FaultPoint, Faults, kill};

/// What happens to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blow {
    /// It is not done, and an error is answered.
    Fail,
    /// It is done, and an error is answered.
    FailAfter,
    /// It is done, and answered so many milliseconds late.
    Late(u64),
    /// The process ends before it.
    Kill,
    /// The process ends after it.
    KillAfter,
    /// Power goes: neither it nor anything after it is done.
    Cut,
}

/// The operations of one counted point.
#[derive(Debug, Default)]
struct Counter {
    /// In the order of their coming.
    seen: Vec<&'static str>,
    blow: Option<(usize, Blow)>,
    /// Whether all that come later are struck too.
    is_for_ever: bool,
}

/// The counted points that are armed.
#[derive(Debug, Default)]
pub(super) struct Counters {
    by_point: Mutex<HashMap<String, Counter>>,
    /// The power is gone: whatever is begun fails.
    is_dark: AtomicBool,
    witness: OnceLock<Arc<dyn Witness>>,
}

/// Is told what has become durable, so that a test can say what a power cut leaves.
pub trait Witness: Send + Sync + fmt::Debug {
    /// The bytes of a file are on disk; its name need not be.
    fn file_synced(&self, path: &Path);
    /// The names in a folder are on disk.
    fn folder_synced(&self, path: &Path);
    /// Everything that was written to the catalog at this path is on disk.
    fn catalog_synced(&self, path: &Path);
    /// The power is cut now.
    fn cut(&self);
}

impl Counters {
    /// `false` when the action is none of a counted point.
    pub(super) fn arm(&self, point: &str, action: &str) -> bool {
        let counter = counter(action);
        let is_counted = counter.is_some();
        if let Some(counter) = counter {
            self.locked().insert(point.to_owned(), counter);
        }
        is_counted
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<String, Counter>> {
        self.by_point.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one operation; answers what happens to it.
    fn count(&self, point: &FaultPoint, what: &'static str) -> Option<Blow> {
        let mut counters = self.locked();
        let counter = counters.get_mut(point.name)?;
        counter.seen.push(what);
        let now = counter.seen.len();
        let (nth, blow) = counter.blow?;
        (now == nth || (counter.is_for_ever && now > nth)).then_some(blow)
    }
}

impl Faults {
    /// Begins a counted operation; `what` says which, for whoever looks at [`Faults::seen`]. `Err` when it is not to be
    /// done. Once it is done, [`Begun::answer`] says what to answer.
    pub fn begin(self: &Arc<Self>, point: &FaultPoint, what: &'static str) -> Result<Begun, Fault> {
        if !self.armed.load(Ordering::Relaxed) {
            return Ok(Begun { armed: None });
        }
        self.has_power(point)?;
        let blow = self.counters.count(point, what);
        if blow.is_some() {
            self.fire(point);
        }
        match blow {
            Some(Blow::Fail) => Err(Fault::permanent(point.name)),
            Some(Blow::Kill) => kill(),
            Some(Blow::Cut) => {
                self.cut();
                Err(Fault::permanent(point.name))
            }
            Some(Blow::FailAfter | Blow::Late(_) | Blow::KillAfter) | None => {
                Ok(Begun { armed: Some((Arc::clone(self), *point, blow)) })
            }
        }
    }

    /// Cuts the power: nothing that begins from here on is done, and nothing is answered well.
    pub fn cut(&self) {
        self.armed.store(true, Ordering::Relaxed);
        if !self.counters.is_dark.swap(true, Ordering::SeqCst)
            && let Some(witness) = self.witness()
        {
            witness.cut();
        }
    }

    /// Tells a witness what becomes durable. The first one stays.
    pub fn watch(&self, witness: Arc<dyn Witness>) {
        let _ = self.counters.witness.set(witness);
    }

    /// Who is told what becomes durable: nobody, but in tests.
    pub fn witness(&self) -> Option<&dyn Witness> {
        self.counters.witness.get().map(AsRef::as_ref)
    }

    /// The operations of a counted point since it was armed, in the order of their coming.
    pub fn seen(&self, point: &FaultPoint) -> Vec<&'static str> {
        self.counters.locked().get(point.name).map(|counter| counter.seen.clone()).unwrap_or_default()
    }

    pub(super) fn has_power(&self, point: &FaultPoint) -> Result<(), Fault> {
        if self.counters.is_dark.load(Ordering::SeqCst) { Err(Fault::permanent(point.name)) } else { Ok(()) }
    }
}

/// A counted operation that is under way.
#[derive(Debug)]
#[must_use = "what to answer is known only when it is done"]
pub struct Begun {
    armed: Option<(Arc<Faults>, FaultPoint, Option<Blow>)>,
}

impl Begun {
    /// The operation is done. `Err` when an error is to be answered all the same.
    pub fn answer(self) -> Result<(), Fault> {
        let Some((faults, point, blow)) = self.armed else { return Ok(()) };
        match blow {
            Some(Blow::FailAfter) => return Err(Fault::permanent(point.name)),
            // As a slow disk would: whoever asked waits.
            Some(Blow::Late(ms)) => std::thread::sleep(Duration::from_millis(ms)),
            Some(Blow::KillAfter) => kill(),
            // Such a one is never under way.
            Some(Blow::Fail | Blow::Kill | Blow::Cut) | None => {}
        }
        faults.has_power(&point)
    }
}

/// `nth:7..=fail`, or `count`; `None` for anything else.
fn counter(action: &str) -> Option<Counter> {
    if action == "count" {
        return Some(Counter::default());
    }
    let (nth, blow) = action.strip_prefix("nth:")?.split_once('=')?;
    let (nth, is_for_ever) = match nth.strip_suffix("..") {
        Some(nth) => (nth, true),
        None => (nth, false),
    };
    let blow = match blow.split_once(':').unwrap_or((blow, "")) {
        ("fail", _) => Blow::Fail,
        ("fail-after", _) => Blow::FailAfter,
        ("late", ms) => Blow::Late(ms.parse().ok()?),
        ("kill", _) => Blow::Kill,
        ("kill-after", _) => Blow::KillAfter,
        ("cut", _) => Blow::Cut,
        _ => return None,
    };
    Some(Counter { seen: Vec::new(), blow: Some((nth.parse().ok()?, blow)), is_for_ever })
}

#[cfg(test)]
mod tests;
