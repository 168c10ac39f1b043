//! What is refused: everything that writes, reads files, or reaches for the engine's settings.

use crate::world::World;

/// Statements, and the SQLSTATE that each is refused with.
const REFUSED: &[(&str, &str)] = &[
    ("insert into raw.orders values (9, 9)", "25006"),
    ("INSERT INTO raw.orders select * from raw.orders", "25006"),
    ("update raw.orders set amount = 0", "25006"),
    ("delete from raw.orders", "25006"),
    ("merge into raw.orders using mart.kinds on true when matched then delete", "25006"),
    ("truncate raw.orders", "25006"),
    ("create table raw.mine (a int)", "25006"),
    ("create table raw.mine as select 1", "25006"),
    ("create view raw.mine as select 1", "25006"),
    ("create schema mine", "25006"),
    ("create function f() returns int return 1", "25006"),
    ("create external table x stored as csv location '/etc/passwd'", "25006"),
    ("create temp table x (a int)", "25006"),
    ("drop table raw.orders", "25006"),
    ("alter table raw.orders add column x int", "25006"),
    ("copy raw.orders from '/etc/passwd'", "25006"),
    ("copy raw.orders from stdin", "25006"),
    ("copy raw.orders to '/tmp/orders.csv'", "25006"),
    ("copy (select 1) to program 'touch /tmp/lockgate'", "25006"),
    ("grant select on raw.orders to public", "25006"),
    ("vacuum", "25006"),
    ("do $$ begin delete from raw.orders; end $$", "25006"),
    ("call mine()", "25006"),
    ("/* select */ delete from raw.orders", "25006"),
    ("select 1; delete from raw.orders", "25006"),
    ("begin; drop table raw.orders; commit", "25006"),
    ("with x as (delete from raw.orders returning *) select * from x", "0A000"),
    ("with x as (insert into raw.orders values (1, 1) returning *) select * from x", "0A000"),
    ("select * into raw.mine from raw.orders", "0A000"),
    ("select * from raw.orders for update", "0A000"),
    ("explain select 1", "0A000"),
    ("explain analyze select 1", "0A000"),
    ("prepare p as select 1", "0A000"),
    ("listen news", "0A000"),
    ("lock table raw.orders", "0A000"),
    // Files.
    ("select * from '/etc/passwd'", "0A000"),
    ("select * from \"/etc/passwd\"", "0A000"),
    ("select * from read_csv('/etc/passwd')", "0A000"),
    ("select * from read_parquet('/etc/passwd')", "0A000"),
    ("select * from pg_read_file('/etc/passwd')", "42P01"),
    ("select pg_read_file('/etc/passwd')", "42883"),
    ("select pg_catalog.pg_read_file('/etc/passwd')", "0A000"),
    ("select pg_ls_dir('/')", "42883"),
    ("select lo_import('/etc/passwd')", "42883"),
    // Settings that are not a session's own.
    ("set datafusion.execution.batch_size = 1", "42704"),
    ("set datafusion.runtime.memory_limit = '100G'", "42704"),
    ("set session datafusion.catalog.information_schema = true", "42704"),
    ("set role admin", "42601"),
    ("set session authorization admin", "42601"),
    ("set client_encoding = 'latin1'", "22023"),
    ("set standard_conforming_strings = off", "22023"),
    ("show datafusion.execution.batch_size", "42704"),
    ("alter system set work_mem = '1GB'", "25006"),
    // What is not there.
    ("select * from orders", "42P01"),
    ("select * from raw.nothing", "42P01"),
    ("select nothing from raw.orders", "42703"),
    ("select nothing(1)", "42883"),
    ("selekt 1", "42601"),
    ("select from where", "42601"),
    ("select 'unfinished", "42601"),
    ("select $1", "08P01"),
    ("select * from raw.orders, pg_class", "0A000"),
    ("fetch 1 from c", "34000"),
    ("declare c cursor for select 1", "25P01"),
    ("declare c scroll cursor for select 1", "0A000"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_but_reading_is_refused() {
    let world = World::new().await;
    let mut wrong = Vec::new();
    for (sql, sqlstate) in REFUSED {
        match world.psql(sql).await {
            Ok(answer) => wrong.push(format!("{sql}: was answered with {answer:?}")),
            Err(error) if !error.contains(&format!("ERROR:  {sqlstate}:")) => wrong.push(format!("{sql}: {error}")),
            Err(error) if !error.contains("[LG") => wrong.push(format!("{sql}: no diagnostic: {error}")),
            Err(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Nothing of it happened.
    assert_eq!(world.psql("select count(*), sum(amount) from raw.orders").await.unwrap(), "3|30");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_nothing_is_let_through() {
    let world = World::new().await;
    for sql in [
        "set application_name = 'x'; show application_name",
        "set search_path to mart, public",
        "set time zone 'Europe/Berlin'; show time zone",
        "set names 'utf8'",
        "set session characteristics as transaction read only",
        "set extra_float_digits = 3",
        "set statement_timeout to '10s'; show statement_timeout; reset statement_timeout; reset all",
        "begin; select 1; commit",
        "begin isolation level serializable, read only; savepoint a; release a; rollback",
        "start transaction; select 1; end",
        "discard all",
        "deallocate all",
        "show transaction isolation level; show server_version; show default_transaction_read_only",
        "begin; declare c cursor for select id from raw.orders; fetch 2 from c; move 1 in c; close c; commit",
        "declare c cursor with hold for select id from raw.orders; fetch all c; close all",
    ] {
        world.psql(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    // Where a mistake stands is shown.
    let error = world.psql("select id,\n  nothing\nfrom raw.orders").await.unwrap_err();
    assert!(error.contains("LINE 2:   nothing"), "{error}");
}
