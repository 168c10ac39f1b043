//! OpenTelemetry: with an endpoint set, a run and its steps arrive at a collector; without one nothing is sent, and one that is
//! away costs a run nothing.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::session::shell;

/// A collector that takes OTLP over HTTP: each body as it came.
fn collector() -> (String, Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (told, bodies) = channel();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            while let Some(request) = read(&stream) {
                if told.send(request).is_err() {
                    return;
                }
                (&stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
            }
        }
    });
    (format!("http://{address}"), bodies)
}

/// One request's first line and body.
fn read(stream: &TcpStream) -> Option<(String, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|bytes| *bytes > 0)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((first.trim().to_owned(), body))
}

fn project(folder: &Path) {
    std::fs::create_dir_all(folder.join("assets/raw")).unwrap();
    std::fs::create_dir_all(folder.join("data")).unwrap();
    std::fs::write(folder.join("lockgate.yml"), "name: traced\n").unwrap();
    std::fs::write(
        folder.join("assets/raw/orders.yml"),
        "kind: source\nread: { path: data/*.csv }\ncolumns: { id: bigint }\nchecks: [{ unique: id }]\n",
    )
    .unwrap();
    std::fs::write(folder.join("data/orders.csv"), "id\n1\n2\n").unwrap();
}

#[test]
fn a_run_and_its_steps_arrive_at_the_collector() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path());
    let (url, bodies) = collector();
    let mut run = shell("lockgate run", folder.path());
    let output = run.env("OTEL_EXPORTER_OTLP_ENDPOINT", url).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let mut sent = Vec::new();
    while let Ok((line, body)) = bodies.recv_timeout(Duration::from_millis(200)) {
        assert_eq!(line, "POST /v1/traces HTTP/1.1");
        sent.extend(body);
    }
    // Names stand in the protobuf as they are.
    let sent = String::from_utf8_lossy(&sent);
    for word in ["lockgate", "run", "attempt", "stage", "audit", "publish", "raw.orders"] {
        assert!(sent.contains(word), "`{word}` was not sent: {sent}");
    }
}

#[test]
fn a_collector_that_is_away_costs_a_run_nothing() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path());
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut run = shell("lockgate run", folder.path());
    let output = run.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{free}")).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn an_endpoint_that_is_none_is_told_and_the_run_is_done() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path());
    let mut run = shell("lockgate run", folder.path());
    let output = run.env("OTEL_EXPORTER_OTLP_ENDPOINT", "not a url").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no traces are sent"));
}
