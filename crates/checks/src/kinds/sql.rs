//! A query finds no rows: whatever SELECT of the rows that violate something, over any assets.
//!
//! ```yaml
//! - sql: |
//!     select o.order_id, o.amount
//!     from mart.orders o
//!     join mart.customers c on c.customer = o.customer
//!     where o.amount > c.credit_limit
//!   name: within_credit
//! - sql: "select region from mart.orders group by region having count(*) < 10"
//!   error: "> 2"
//! ```
//!
//! Every row of the result counts as failing, against the asset's rows as total. The asset itself stands in the query
//! under its own name and is the candidate; others are read in their live versions, or as the same run builds
//! them. The first one without a name is called `sql`; a second needs a `name`. When the first column of the
//! result is called `message`, it says what is wrong in words of your own.

use futures::future::BoxFuture;
use lockgate_engine::EngineError;
use lockgate_project::SqlText;
use lockgate_types::{AssetName, Samples};

use super::{CheckKind, Parsed, Scope};
use crate::check::{Measure, Measured, Rule, Statement};
use crate::codes::UNKNOWN_ASSET;
use crate::read::{Reading, indent, statement};
use crate::scan::sample_rows;
use crate::words;

#[derive(Debug)]
pub(crate) struct Sql;

impl CheckKind for Sql {
    fn name(&self) -> &'static str {
        "sql"
    }

    fn source(&self) -> &'static str {
        include_str!("sql.rs")
    }

    fn body(&self) -> &'static str {
        "string"
    }

    fn scope(&self) -> Scope {
        Scope::Query
    }

    fn read(&self, reading: &mut Reading<'_>) -> Vec<Parsed> {
        let body = reading.body();
        if body.as_str().is_none_or(|text| text.trim().is_empty()) {
            reading.wrong_body(body, "a SELECT of the rows that violate the check");
            return Vec::new();
        }
        let sql = statement(body, reading.source());
        let parsed = match lockgate_engine::parse(&sql) {
            Ok(parsed) => parsed,
            Err(found) => {
                reading.diagnostics.extend(found.into_iter().map(|diagnostic| indent(diagnostic, &sql)));
                return Vec::new();
            }
        };
        let mut reads = Vec::new();
        for table in parsed.tables {
            if table.name == *reading.asset {
                continue;
            }
            if !reading.lookup.exists(&table.name) {
                let hint = reading.lookup.suggest(&table.name).map(|near| format!("did you mean `{near}`?"));
                let message = format!("there is no asset {}", table.name);
                let mut diagnostic = lockgate_types::Diagnostic::error(&UNKNOWN_ASSET, message).at(table.place);
                diagnostic.hint = hint;
                reading.diagnostics.push(indent(diagnostic, &sql));
            }
            reads.push(table.name);
        }
        vec![Parsed::named("", SqlRule { canonical: parsed.canonical, sql, reads })]
    }
}

/// Characters of a message that a query says itself.
const MESSAGE_MAX: usize = 200;

/// What the query itself says of its first row.
fn told(samples: &Samples) -> Option<String> {
    let text = samples
        .rows
        .first()?
        .first()?
        .as_ref()
        .filter(|_| samples.columns.first().is_some_and(|name| name == "message"))?;
    let line = text.lines().next().unwrap_or_default().trim();
    (!line.is_empty()).then(|| line.chars().take(MESSAGE_MAX).collect())
}

#[derive(Debug)]
struct SqlRule {
    sql: SqlText,
    canonical: String,
    reads: Vec<AssetName>,
}

impl Rule for SqlRule {
    fn fingerprint(&self) -> String {
        self.canonical.clone()
    }

    fn reads(&self) -> Vec<AssetName> {
        self.reads.clone()
    }

    fn statements(&self, _: &AssetName) -> Vec<Statement> {
        vec![Statement { sql: self.sql.clone(), place: None, comparable: None }]
    }

    fn measure<'a>(&'a self, cx: Measure<'a>) -> BoxFuture<'a, Result<Measured, EngineError>> {
        Box::pin(async move {
            let (failing, samples) = sample_rows(cx.session, &self.sql.sql).await?;
            let message = match failing {
                0 => "the query finds no rows".to_owned(),
                _ => told(&samples).unwrap_or_else(|| format!("the query finds {}", words::rows(failing))),
            };
            Ok(Measured { failing, total: cx.rows, message, samples })
        })
    }
}
