//! What is read: values, nulls, parameters, cursors, instants.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn psql_reads_every_type() {
    let world = World::new().await;
    let rows = world.psql("select * from mart.kinds order by id").await.unwrap();
    assert_eq!(
        rows,
        "1|t|-7|0.1|-12345.67|it's \"ä\"|\\x00ff|2024-02-29|2024-02-29 12:34:56.5|2024-02-29 12:34:56.5+00|\
         {\"a\": [1, 2]}|{\"a b\",NULL,c}\n2|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL"
    );
    let typed = world.psql("select * from mart.kinds limit 0 \\gdesc").await;
    assert!(typed.is_ok() || typed.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_are_what_they_are_elsewhere() {
    let world = World::new().await;
    assert_eq!(world.psql("select 1 + 1").await.unwrap(), "2");
    assert_eq!(world.psql("values (1, 'a'), (2, null)").await.unwrap(), "1|a\n2|NULL");
    assert_eq!(world.psql("select sum(amount) from raw.orders; select 'two'").await.unwrap(), "30\ntwo");
    assert_eq!(world.psql("select total from mart.totals").await.unwrap(), "30");
    // An inline asset, a version by its number, a system table.
    assert_eq!(world.psql("select id from mart.open").await.unwrap(), "3");
    assert_eq!(world.psql("select count(*) from version('raw.orders', 1)").await.unwrap(), "3");
    assert_eq!(world.psql("select count(*) > 0 from lockgate.versions").await.unwrap(), "t");
    assert_eq!(world.psql("with x as (select id from raw.orders) select max(id) from x").await.unwrap(), "3");
    assert_eq!(world.psql("").await.unwrap(), "");
    // Unnamed columns have Postgres' names.
    let whole = world.psql_whole("select count(*), 1 as one, max(id) + 1 from raw.orders").await;
    assert!(whole.lines().next().unwrap().split('|').map(str::trim).eq(["count", "one", "?column?"]), "{whole}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn psycopg_reads_with_parameters_cursors_and_types() {
    let world = World::new().await;
    assert_eq!(world.python("reading.py").await, "all is well");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_sees_one_instant() {
    let world = World::new().await;
    let mut child = world
        .python_command("instant.py")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("before 3 30"));
    world.publish().await;
    child.stdin.as_mut().unwrap().write_all(b"go on\n").await.unwrap();
    assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("within 3 30"));
    assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("after 4 100"));
    assert!(child.wait().await.unwrap().success());
    assert_eq!(world.psql("select count(*) from raw.orders").await.unwrap(), "4");
}
