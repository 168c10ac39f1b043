//! Named points at which tests inject failures. Every durable step passes one; in production a pass costs one
//! relaxed load.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

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
#[error("injected fault at {0}")]
pub struct Fault(pub &'static str);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    /// Answer an error this many more times.
    Fail(u32),
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
}

impl Faults {
    /// Reads `LOCKGATE_FAULTS`: `point=fail`, `point=fail:3`, `point=kill`, `point=freeze:500`, `point=stop`,
    /// `point=stop:2` (at the second pass), separated by commas.
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
        let (word, number) = action.split_once(':').unwrap_or((action, ""));
        let action = match word {
            "fail" => Action::Fail(number.parse().unwrap_or(1)),
            "kill" => Action::Kill,
            "freeze" => Action::Freeze(number.parse().unwrap_or(1_000)),
            "stop" => Action::Stop(number.parse().unwrap_or(1)),
            _ => return,
        };
        self.actions.lock().unwrap_or_else(PoisonError::into_inner).insert(point.to_owned(), action);
        self.armed.store(true, Ordering::Relaxed);
    }

    /// Passes a point. `Err` when a failure is armed for it; does not return when a kill is.
    // An injected kill is the one thing that may abort.
    #[allow(clippy::disallowed_methods)]
    pub fn pass(&self, point: &FaultPoint) -> Result<(), Fault> {
        if !self.armed.load(Ordering::Relaxed) {
            return Ok(());
        }
        let action = {
            let mut actions = self.actions.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(action) = actions.get_mut(point.name) else { return Ok(()) };
            let now = *action;
            match action {
                Action::Fail(0) => return Ok(()),
                Action::Fail(left) => *left -= 1,
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
        *self.fired.lock().unwrap_or_else(PoisonError::into_inner).entry(point.name).or_insert(0) += 1;
        match action {
            Action::Fail(_) => Err(Fault(point.name)),
            // No destructor runs and nothing is flushed, which is what a crash looks like to the disk.
            Action::Kill => std::process::abort(),
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

    /// How often the point fired.
    pub fn fired(&self, point: &FaultPoint) -> u32 {
        self.fired.lock().unwrap_or_else(PoisonError::into_inner).get(point.name).copied().unwrap_or(0)
    }
}

/// Stops this process until somebody continues it. A shell does it: raising a signal oneself is unsafe code.
fn stop() {
    let stopped = std::process::Command::new("sh").args(["-c", "kill -STOP $PPID"]).status();
    debug_assert!(stopped.is_ok_and(|status| status.success()), "only tests stop a process, where there is a shell");
}
