//! What a server keeps and reads.

mod cost;
mod faults;
mod lists;
mod outbox;
mod requests;
mod runs;
mod schedules;
mod tokens;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use lockgate_catalog::conformance::samples::{actor, noon};
use lockgate_catalog::{Delivery, DeliveryState, Role, ServiceCatalog, Token, open_service_sqlite};
use lockgate_types::Effects;

use crate::backend::Folder;

async fn open(folder: &Folder) -> Arc<dyn ServiceCatalog> {
    open_service_sqlite(&folder.path(), Effects::real()).await.unwrap()
}

/// As two processes would open it.
async fn two() -> (Folder, Arc<dyn ServiceCatalog>, Arc<dyn ServiceCatalog>) {
    let folder = Folder::new();
    let (one, other) = (open(&folder).await, open(&folder).await);
    (folder, one, other)
}

fn after(seconds: i64) -> DateTime<Utc> {
    noon() + TimeDelta::seconds(seconds)
}

fn token(id: &str) -> Token {
    Token {
        id: id.to_owned(),
        name: format!("deploys of {id}"),
        role: Role::Operator,
        hash: format!("hash of {id}"),
        made_by: actor("ana"),
        made_at: noon(),
        expires_at: Some(after(3_600)),
        revoked_at: None,
        last_used_at: None,
    }
}

/// Due so many seconds after noon.
fn delivery(id: &str, due: i64) -> Delivery {
    Delivery {
        id: id.to_owned(),
        alert: 1,
        to: "https://hooks.example/…".to_owned(),
        kind: "held".to_owned(),
        asset: Some("raw.orders".parse().unwrap()),
        run: Some(lockgate_types::RunId("0run1".to_owned())),
        body: serde_json::json!({ "text": "held ü", "blocks": [1, null] }),
        text: format!("raw.orders was held ({id})"),
        state: DeliveryState::Waiting,
        attempts: 0,
        made_at: noon(),
        due_at: after(due),
        sent_at: None,
        last_error: None,
    }
}
