//! Which conditions say the same of a row at any time: only those may be counted once and for all.

use std::collections::BTreeMap;

use lockgate_engine::{PinnedTable, Scalar};

use crate::fixture::{Fixture, schema, sql};

const FUNCTIONS: &str = "\
create function half(x bigint) returns bigint return x / 2;
create function quarter(x bigint) returns bigint return half(half(x));
create function is_over(t timestamptz) returns boolean return t < now();
create function was_over(t timestamptz) returns boolean return t < $run_at;
create function is_done(t timestamptz) returns boolean return is_over(t) and was_over(t);
";

const LASTING: &[&str] = &[
    "n > 0",
    "rows.n > 0 and raw.rows.s is not null",
    "n between 1 and $most",
    "s like 'a%' or s ~ '^b'",
    "n in (1, 2, 3) and not (n = 4)",
    "case when n > 0 then upper(s) = 'X' else length(s) < 3 end",
    "cast(s as bigint) > 0",
    "at < timestamp '2024-01-01 00:00:00'",
    "date_trunc('day', at) = at",
    "quarter(n) < 10",
    "QUARTER(n) < 10",
    "null",
];

const PASSING: &[&str] = &[
    "at < now()",
    "at < NOW ( )",
    "at < current_timestamp",
    "cast(at as date) < current_date",
    "at < $run_at",
    "n > random() * 10",
    "s <> cast(uuid() as varchar)",
    "is_over(at)",
    "was_over(at)",
    "IS_DONE(at)",
    "coalesce(n, 1) > 0 and (n > 0 or is_done(at))",
    "n > (select max(n) from raw.rows)",
    "n in (select n from raw.rows)",
    "exists (select 1 from raw.rows as o where o.n = n)",
    "nothing > 0",
    "sum(n) over () > 0",
    "n >",
];

#[tokio::test]
async fn conditions_that_last() {
    let fixture = Fixture::new();
    let vars = BTreeMap::from([("most".to_owned(), Scalar::Integer(5))]);
    let session = fixture.session_with(vars, vec![sql(FUNCTIONS, 1)]).unwrap();
    let rows: lockgate_types::AssetName = "raw.rows".parse().unwrap();
    session.register(PinnedTable::empty(rows.clone(), schema("n: bigint, s: string, at: timestamptz"))).unwrap();
    for condition in LASTING {
        assert!(session.lasts(&rows, condition), "`{condition}` lasts");
    }
    for condition in PASSING {
        assert!(!session.lasts(&rows, condition), "`{condition}` does not last");
    }
}
