//! Named points at which tests inject failures. Every durable step passes one; in production a pass costs one
//! relaxed load. Operations that are many and alike are counted instead ([`operations`]), and the Nth can be made to fail.

mod operations;

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

use self::operations::Counters;
pub use self::operations::{Begun, Witness};
use crate::FaultKind;

/// A durable step that can be made to fail. Crates list theirs in `pub const FAULT_POINTS: &[FaultPoint]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultPoint {
    /// `crate.step`, for example `lake.put_commit`.
    pub name: &'static str,
    /// What has happened when it is passed.
    pub means: &'static str,
}

/// An injected failure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("injected fault at {point}")]
pub struct Fault {
    pub point: &'static str,
    /// `transient` faults are tried again like a network's; `fail` ones are not, so that a test gets what it asked for.
    pub kind: FaultKind,
}

impl Fault {
    pub(crate) fn permanent(point: &'static str) -> Fault {
        Fault { point, kind: FaultKind::Permanent }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    /// Answer an error this many more times.
    Fail(u32),
    /// The same, with a fault that may pass.
    Transient(u32),
    /// End the process at once, as SIGKILL would.
    Kill,
    /// Sleep for so many milliseconds, once.
    Freeze(u64),
    /// Stop the process as SIGSTOP does, at the so-manieth pass, once.
    Stop(u32),
}

/// The armed faults of a process, and how often each fired.
#[derive(Debug, Default)]
pub struct Faults {
    armed: AtomicBool,
    actions: Mutex<HashMap<String, Action>>,
    fired: Mutex<HashMap<&'static str, u32>>,
    counters: Counters,
}

impl Faults {
    /// Reads `LOCKGATE_FAULTS`: `point=fail`, `point=fail:3`, `point=transient:3`, `point=kill`, `point=freeze:500`,
    /// `point=stop`, `point=stop:2` (at the second pass), separated by commas.
    /// Of counted operations `point=count`, and `point=nth:7=fail`, `nth:7..=fail` (for ever from there),
    /// `nth:7=fail-after`, `nth:7=late:200`, `nth:7=kill`, `nth:7=kill-after`, `nth:7=cut`.
    /// What it cannot read it ignores: only tests set it.
    pub fn from_env() -> Self {
        let faults = Faults::default();
        for entry in std::env::var("LOCKGATE_FAULTS").unwrap_or_default().split(',') {
            if let Some((point, action)) = entry.split_once('=') {
                faults.arm(point.trim(), action.trim());
            }
        }
        faults
    }

    /// Arms one point; `action` as in [`Faults::from_env`].
    pub fn arm(&self, point: &str, action: &str) {
        if self.counters.arm(point, action) {
            self.armed.store(true, Ordering::Relaxed);
            return;
        }
        let (word, number) = action.split_once(':').unwrap_or((action, ""));
        let action = match word {
            "fail" => Action::Fail(number.parse().unwrap_or(1)),
            "transient" => Action::Transient(number.parse().unwrap_or(1)),
            "kill" => Action::Kill,
            "freeze" => Action::Freeze(number.parse().unwrap_or(1_000)),
            "stop" => Action::Stop(number.parse().unwrap_or(1)),
            _ => return,
        };
        self.actions.lock().unwrap_or_else(PoisonError::into_inner).insert(point.to_owned(), action);
        self.armed.store(true, Ordering::Relaxed);
    }

    /// Passes a point. `Err` when a failure is armed for it; does not return when a kill is.
    pub fn pass(&self, point: &FaultPoint) -> Result<(), Fault> {
        if !self.armed.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.has_power(point)?;
        let action = {
            let mut actions = self.actions.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(action) = actions.get_mut(point.name) else { return Ok(()) };
            let now = *action;
            match action {
                Action::Fail(0) | Action::Transient(0) => return Ok(()),
                Action::Fail(left) | Action::Transient(left) => *left -= 1,
                Action::Stop(passes) if *passes > 1 => {
                    *passes -= 1;
                    return Ok(());
                }
                Action::Freeze(_) | Action::Stop(_) => {
                    actions.remove(point.name);
                }
                Action::Kill => {}
            }
            now
        };
        self.fire(point);
        match action {
            Action::Fail(_) => Err(Fault::permanent(point.name)),
            Action::Transient(_) => Err(Fault { point: point.name, kind: FaultKind::Transient }),
            Action::Kill => kill(),
            Action::Freeze(ms) => {
                std::thread::sleep(std::time::Duration::from_millis(ms));
                Ok(())
            }
            Action::Stop(_) => {
                stop();
                Ok(())
            }
        }
    }

    fn fire(&self, point: &FaultPoint) {
        *self.fired.lock().unwrap_or_else(PoisonError::into_inner).entry(point.name).or_insert(0) += 1;
    }

    /// How often the point fired.
    pub fn fired(&self, point: &FaultPoint) -> u32 {
        self.fired.lock().unwrap_or_else(PoisonError::into_inner).get(point.name).copied().unwrap_or(0)
    }
}

/// No destructor runs and nothing is flushed, which is what a crash looks like to the disk.
// An injected kill is the one thing that may abort.
#[allow(clippy::disallowed_methods)]
fn kill() -> ! {
    std::process::abort()
}

/// Stops this process until somebody continues it. A shell does it: raising a signal oneself is unsafe code.
fn stop() {
    let stopped = std::process::Command::new("sh").args(["-c", "kill -STOP $PPID"]).status();
    debug_assert!(stopped.is_ok_and(|status| status.success()), "only tests stop a process, where there is a shell");
}
