#![allow(clippy::unwrap_used)] // Tests may.

use std::sync::Arc;

use crate::{Fault, FaultPoint, Faults};

const POINT: FaultPoint = FaultPoint { name: "a.op", means: "" };
const OTHER: FaultPoint = FaultPoint { name: "b.op", means: "" };

/// Which of five operations are done (`d`), and which are answered well (`a`).
fn five(action: &str) -> String {
    let faults = Arc::new(Faults::default());
    faults.arm(POINT.name, action);
    let one = |_| {
        let mut told = String::new();
        if let Ok(begun) = faults.begin(&POINT, "op") {
            told.push('d');
            told.extend(begun.answer().ok().map(|()| 'a'));
        }
        told
    };
    (0..5).map(one).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_nth_operation_is_struck() {
    assert_eq!(five("count"), "da da da da da");
    assert_eq!(five("nth:2=fail"), "da  da da da");
    assert_eq!(five("nth:2=fail-after"), "da d da da da");
    assert_eq!(five("nth:2=late:1"), "da da da da da");
    assert_eq!(five("nth:4..=fail"), "da da da  ");
    assert_eq!(five("nth:4..=fail-after"), "da da da d d");
    assert_eq!(five("nth:3=cut"), "da da   ");
}

#[test]
fn what_is_seen_and_what_fired_is_counted() {
    let faults = Arc::new(Faults::default());
    assert!(faults.begin(&POINT, "before").is_ok());
    assert!(faults.seen(&POINT).is_empty(), "nothing is counted that is not armed");
    faults.arm(POINT.name, "nth:2=fail");
    for what in ["one", "two", "three"] {
        let _ = faults.begin(&POINT, what);
        assert!(faults.begin(&OTHER, what).is_ok());
    }
    assert_eq!(faults.seen(&POINT), ["one", "two", "three"]);
    assert!(faults.seen(&OTHER).is_empty());
    assert_eq!((faults.fired(&POINT), faults.fired(&OTHER)), (1, 0));
}

#[test]
fn after_the_power_is_cut_everything_fails() {
    let faults = Arc::new(Faults::default());
    faults.arm(OTHER.name, "count");
    let under_way = faults.begin(&OTHER, "op").unwrap();
    faults.arm(POINT.name, "nth:1=cut");
    assert_eq!(faults.begin(&POINT, "op").unwrap_err(), Fault::permanent(POINT.name));
    assert_eq!(under_way.answer(), Err(Fault::permanent(OTHER.name)), "nobody is told that it was done");
    assert!(faults.begin(&OTHER, "op").is_err());
    assert!(faults.pass(&OTHER).is_err());
}
