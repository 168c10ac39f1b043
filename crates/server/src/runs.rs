//! Runs that this server drives: started from plans, watched while they go on, cancelled, waited for at the end.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use lockgate_kind::Progress;
use lockgate_run::{Observer, Plan, RunError, RunOptions, Workspace};
use lockgate_types::{AssetName, Event, RunId};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::{App, Loaded};
use crate::problem::{ApiError, ApiResult};

/// How many assets of a run are worked on at once when nobody says.
pub(crate) const PARALLEL: usize = 4;

/// What stands before a schedule's name in the actor of the runs that it starts.
pub(crate) const SCHEDULE: &str = "schedule:";

/// The runs that go on here.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    driven: Mutex<HashMap<RunId, Arc<Driven>>>,
    /// Schedules whose runs are being started, by name.
    schedules: Mutex<HashSet<String>>,
    tracker: TaskTracker,
}

/// One of them.
#[derive(Debug, Default)]
struct Driven {
    cancel: CancellationToken,
    ended: CancellationToken,
    progress: Mutex<HashMap<AssetName, Progress>>,
}

impl Runs {
    fn driven(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, Arc<Driven>>> {
        self.driven.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_here(&self, run: &RunId) -> bool {
        self.driven().contains_key(run)
    }

    /// Asks a run to stop; `false` when it does not go on here.
    pub(crate) fn cancel(&self, run: &RunId) -> bool {
        let found = self.driven().get(run).cloned();
        found.map(|driven| driven.cancel.cancel()).is_some()
    }

    /// Rows that an asset's build has come to, while it builds here.
    pub(crate) fn rows_so_far(&self, run: &RunId, asset: &AssetName) -> Option<u64> {
        let driven = self.driven().get(run).cloned()?;
        let progress = driven.progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.get(asset).map(Progress::rows)
    }

    pub(crate) fn going_on(&self) -> usize {
        self.driven().len()
    }

    /// Waits until a run that goes on here has ended.
    pub(crate) async fn ended(&self, run: &RunId) {
        let found = self.driven().get(run).cloned();
        if let Some(driven) = found {
            driven.ended.cancelled().await;
        }
    }

    /// Whether nobody sees to the schedule already.
    pub(crate) fn begin_schedule(&self, name: &str) -> bool {
        self.schedules.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned())
    }

    pub(crate) fn end_schedule(&self, name: &str) {
        self.schedules.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// Work that the server waits for when it stops.
    pub(crate) fn track(&self, on: &tokio::runtime::Handle, work: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn_on(work, on);
    }

    /// Asks all to stop and waits until they have.
    pub(crate) async fn stop(&self) {
        self.driven().values().for_each(|driven| driven.cancel.cancel());
        self.tracker.close();
        self.tracker.wait().await;
    }
}

/// Passes on what happens.
struct Listener {
    app: Arc<App>,
    driven: Arc<Driven>,
    begun: Mutex<Option<oneshot::Sender<RunId>>>,
}

impl Observer for Listener {
    fn event(&self, event: &Event) {
        if let (Some(run), Some(begun)) = (&event.run, self.begun.lock().unwrap_or_else(PoisonError::into_inner).take())
        {
            self.app.runs.driven().insert(run.clone(), Arc::clone(&self.driven));
            // Who asked may have gone; the run goes on.
            let _ = begun.send(run.clone());
        }
        self.app.metrics.event(event);
        self.app.live.poke();
    }

    fn started(&self, asset: &AssetName, progress: &Progress) {
        self.driven.progress.lock().unwrap_or_else(PoisonError::into_inner).insert(asset.clone(), progress.clone());
    }
}

impl App {
    /// Starts a plan and answers as soon as the run is journaled; it goes on by itself.
    ///
    /// # Errors
    /// What keeps the run from being journaled.
    pub(crate) async fn start_run(
        self: &Arc<Self>,
        loaded: Arc<Loaded>,
        workspace: Workspace,
        plan: Plan,
    ) -> ApiResult<RunId> {
        if self.stop.is_cancelled() {
            return Err(ApiError::stopping());
        }
        let (begun, id) = oneshot::channel();
        let (failed, failure) = oneshot::channel::<RunError>();
        let driven = Arc::new(Driven { cancel: self.stop.child_token(), ..Driven::default() });
        let listener = Listener { app: Arc::clone(self), driven: Arc::clone(&driven), begun: Mutex::new(Some(begun)) };
        let app = Arc::clone(self);
        let run = async move || {
            let options =
                RunOptions { observer: Arc::new(listener), cancel: driven.cancel.clone(), parallel: PARALLEL };
            let ended = workspace.run(&loaded.graph, &plan, options).await;
            app.runs.driven().retain(|_, other| !Arc::ptr_eq(other, &driven));
            if let Err(error) = ended {
                tracing::error!(%error, "a run could not be driven to its end");
                // Whoever still waits for its id is told.
                let _ = failed.send(error);
            }
            drop(workspace);
            driven.ended.cancel();
            app.live.poke();
        };
        let driving = self.drive(run);
        self.runs.track(&self.work, async move {
            // What it panics with is in the log.
            let _ = driving.await;
        });
        match id.await {
            Ok(id) => Ok(id),
            Err(_) => Err(failure.await.map_or_else(|_| ApiError::stopping(), ApiError::from)),
        }
    }
}
