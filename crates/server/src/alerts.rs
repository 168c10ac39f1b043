//! Tells people what `alerts` ask for, by the outbox, for as long as the server lives.

use std::sync::Arc;

use lockgate_watch::{Outbox, OutboxOptions, Timing};
use url::Url;

use crate::app::App;

/// Sees to the outbox until the server stops; with the alerts of the project as it is loaded.
pub(crate) async fn work(app: Arc<App>, base_url: String) {
    let base_url = Url::parse(&base_url).ok();
    while !app.stop.is_cancelled() {
        let loaded = app.loaded();
        let project = &loaded.workspace.project;
        let made = (!project.alerts.is_empty()).then(|| {
            let options = OutboxOptions {
                catalog: Arc::clone(&app.catalog),
                effects: app.effects.clone(),
                base_url: base_url.clone(),
                timing: Timing::default(),
            };
            Outbox::new(project, options)
        });
        let cancel = app.stop.child_token();
        let changed = async {
            app.alerts_changed.notified().await;
            cancel.cancel();
            // The outbox ends by itself; it may have an attempt under way.
            std::future::pending::<()>().await;
        };
        match made {
            Some(Ok(outbox)) => {
                app.live.wakes(Some(outbox.waker()));
                tokio::select! {
                    () = outbox.run(cancel.clone()) => {}
                    () = changed => {}
                }
                app.live.wakes(None);
            }
            Some(Err(error)) => {
                tracing::error!(%error, "nobody is told of anything");
                wait(&app).await;
            }
            None => wait(&app).await,
        }
    }
}

async fn wait(app: &App) {
    tokio::select! {
        () = app.stop.cancelled() => {}
        () = app.alerts_changed.notified() => {}
    }
}
