//! The suite that every backend passes. A backend implements [`Shared`] and [`Backend`] for its tests and joins
//! with one line, `lockgate_catalog::conformance_suite!(backend)`, which makes one test of every case.
//!
//! Cases see a backend only through [`crate::Catalog`], and open it several times where two processes meet.

// Tests may: a case that cannot go on has failed.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

pub mod faults;
pub mod journal;
pub mod leases;
pub mod logs;
pub mod publishing;
pub mod retention;
pub mod samples;
pub mod versions;

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use lockgate_types::effects::FixedClock;
use lockgate_types::{Effects, Faults};

use crate::{AuditEntry, Catalog, SYSTEM_TABLES};

/// Makes catalogs.
#[async_trait]
pub trait Backend: Send + Sync {
    /// An empty catalog, its own for each call.
    async fn create(&self) -> Box<dyn Shared>;
}

/// One catalog that several processes share.
#[async_trait]
pub trait Shared: Send + Sync {
    /// Opens it as another process would.
    async fn open(&self, effects: Effects) -> Arc<dyn Catalog>;
}

/// The effects of a test: a clock that stands still until it is moved, and faults of its own.
#[derive(Clone, Debug)]
pub struct Stage {
    pub clock: Arc<FixedClock>,
    pub effects: Effects,
}

impl Default for Stage {
    fn default() -> Self {
        let clock = Arc::new(FixedClock(Mutex::new(samples::noon())));
        let effects = Effects { clock: clock.clone(), faults: Arc::new(Faults::default()), ..Effects::real() };
        Stage { clock, effects }
    }
}

impl Stage {
    pub fn now(&self) -> DateTime<Utc> {
        *self.clock.0.lock().unwrap()
    }

    /// Moves the clock, also backwards.
    pub fn advance(&self, by: TimeDelta) {
        *self.clock.0.lock().unwrap() += by;
    }
}

/// The audit log in the order of writing.
pub async fn whole_log(catalog: &dyn Catalog, env: &str) -> Vec<AuditEntry> {
    let mut log = catalog.audit_log(env, None, usize::MAX).await.unwrap();
    log.reverse();
    log
}

/// The actions of the audit log, in the order of writing.
pub async fn actions(catalog: &dyn Catalog, env: &str) -> Vec<String> {
    whole_log(catalog, env).await.into_iter().map(|entry| entry.action).collect()
}

/// Everything that the system tables say, to see whether anything changed.
pub async fn everything(catalog: &dyn Catalog) -> Vec<Vec<Vec<serde_json::Value>>> {
    let mut tables = Vec::new();
    for name in SYSTEM_TABLES {
        tables.push(catalog.system_table(name).await.unwrap().unwrap().rows);
    }
    tables
}

/// One test per case. The argument is an expression of a type that implements [`Backend`].
#[macro_export]
macro_rules! conformance_suite {
    ($backend:expr) => {
        $crate::conformance_suite! { @cases $backend;
            versions: numbers_are_never_reused;
            versions: two_writers_get_different_numbers;
            versions: a_staged_version_comes_back_whole;
            versions: staging_again_replaces_until_it_is_past_staged;
            versions: only_a_reserved_number_is_staged;
            versions: what_could_not_be_read_back_is_refused;
            versions: a_judgement_of_a_live_version_leaves_its_content_alone;
            versions: a_held_version_is_replaced_by_the_next;
            versions: holding_again_changes_nothing;
            versions: a_version_is_given_up_once;
            versions: illegal_transitions_are_errors_and_change_nothing;
            versions: history_is_newest_first;
            versions: builds_are_remembered_for_estimates;
            versions: environments_do_not_see_each_other;
            publishing: a_publication_switches_what_is_live;
            publishing: heads_say_what_documents_say;
            publishing: a_group_switches_together_or_not_at_all;
            publishing: a_lost_lease_cannot_publish;
            publishing: a_moved_base_is_not_published;
            publishing: one_version_at_a_time;
            publishing: begun_again_nothing_changes;
            publishing: finished_again_nothing_changes;
            publishing: a_helper_needs_neither_lease_nor_reason;
            publishing: a_foreign_commit_moves_the_base;
            publishing: a_withdrawn_publication_is_staged_again;
            publishing: a_rollback_retracts;
            publishing: what_is_published_replaces_what_is_held;
            publishing: a_held_version_is_published_by_hand;
            publishing: what_was_live_at_an_instant;
            publishing: the_clock_falls_and_the_order_holds;
            publishing: racing_writers_make_one_history;
            retention: what_expires_gets_an_epoch_of_its_own;
            retention: expiring_again_changes_nothing;
            retention: what_is_needed_does_not_expire;
            retention: an_end_has_its_time;
            retention: the_last_number_of_every_asset_is_known;
            retention: a_lost_catalog_gets_its_versions_back;
            retention: a_whole_catalog_says_so;
            retention: what_goes_on_is_listed;
            leases: a_lease_is_held_by_one;
            leases: of_many_who_ask_one_gets_it;
            leases: an_epoch_never_falls;
            leases: only_a_standing_heart_is_stolen_from;
            leases: a_free_lease_is_simply_taken;
            leases: a_lost_lease_neither_beats_nor_releases;
            journal: a_run_is_kept_with_its_tasks;
            journal: a_run_is_created_once;
            journal: a_task_needs_its_run;
            journal: a_run_ends_once;
            journal: runs_are_newest_first;
            journal: events_keep_their_order;
            logs: every_change_has_an_actor;
            logs: the_log_answers_the_newest_first;
            logs: a_suppression_is_made_once;
            logs: lateness_comes_and_goes;
            logs: code_is_remembered;
            logs: the_cache_answers_and_forgets_the_oldest;
            logs: system_tables_have_their_columns;
            logs: system_tables_say_what_happened;
            faults: every_step_fails_once_and_is_repeated;
            faults: every_step_fails_for_ever_and_leaves_a_whole_catalog;
        }
    };
    (@cases $backend:expr; $($module:ident: $case:ident;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let shared = $crate::conformance::Backend::create(&$backend).await;
                $crate::conformance::$module::$case(&*shared).await;
            }
        )*
        /// The names above, so that a test can see that no case was forgotten.
        pub(crate) const CONFORMANCE_CASES: &[(&str, &str)] = &[$((stringify!($module), stringify!($case))),*];
    };
}
