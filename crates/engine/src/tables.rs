//! The tables of a session, by name. Registering one is a map insertion; nothing is opened.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use datafusion::datasource::MemTable;
use lockgate_project::SqlText;

use crate::scan::PinnedProvider;

/// Schema and table.
pub(crate) type Key = (String, String);

#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Pinned(Arc<PinnedProvider>),
    Batches(Arc<MemTable>),
    /// An asset with `load: inline`: planned again in each of its readers, so that it reads what they read.
    Inline(Arc<SqlText>),
}

/// A fork sees its parent's tables, and what it registers is its own.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    parent: Option<Arc<Tables>>,
    own: RwLock<HashMap<Key, Entry>>,
}

impl Tables {
    pub(crate) fn fork(parent: &Arc<Tables>) -> Self {
        Tables { parent: Some(parent.clone()), own: RwLock::default() }
    }

    pub(crate) fn insert(&self, key: Key, entry: Entry) {
        self.own.write().unwrap_or_else(PoisonError::into_inner).insert(key, entry);
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Entry> {
        let own = self.own.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        own.or_else(|| self.parent.as_ref()?.get(key))
    }

    /// All names, sorted; for suggestions.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        let mut names = self.parent.as_ref().map(|parent| parent.names()).unwrap_or_default();
        let own = self.own.read().unwrap_or_else(PoisonError::into_inner);
        names.extend(own.keys().map(|(schema, table)| format!("{schema}.{table}")));
        names
    }
}
