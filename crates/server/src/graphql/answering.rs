//! Where the library's execution hands a query field to ours.

use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextResolve, ResolveInfo};
use async_graphql::{ErrorExtensionValues, PathSegment, Pos, ServerError, ServerResult, Value};

use super::fetch::Execution;
use super::schema::QUERY;
use crate::problem::ApiError;

/// Answers query fields.
#[derive(Debug)]
pub(super) struct Answering;

impl ExtensionFactory for Answering {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Answering)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for Answering {
    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        // Everything below a query field comes with it; only introspection goes on by itself.
        if info.parent_type != QUERY || info.is_for_introspection {
            return next.run(ctx, info).await;
        }
        let Some(execution) = ctx.data_opt::<Arc<Execution>>() else { return next.run(ctx, info).await };
        let key = info.alias.unwrap_or(info.name);
        Ok(Some(execution.root(key).await.unwrap_or_else(|error| {
            let mut error = told(&error, Some(info.field.name.pos));
            error.path = vec![PathSegment::Field(key.to_owned())];
            // Given back as an error it would take the field out of the answer.
            execution.failed(error);
            Value::Null
        })))
    }
}

/// An error with its code and hint.
pub(super) fn told(error: &ApiError, at: Option<Pos>) -> ServerError {
    let first = error.diagnostics.0.first();
    let mut told = ServerError::new(first.map_or("an error", |diagnostic| diagnostic.message.as_str()), at);
    let mut extensions = ErrorExtensionValues::default();
    if let Some(diagnostic) = first {
        extensions.set("code", diagnostic.code.id);
        for (name, text) in [("expected", &diagnostic.expected), ("hint", &diagnostic.hint)] {
            if let Some(text) = text {
                extensions.set(name, text.as_str());
            }
        }
    }
    told.extensions = Some(extensions);
    told
}
