//! A server that breaks off, that asks to slow down, and that never comes back.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::session::shell;

/// Answers the first GETs with these statuses, and then the file. What is asked by HEAD is always well.
fn serve(answers: &'static [&'static str]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/orders.csv", listener.local_addr().unwrap());
    let gets = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&gets);
    // It ends with the process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let request = lines.next().unwrap().unwrap();
            while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
            let body = "id,amount\n1,10\n";
            let well = format!("200 OK\r\nETag: \"v1\"\r\nContent-Length: {}\r\n", body.len());
            let (head, body) = if request.starts_with("HEAD") {
                (well, "")
            } else {
                match answers.get(counted.fetch_add(1, Ordering::SeqCst)) {
                    Some(answer) => (format!("{answer}\r\nContent-Length: 0\r\n"), ""),
                    None => (well, body),
                }
            };
            let _ = stream.write_all(format!("HTTP/1.1 {head}Connection: close\r\n\r\n{body}").as_bytes());
        }
    });
    (address, gets)
}

fn project(folder: &Path, url: &str, retries: u32) {
    let asset = format!(
        "kind: source\nretries: {retries}\nread: {{ path: \"{url}\" }}\ncolumns: {{ id: bigint, amount: bigint }}\n"
    );
    for (path, text) in [("lockgate.yml", "name: far\n"), ("assets/raw/orders.yml", &asset)] {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

#[test]
fn a_server_that_stumbles_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let (url, gets) = serve(&["503 Service Unavailable", "500 Internal Server Error"]);
    project(folder.path(), &url, 3);
    let output = shell("lockgate run", folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(gets.load(Ordering::SeqCst), 3);
    for (answer, attempt) in [("503 Service Unavailable", 2), ("500 Internal Server Error", 3)] {
        let (head, tail) = (
            format!("raw.orders failed ({url}: the server answered {answer}), again in "),
            format!(", attempt {attempt} of 4"),
        );
        assert!(said.lines().any(|line| line.contains(&head) && line.ends_with(&tail)), "{head}…{tail}: {said}");
    }
}

#[test]
fn a_server_that_asks_to_wait_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let (url, _) = serve(&["429 Too Many Requests\r\nRetry-After: 1"]);
    project(folder.path(), &url, 1);
    let output = shell("lockgate run --json", folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let events: Vec<Value> =
        String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let retrying = events.iter().find(|event| event["event"] == "retrying").unwrap();
    assert_eq!((&retrying["kind"], &retrying["attempt"]), (&"throttled".into(), &2.into()));
    assert!(retrying["wait_ms"].as_u64().unwrap() >= 1_000, "{retrying}");
}

#[test]
fn a_server_that_asks_for_an_hour_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (url, gets) = serve(&["429 Too Many Requests\r\nRetry-After: 3600", "404 Not Found"]);
    project(folder.path(), &url, 3);
    for expected in ["429 Too Many Requests", "404 Not Found"] {
        let output = shell("lockgate run", folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(expected) && !said.contains("again in"), "{said}");
    }
    assert_eq!(gets.load(Ordering::SeqCst), 2);
    // And then it is taken up where it was left.
    let output = shell("lockgate run --retry", folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("taking up run ") && said.contains(": 1 of 1 asset"), "{said}");
}

/// Planning may wait for a server that asks for ten minutes; Ctrl-C does not wait with it.
#[test]
fn ctrl_c_ends_a_wait_before_the_run_has_begun() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    project(folder.path(), &format!("http://{}/orders.csv", listener.local_addr().unwrap()), 3);
    let run = shell("exec lockgate run", folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    stream.write_all(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 600\r\nContent-Length: 0\r\n\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(500));
    assert!(Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap().success());
    // Had it waited, nextest would have ended this test.
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
}
