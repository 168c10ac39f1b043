//! Storage and catalog fail at every operation of a whole run, in every way; the power is cut at every one; every
//! named point fires in some scenario. Then calm returns, and nothing is lost, doubled or left lying.

mod bugs;
mod disk;
mod ledger;
mod page;
pub(crate) mod points;
mod power;
mod stories;
mod sweep;

use std::future::Future;
use std::process::Command;

/// Set in processes that [`in_own_process`] started.
const OWN: &str = "LOCKGATE_FAULTS_OWN";

/// The nightly script sets it: every operation in every way, not only in one.
const WHOLE: &str = "LOCKGATE_FAULTS_WHOLE";

fn is_whole() -> bool {
    std::env::var_os(WHOLE).is_some()
}

/// Does the work of a test in a process in which leases run out quickly: what a failed run holds is taken over in
/// a moment, not after ten seconds.
fn in_own_process(test: &str, work: impl Future<Output = ()>) {
    if std::env::var_os(OWN).is_some() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(work);
        return;
    }
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--include-ignored"])
        .env(OWN, "1")
        .env("LOCKGATE_LEASE_MS", "80")
        .status()
        .unwrap();
    assert!(status.success(), "{test} failed in its own process");
}
