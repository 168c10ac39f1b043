//! What tools ask before they read.

use crate::world::World;

/// Lines of psql's answer that hold all of these words.
fn has(answer: &str, words: &[&str]) -> bool {
    answer.lines().any(|line| words.iter().all(|word| line.contains(word)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn psql_describes() {
    let world = World::new().await;
    let tables = world.psql_whole("\\dt").await;
    for table in ["kinds", "totals", "orders"] {
        assert!(has(&tables, &[table, "table", "lockgate"]), "{tables}");
    }
    assert!(!has(&tables, &["open"]), "{tables}");
    let views = world.psql_whole("\\dv").await;
    assert!(has(&views, &["mart", "open", "view"]), "{views}");
    let all = world.psql_whole("\\d").await;
    assert!(has(&all, &["open", "view"]) && has(&all, &["orders", "table"]), "{all}");
    let with = world.psql_whole("\\dt+ raw.*").await;
    assert!(has(&with, &["orders", "Orders as they come."]) && !with.contains("kinds"), "{with}");
    let schemas = world.psql_whole("\\dn").await;
    assert!(has(&schemas, &["mart"]) && has(&schemas, &["raw"]) && !has(&schemas, &["pg_catalog"]), "{schemas}");
    let databases = world.psql_whole("\\l").await;
    assert!(has(&databases, &["shop", "lockgate", "UTF8"]), "{databases}");
    let columns = world.psql_whole("\\d mart.kinds").await;
    for words in [
        ["id", "bigint", "not null"],
        ["is_on", "boolean", ""],
        ["small", "integer", ""],
        ["ratio", "double precision", ""],
        ["price", "numeric(12,2)", ""],
        ["words", "text", ""],
        ["bytes", "bytea", ""],
        ["day", "date", ""],
        ["local_at", "timestamp without time zone", ""],
        ["happened_at", "timestamp with time zone", ""],
        ["document", "json", ""],
        ["tags", "text[]", ""],
    ] {
        assert!(has(&columns, &words), "{words:?}: {columns}");
    }
    let more = world.psql_whole("\\d+ mart.kinds").await;
    assert!(has(&more, &["id", "The key."]), "{more}");
    for command in ["\\du", "\\df", "\\di", "\\ds"] {
        let output = world.psql_command().args(["-c", command]).output().await.unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!errors.contains("LG1108"), "{command}: {errors}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listing_follows_what_is_published() {
    let world = World::new().await;
    let rows = "select reltuples::int from pg_class where relname = 'orders'";
    assert_eq!(world.psql(rows).await.unwrap(), "3");
    let oid = world.psql("select 'raw.orders'::regclass::oid").await.unwrap();
    world.publish().await;
    assert_eq!(world.psql(rows).await.unwrap(), "4");
    assert_eq!(world.psql("select 'raw.orders'::regclass::oid").await.unwrap(), oid);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_information_schema_tells_the_same() {
    let world = World::new().await;
    let tables = "select table_schema, table_name, table_type from information_schema.tables order by 1, 2";
    assert_eq!(
        world.psql(tables).await.unwrap(),
        "mart|kinds|BASE TABLE\nmart|open|VIEW\nmart|totals|BASE TABLE\nraw|orders|BASE TABLE"
    );
    let columns = "select column_name, data_type, is_nullable, numeric_precision, numeric_scale, udt_name \
                   from information_schema.columns where table_schema = 'mart' and table_name = 'kinds' \
                   and column_name in ('id', 'price', 'tags') order by ordinal_position";
    assert_eq!(
        world.psql(columns).await.unwrap(),
        "id|bigint|NO|64|0|int8\nprice|numeric|YES|12|2|numeric\ntags|ARRAY|YES|NULL|NULL|_text"
    );
    assert_eq!(
        world.psql("select schema_name from information_schema.schemata where schema_name = 'mart'").await.unwrap(),
        "mart"
    );
    assert_eq!(
        world.psql("select current_database(), current_user, current_schema()").await.unwrap(),
        "shop|anybody|public"
    );
    assert!(world.psql("select version()").await.unwrap().starts_with("PostgreSQL 15"));
    assert_eq!(
        world.psql("select 'mart.kinds'::regclass::text, format_type(1700, 786438)").await.unwrap(),
        "mart.kinds|numeric(12,2)"
    );
}

/// What DBeaver, Metabase, JDBC and others ask, as they were seen to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tools_find_their_way() {
    let world = World::new().await;
    let mut wrong = Vec::new();
    for case in include_str!("../cases/tools.sql").split("\n\n") {
        let (title, sql) = case.split_once('\n').unwrap_or((case, ""));
        if let Err(error) = world.psql(sql).await {
            wrong.push(format!("{title}\n{error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
