//! The kinds of checks, one module each. A module's doc comment is its page of the reference.

pub(crate) mod accepted;
pub(crate) mod anomaly;
pub(crate) mod change;
pub(crate) mod expect;
pub(crate) mod fresh;
pub(crate) mod matches;
pub(crate) mod not_null;
pub(crate) mod parity;
pub(crate) mod range;
pub(crate) mod references;
pub(crate) mod rows;
pub(crate) mod sql;
pub(crate) mod unique;

use std::fmt::Debug;
use std::sync::Arc;

use lockgate_project::KeyDoc;

use crate::check::Rule;
use crate::read::Reading;

/// What the reference says of a kind, and how its entries are read.
// The hidden methods are for this crate alone: kinds are not made elsewhere.
#[allow(private_interfaces)]
pub trait CheckKind: Debug + Send + Sync {
    /// The key in YAML.
    fn name(&self) -> &'static str;

    /// The source of its module, whose doc comment is the documentation.
    #[doc(hidden)]
    fn source(&self) -> &'static str;

    /// What its body is, in the words of [`KeyDoc::kind`].
    fn body(&self) -> &'static str;

    /// The keys of its body, when that is a map of settings.
    fn keys(&self) -> &'static [KeyDoc] {
        &[]
    }

    #[doc(hidden)]
    fn scope(&self) -> Scope;

    #[doc(hidden)]
    fn read(&self, reading: &mut Reading<'_>) -> Vec<Parsed>;

    /// The page of the reference: markdown; its first paragraph is one sentence or two.
    fn doc(&self) -> String {
        doc_comment(self.source())
    }

    /// Entries of `checks`, as YAML: the first example of the page.
    fn example(&self) -> String {
        let doc = self.doc();
        let start = doc.find("```yaml\n").map_or(doc.len(), |at| at + "```yaml\n".len());
        let end = doc[start..].find("```").map_or(doc.len(), |at| start + at);
        doc[start..end].trim_end().to_owned()
    }
}

/// The `//!` lines at the head of a source file.
fn doc_comment(source: &str) -> String {
    let lines: Vec<&str> = source
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    lines.join("\n").trim_end().to_owned()
}

/// What a check counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Rows of the asset.
    Rows,
    /// Groups of rows, or whatever is compared.
    Groups,
    /// Rows of a query of its own.
    Query,
    /// Nothing: the version as a whole passes or fails.
    Version,
}

/// One check of an entry, before its common options are added.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) columns: Vec<String>,
    /// What follows the kind in the default name.
    pub(crate) suffix: String,
    pub(crate) rule: Arc<dyn Rule>,
}

impl Parsed {
    /// Named after its columns.
    pub(crate) fn of_columns(columns: Vec<String>, rule: impl Rule + 'static) -> Parsed {
        Parsed { suffix: columns.join("_"), columns, rule: Arc::new(rule) }
    }

    /// Named after something else; what is not a letter or a digit becomes `_`.
    pub(crate) fn named(suffix: &str, rule: impl Rule + 'static) -> Parsed {
        let words = suffix.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        Parsed { columns: Vec::new(), suffix: words.collect::<Vec<_>>().join("_"), rule: Arc::new(rule) }
    }
}

/// Every kind of check, in the order of the reference.
pub const KINDS: &[&dyn CheckKind] = &[
    &not_null::NotNull,
    &unique::Unique,
    &accepted::Accepted,
    &range::Range,
    &matches::Matches,
    &references::References,
    &rows::Rows,
    &fresh::Fresh,
    &expect::Expect,
    &parity::Parity,
    &change::Change,
    &anomaly::Anomaly,
    &sql::Sql,
];
