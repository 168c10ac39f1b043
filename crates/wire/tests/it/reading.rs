//! What is read: values, nulls, parameters, cursors, instants.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use crate::stopping::signed_in;
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
    let mut child = world.python_command("instant.py").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("before 3 30"));
    world.publish().await;
    child.stdin.as_mut().unwrap().write_all(b"go on\n").await.unwrap();
    assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("within 3 30"));
    assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("after 4 100"));
    assert!(child.wait().await.unwrap().success());
    assert_eq!(world.psql("select count(*) from raw.orders").await.unwrap(), "4");
}

/// The kinds of the messages in what was told.
fn kinds(mut told: &[u8]) -> String {
    let mut kinds = String::new();
    while let Some(length) = told.get(1..5) {
        let length = u32::from_be_bytes(length.try_into().unwrap());
        let Some(rest) = told.get(1 + length as usize..) else { break };
        kinds.push(char::from(told[0]));
        told = rest;
    }
    kinds
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_portal_gives_as_many_rows_as_it_is_asked_for() {
    let world = World::new().await;
    let mut socket = signed_in(&world).await;
    let message = |kind: u8, body: &[u8]| {
        let mut message = vec![kind];
        message.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
        message.extend(body);
        message
    };
    let mut asked = message(b'P', b"\0select id from raw.orders order by id\0\0\0");
    // Two formats for one column are one too many; nothing breaks by it.
    asked.extend(message(b'B', b"p\0\0\0\0\0\0\0\x02\0\x01\0\x01"));
    asked.extend(message(b'D', b"Pp\0"));
    asked.extend(message(b'E', b"p\0\0\0\0\x02"));
    asked.extend(message(b'E', b"p\0\0\0\0\x02"));
    asked.extend(message(b'E', b"p\0\0\0\0\0"));
    asked.extend(message(b'S', b""));
    asked.extend(message(b'E', b"p\0\0\0\0\0"));
    asked.extend(message(b'S', b""));
    socket.write_all(&asked).await.unwrap();
    let mut told = Vec::new();
    while kinds(&told).matches('Z').count() < 2 {
        assert!(socket.read_buf(&mut told).await.unwrap() > 0);
    }
    // Two rows and more to come, the last one and the end, nothing any more; and with `Sync` the portal is gone.
    assert_eq!(kinds(&told), "12TDDsDCCZEZ");
}
