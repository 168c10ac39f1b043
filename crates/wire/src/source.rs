//! What the port is given: the project as it stands, and who may read it.

use std::fmt::Debug;
use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use lockgate_catalog::Catalog;
use lockgate_run::{Graph, RunError, Workspace};

/// An opened project with its graph, as it was loaded at one moment.
pub trait Project: Debug + Send + Sync {
    fn workspace(&self) -> &Workspace;
    fn graph(&self) -> &Graph;
}

/// Where the tables come from.
#[async_trait]
pub trait Tables: Debug + Send + Sync {
    /// The project as its files are now; the same `Arc` as long as they are the same.
    ///
    /// # Errors
    /// What loading it can answer.
    async fn project(&self) -> Result<Arc<dyn Project>, RunError>;

    /// The project's catalog.
    fn catalog(&self) -> Arc<dyn Catalog>;
}

/// Who may read.
#[async_trait]
pub trait Authenticate: Debug + Send + Sync {
    /// Who acts without a token, where none is needed. `None` asks for one.
    fn trusted(&self, from: IpAddr) -> Option<String>;

    /// The name of the token whose secret the password is; `None` refuses. To slow down who guesses is up to it.
    async fn check(&self, user: &str, password: &str, from: IpAddr) -> Option<String>;
}
