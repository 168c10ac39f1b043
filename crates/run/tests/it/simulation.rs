//! A simulation of journal, leases and publication: several workers on one catalog, in virtual time, with crashes, long
//! stops, and messages that are late, lost or doubled. The workers run the real code of this crate over the real store; the
//! catalog is the one in memory, which passes the suite of every backend.
//!
//! One seed is one history, and the same seed is the same history again. `LOCKGATE_SEEDS` says how many are tried (500),
//! `LOCKGATE_SEED` tries that one alone and tells what happened.

mod apart;
mod history;
mod kind;
mod schedule;
mod wire;

use std::sync::atomic::{AtomicU64, Ordering};

/// What CI tries; the nightly script tries more.
const SEEDS: u64 = 500;

/// At a time: each on a thread of its own, with a clock of its own.
const AT_ONCE: u64 = 2;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[test]
fn every_history_ends_well() {
    if let Some(seed) = variable("LOCKGATE_SEED") {
        let told = history::play(seed);
        told.trace.iter().for_each(|line| println!("{line}"));
        println!("{:?}", told.tally);
        return;
    }
    let seeds = variable("LOCKGATE_SEEDS").unwrap_or(SEEDS);
    let next = AtomicU64::new(0);
    let tallies = std::thread::scope(|scope| {
        let play = || {
            let mut sum = history::Tally::default();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds {
                    return sum;
                }
                match std::panic::catch_unwind(|| history::play(seed)) {
                    Ok(told) => sum.add(&told.tally),
                    Err(panic) => {
                        println!("seed {seed}; again, alone and with everything that happened:");
                        println!(
                            "LOCKGATE_SEED={seed} cargo nextest run --workspace --no-capture -E 'test(every_history_ends_well)'"
                        );
                        next.store(seeds, Ordering::Relaxed);
                        std::panic::resume_unwind(panic);
                    }
                }
            }
        };
        let lanes: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(play)).collect();
        let mut sum = history::Tally::default();
        for lane in lanes {
            sum.add(&lane.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        sum
    });
    println!("{seeds} seeds: {tallies:?}");
    // A simulation in which nothing goes wrong shows nothing.
    if seeds >= SEEDS {
        tallies.assert_eventful();
    }
}

/// A seed that fails is of use only when it fails again.
#[test]
fn the_same_seed_is_the_same_history() {
    for seed in [3, 11] {
        let (one, other) = (history::play(seed), history::play(seed));
        let differs = one.trace.iter().zip(&other.trace).position(|(one, other)| one != other);
        assert_eq!(differs, None, "seed {seed}: {:?}", differs.map(|at| (&one.trace[at], &other.trace[at])));
        assert_eq!(one.trace.len(), other.trace.len());
        assert!(one.trace.len() > 50, "{:#?}", one.trace);
    }
}
