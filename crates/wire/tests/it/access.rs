//! Who is let in, how many, and what those get who keep no protocol.

use std::time::Duration;

use lockgate_wire::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::stopping::{query, signed_in};
use crate::world::{World, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_password_is_a_token() {
    let world = World::with(Some("lgt_good"), Limits::default()).await;
    let with = async |password: &str| {
        let output =
            world.psql_command().env("PGPASSWORD", password).args(["-w", "-A", "-t", "-c", "select 1"]).output();
        let output = output.await.unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        } else {
            Err(errors)
        }
    };
    assert_eq!(with("lgt_good").await, Ok("1".to_owned()));
    // One that is wrong, expired or revoked is refused alike: the server's `check` says no.
    for wrong in ["lgt_expired", "lgt_goo", "lgt_good ", "x"] {
        let error = with(wrong).await.unwrap_err();
        assert!(error.contains("password authentication failed") && error.contains("LG1103"), "{error}");
    }
    // Before the password nothing is answered.
    let mut socket = TcpStream::connect(world.address).await.unwrap();
    socket.write_all(b"\x00\x00\x00\x10\x00\x03\x00\x00user\x00x\x00\x00").await.unwrap();
    socket.write_all(&query("select 1")).await.unwrap();
    let mut told = Vec::new();
    socket.read_to_end(&mut told).await.unwrap();
    let told = String::from_utf8_lossy(&told);
    assert!(told.contains("28000") && !told.contains("SELECT"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_so_many_are_served_at_once() {
    let world = World::with(None, Limits { connections: 5, ..Limits::default() }).await;
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(signed_in(&world).await);
    }
    let error = world.psql("select 1").await.unwrap_err();
    assert!(error.contains("too many clients already") && error.contains("LG1104"), "{error}");
    held.pop();
    until("a seat is free again", async || world.psql("select 1").await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_ask_at_once() {
    let world = World::new().await;
    assert_eq!(world.python("many.py").await, "all is well");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_keeps_no_protocol_is_told_and_nobody_else_suffers() {
    let world = World::new().await;
    let first: &[&[u8]] = &[
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x00",
        b"\x7f\xff\xff\xff\x00\x03\x00\x00",
        b"\x00\x00\x00\x08\x00\x02\x00\x00",
        b"\x00\x00\x00\x09\x00\x03\x00\x00u",
        b"\x00\x00\x00\x0c\x00\x03\x00\x00\xff\xfe\x00\x00",
        b"\x00\x00\x00\x09\x00\x03\x00\x00\x00",
        b"\x00\x00\x00\x08\x04\xd2\x16\x2e",
        b"\x00\x00\x00\x10\x04\xd2\x16\x2e\x00\x00\x00\x01abcd",
    ];
    for bytes in first {
        let mut socket = TcpStream::connect(world.address).await.unwrap();
        socket.write_all(bytes).await.unwrap();
        let mut told = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(10), socket.read_to_end(&mut told)).await;
        assert!(ended.is_ok(), "{bytes:?} is waited for");
    }
    let later: &[&[u8]] = &[
        b"B\x00\x00\x00\x04",
        b"B\x00\x00\x00\x0a\x00\x00\xff\xff\x00\x00",
        b"P\x00\x00\x00\x08\x00\x00\x7f\xff",
        b"D\x00\x00\x00\x06X\x00",
        b"E\x00\x00\x00\x05\x00",
        b"Q\x00\x00\x00\x05x",
        b"Q\x00\x00\x00\x06\xff\x00",
        b"Q\x7f\xff\xff\xff",
        b"Q\x00\x00\x00\x00",
        b"\x00\x00\x00\x00\x04",
        b"d\x00\x00\x00\x04",
    ];
    for bytes in later {
        let mut socket = signed_in(&world).await;
        socket.write_all(bytes).await.unwrap();
        let mut told = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(10), socket.read_to_end(&mut told)).await;
        assert!(ended.is_ok(), "{bytes:?} is waited for");
        assert!(String::from_utf8_lossy(&told).contains("08P01"), "{bytes:?}: {}", String::from_utf8_lossy(&told));
    }
    // An error in the extended protocol is followed by silence until `Sync`.
    let mut socket = signed_in(&world).await;
    socket
        .write_all(b"E\x00\x00\x00\x09\x00\x00\x00\x00\x00P\x00\x00\x00\x08\x00\x00\x00\x00S\x00\x00\x00\x04")
        .await
        .unwrap();
    let mut told = Vec::new();
    while !told.ends_with(b"Z\x00\x00\x00\x05I") {
        assert!(socket.read_buf(&mut told).await.unwrap() > 0);
    }
    assert!(String::from_utf8_lossy(&told).contains("34000"));
    assert!(!told.contains(&b'1') || !told.windows(5).any(|five| five == b"1\x00\x00\x00\x04"));
    assert_eq!(world.psql("select 1").await.unwrap(), "1");
}
