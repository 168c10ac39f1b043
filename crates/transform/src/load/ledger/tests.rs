use super::{Ledger, Span, ceiling, floor};

fn ledger(spans: &[(i64, i64)]) -> Ledger {
    Ledger::of(spans.iter().map(|(from, to)| Span::new(*from, *to)))
}

fn pairs(ledger: &Ledger) -> Vec<(i64, i64)> {
    ledger.spans().iter().map(|span| (span.from, span.to)).collect()
}

#[test]
fn what_touches_or_overlaps_is_one_span() {
    assert_eq!(pairs(&ledger(&[(5, 7), (0, 2), (2, 3), (6, 9), (4, 4)])), [(0, 3), (5, 9)]);
    assert_eq!(pairs(&ledger(&[(0, 2)]).and(&ledger(&[(1, 5)]))), [(0, 5)]);
}

#[test]
fn gaps_are_what_is_not_done() {
    let done = ledger(&[(2, 4), (6, 8)]);
    assert_eq!(pairs(&done.gaps(Span::new(0, 10))), [(0, 2), (4, 6), (8, 10)]);
    assert_eq!(pairs(&done.gaps(Span::new(3, 7))), [(4, 6)]);
    assert_eq!(pairs(&done.gaps(Span::new(2, 4))), []);
    assert_eq!(pairs(&done.gaps(Span::new(9, 12))), [(9, 12)]);
    assert_eq!(pairs(&Ledger::default().gaps(Span::new(1, 3))), [(1, 3)]);
}

/// Against a set of single instants.
#[test]
fn it_is_a_set_of_instants() {
    let mut seed = 1_u64;
    let mut random = move |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        i64::try_from(seed % below).unwrap_or(0)
    };
    let instants = |ledger: &Ledger| -> Vec<i64> { ledger.spans().iter().flat_map(|s| s.from..s.to).collect() };
    for _ in 0..300 {
        let one = Ledger::of((0..6).map(|_| {
            let from = random(50);
            Span::new(from, from + random(8))
        }));
        let other = Ledger::of((0..6).map(|_| {
            let from = random(50);
            Span::new(from, from + random(8))
        }));
        let from = random(50);
        let whole = Span::new(from, from + random(30));
        let union: Vec<i64> =
            (0..60).filter(|at| instants(&one).contains(at) || instants(&other).contains(at)).collect();
        assert_eq!(instants(&one.and(&other)), union);
        let gaps: Vec<i64> = (whole.from..whole.to).filter(|at| !instants(&one).contains(at)).collect();
        assert_eq!(instants(&one.gaps(whole)), gaps);
        for pair in one.and(&other).spans().windows(2) {
            assert!(pair[0].to < pair[1].from, "{pair:?}");
        }
        let most = usize::try_from(random(4)).unwrap_or(0) + 1;
        let coarse = one.coarse(most);
        assert_eq!(coarse.spans().len(), one.spans().len().min(most));
        assert!(instants(&one).iter().all(|at| instants(&coarse).contains(at)));
    }
}

/// A million ranges are one span when they follow each other; with a gap after each, they still take no time.
#[test]
fn a_million_ranges() {
    let all = Ledger::of((0..1_000_000).map(|day| Span::new(day, day + 1)));
    assert_eq!(pairs(&all), [(0, 1_000_000)]);
    let every_other = Ledger::of((0..1_000_000).map(|day| Span::new(2 * day, 2 * day + 1)));
    assert_eq!(every_other.gaps(Span::new(0, 2_000_000)).spans().len(), 1_000_000);
    assert_eq!(every_other.coarse(64).spans().len(), 64);
}

#[test]
fn ranges_begin_at_multiples_also_before_1970() {
    assert_eq!((floor(-1, 10), floor(0, 10), floor(19, 10)), (-10, 0, 10));
    assert_eq!((ceiling(-1, 10), ceiling(0, 10), ceiling(11, 10)), (0, 0, 20));
}
