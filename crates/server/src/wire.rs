//! The Postgres wire port, over the project as this server has it loaded and with its tokens.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use lockgate_catalog::Catalog;
use lockgate_run::{Graph, RunError, Workspace};
use lockgate_wire::{Authenticate, Limits, Project, Tables};
use tokio::net::TcpListener;

use crate::app::{App, Loaded};

impl Project for Loaded {
    fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    fn graph(&self) -> &Graph {
        &self.graph
    }
}

#[async_trait]
impl Tables for App {
    async fn project(&self) -> Result<Arc<dyn Project>, RunError> {
        Ok(self.fresh().await)
    }

    fn catalog(&self) -> Arc<dyn Catalog> {
        Arc::<dyn lockgate_catalog::ServiceCatalog>::clone(&self.catalog)
    }
}

#[async_trait]
impl Authenticate for App {
    fn trusted(&self, _: IpAddr) -> Option<String> {
        (!self.auth.required).then(|| self.auth.own.0.clone())
    }

    async fn check(&self, _: &str, password: &str, from: IpAddr) -> Option<String> {
        self.token(password, from).await.ok().map(|token| token.name)
    }
}

/// Serves the port until the server stops, where rows are worked on.
pub(crate) async fn work(app: Arc<App>, listener: TcpListener) {
    let serving = {
        let app = Arc::clone(&app);
        app.work.clone().spawn(async move {
            lockgate_wire::serve(listener, app.clone(), app.clone(), Limits::default(), app.stop.clone()).await
        })
    };
    match serving.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "the Postgres port ended"),
        Err(error) => tracing::error!(%error, "the Postgres port ended"),
    }
}
