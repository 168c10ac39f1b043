//! Pages of lists.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::ApiResult;
use crate::request::bad;

/// Items of a page when nobody says how many.
const LIMIT: usize = 100;
/// Items of a page at most.
const LIMIT_MAX: usize = 1_000;

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// What `after` takes for the next page; null on the last.
    pub(crate) next: Option<String>,
    /// How many there are in all, where counting costs nothing.
    pub(crate) total: Option<u64>,
}

/// Which part of a list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// How many items: 1 to 1,000, by default 100.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub(crate) limit: Option<usize>,
    /// `next` of the page before.
    pub(crate) after: Option<String>,
}

impl PageParams {
    pub(crate) fn limit(&self) -> ApiResult<usize> {
        limit(self.limit, LIMIT, LIMIT_MAX)
    }

    /// The end of the page before, as a number.
    pub(crate) fn after_number<T: std::str::FromStr>(&self) -> ApiResult<Option<T>> {
        self.after
            .as_deref()
            .map(|text| text.parse().map_err(|_| bad(format!("`after`: `{text}` is not the next of a page"))))
            .transpose()
    }
}

/// A number of items within its bounds.
pub(crate) fn limit(given: Option<usize>, default: usize, max: usize) -> ApiResult<usize> {
    match given.unwrap_or(default) {
        limit if (1..=max).contains(&limit) => Ok(limit),
        limit => Err(bad(format!("`limit` is {limit}")).expected(format!("1 to {max}"))),
    }
}

impl<T> Page<T> {
    /// All there is.
    pub(crate) fn whole(items: Vec<T>) -> Self {
        let total = Some(items.len() as u64);
        Page { items, next: None, total }
    }

    /// From one item more than were asked for, whose presence says that there is a next page.
    pub(crate) fn cut(mut items: Vec<T>, limit: usize, end: impl FnOnce(&T) -> String) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(end) } else { None };
        Page { items, next, total: None }
    }

    /// The part of a whole list that begins at `from`.
    pub(crate) fn part(items: impl ExactSizeIterator<Item = T>, from: usize, limit: usize) -> Self {
        let total = items.len();
        let next = (from + limit < total).then(|| (from + limit).to_string());
        Page { items: items.skip(from).take(limit).collect(), next, total: Some(total as u64) }
    }
}
