//! Which columns SQL reads, and rows at hand in the place of files.

use lockgate_engine::PinnedTable;

use crate::fixture::{Fixture, batch, schema, sql, table_text};

/// By table, in alphabetical order: `raw.a(id, x) raw.b()`.
fn read(text: &str) -> String {
    let fixture = Fixture::new();
    let session = fixture.session();
    for (name, columns) in [("raw.a", "id: bigint, x: int, y: string, z: date"), ("raw.b", "id: bigint, w: string")] {
        session.register(PinnedTable::empty(name.parse().unwrap(), schema(columns))).unwrap();
    }
    session.register_inline(&"clean.a".parse().unwrap(), &sql("select id, x + 1 as x, y from raw.a", 1)).unwrap();
    let columns = session.columns_read(&sql(text, 1)).unwrap();
    let tables = columns
        .iter()
        .map(|(name, columns)| format!("{name}({})", columns.iter().cloned().collect::<Vec<_>>().join(", ")));
    tables.collect::<Vec<_>>().join(" ")
}

#[test]
fn columns_that_decide_which_rows_there_are_count() {
    assert_eq!(read("select x from raw.a"), "raw.a(x)");
    assert_eq!(read("select x from raw.a where y = 'n' order by z"), "raw.a(x, y, z)");
    assert_eq!(read("select a.x, b.w from raw.a a join raw.b b on b.id = a.id"), "raw.a(id, x) raw.b(id, w)");
    assert_eq!(read("select count(*) as n from raw.a"), "raw.a()");
    assert_eq!(
        read("select x from raw.a where id in (select id from raw.b where w > 'm')"),
        "raw.a(id, x) raw.b(id, w)"
    );
    assert_eq!(read("select (select max(w) from raw.b) as w from raw.a"), "raw.a() raw.b(w)");
    // Of an inline asset only what its reader uses.
    assert_eq!(read("select x from clean.a where y is null"), "raw.a(x, y)");
    assert_eq!(read("select 1 as one"), "");
}

/// A plan sees the same types over rows at hand as over files.
#[tokio::test]
async fn rows_at_hand_are_typed_as_files_are() {
    let fixture = Fixture::new();
    let columns =
        schema("word: string, bytes: binary, doc: json, tags: list<string>, at: timestamptz, price: decimal(10,2)");
    let types = "select arrow_typeof(word) as a, arrow_typeof(bytes) as b, arrow_typeof(doc) as c, \
                 arrow_typeof(tags) as d, arrow_typeof(at) as e, arrow_typeof(price) as f from raw.t";
    let row = batch(&schema("word: string"), &[vec!["x".to_owned()]]);
    let nulls = columns.to_arrow().fields().iter().map(|f| arrow::array::new_null_array(f.data_type(), 1)).collect();
    let nulls = arrow::array::RecordBatch::try_new(columns.to_arrow(), nulls).unwrap();
    let names: Vec<String> = ["a", "b", "c", "d", "e", "f"].map(str::to_owned).into();

    let files = fixture.session();
    files.register(fixture.write("raw.t", &columns, &[], vec![vec![nulls.clone()]]).await).unwrap();
    let hand = fixture.session();
    let name = "raw.t".parse().unwrap();
    hand.register_rows(&name, &columns, &[nulls]).unwrap();
    let of_files = table_text(&names, &files.collect(types).await.unwrap());
    assert_eq!(of_files, table_text(&names, &hand.collect(types).await.unwrap()));
    assert_eq!(of_files.len(), 2);
    // No rows are a table as well; others columns than those of the schema are none.
    hand.register_rows(&name, &columns, &[]).unwrap();
    assert_eq!(hand.collect(types).await.unwrap().iter().map(arrow::array::RecordBatch::num_rows).sum::<usize>(), 0);
    assert!(hand.register_rows(&name, &columns, &[row]).is_err());
}
