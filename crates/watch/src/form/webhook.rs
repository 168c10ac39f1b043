//! Lockgate's own JSON; its keys are documented at the head of this crate.

use serde_json::{Value as Json, json};

use super::Letter;

pub(super) fn body(letter: &Letter<'_>) -> Json {
    let news = letter.news;
    let checks: Vec<Json> = news
        .checks
        .iter()
        .map(|check| {
            json!({
                "name": check.name,
                "kind": check.kind,
                "state": check.state,
                "failing": check.failing,
                "total": check.total,
                "share": check.share,
                "message": check.message,
            })
        })
        .collect();
    json!({
        "id": letter.id,
        "event": news.event.as_str(),
        "at": news.at,
        "project": letter.project,
        "environment": letter.environment,
        "asset": news.asset,
        "version": news.version,
        "readers_see": news.readers_see,
        "run": news.run,
        "owner": letter.owner,
        "checks": checks,
        "message": news.sentence(),
        "next": news.next(letter.environment),
        "url": letter.url.as_ref().map(url::Url::as_str),
    })
}
