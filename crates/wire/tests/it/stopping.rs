//! How work ends: cancelled, too long, without its client, with the server.

use std::time::Duration;

use lockgate_wire::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::{World, until};

/// Takes for ever, and shows it to nobody.
const ENDLESS: &str = "select count(*) from generate_series(1, 1000000000000) a where a.value % 7 = 3";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_is_cancelled() {
    let world = World::new().await;
    assert_eq!(world.python("cancelling.py").await, "all is well");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_has_its_time() {
    let world = World::with(None, Limits { statement: Duration::from_secs(2), ..Limits::default() }).await;
    let error = world.psql(&format!("set statement_timeout = 200; {ENDLESS}")).await.unwrap_err();
    assert!(error.contains("57014") && error.contains("statement timeout"), "{error}");
    // The server's own limit holds whatever is wished.
    let error = world.psql(&format!("set statement_timeout = '1h'; {ENDLESS}")).await.unwrap_err();
    assert!(error.contains("57014") && error.contains("LG1105"), "{error}");
}

/// Threads' time of this process in clock ticks.
fn worked() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// Whether this process does nothing much for a while.
async fn rests() -> bool {
    let before = worked();
    tokio::time::sleep(Duration::from_millis(300)).await;
    worked() - before < 10
}

fn startup() -> Vec<u8> {
    let body = b"\x00\x03\x00\x00user\x00x\x00\x00";
    let mut message = u32::try_from(body.len() + 4).unwrap().to_be_bytes().to_vec();
    message.extend(body);
    message
}

pub(crate) fn query(sql: &str) -> Vec<u8> {
    let mut message = vec![b'Q'];
    message.extend(u32::try_from(sql.len() + 5).unwrap().to_be_bytes());
    message.extend(sql.as_bytes());
    message.push(0);
    message
}

pub(crate) async fn signed_in(world: &World) -> TcpStream {
    let mut socket = TcpStream::connect(world.address).await.unwrap();
    socket.write_all(&startup()).await.unwrap();
    let mut told = Vec::new();
    while !told.ends_with(b"Z\x00\x00\x00\x05I") {
        assert!(socket.read_buf(&mut told).await.unwrap() > 0, "{}", String::from_utf8_lossy(&told));
    }
    socket
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_ends_when_its_client_goes() {
    let world = World::new().await;
    let mut socket = signed_in(&world).await;
    socket.write_all(&query(ENDLESS)).await.unwrap();
    until("the query is at work", async || !rests().await).await;
    drop(socket);
    until("the query ends", rests).await;
    assert_eq!(world.psql("select 1").await.unwrap(), "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_says_so() {
    let world = World::new().await;
    let mut idle = signed_in(&world).await;
    let mut busy = signed_in(&world).await;
    busy.write_all(&query(ENDLESS)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    world.stop.cancel();
    for socket in [&mut idle, &mut busy] {
        let mut told = Vec::new();
        socket.read_to_end(&mut told).await.unwrap();
        let told = String::from_utf8_lossy(&told);
        assert!(told.contains("57P01") && told.contains("FATAL"), "{told}");
    }
    world.serving.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_says_nothing_is_sent_away() {
    let limits = Limits { idle_in_transaction: Duration::from_millis(300), ..Limits::default() };
    let world = World::with(None, limits).await;
    let mut socket = signed_in(&world).await;
    socket.write_all(&query("begin")).await.unwrap();
    let mut told = Vec::new();
    socket.read_to_end(&mut told).await.unwrap();
    assert!(String::from_utf8_lossy(&told).contains("25P03"));
}
