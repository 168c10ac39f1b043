//! Sources behind `http://`, against a small server of our own.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use lockgate_kind::{KindError, Outside};

use crate::harness::{World, shown};

/// What is answered for a path: status line, headers, body.
type Answers = Arc<Mutex<HashMap<String, (String, String, Vec<u8>)>>>;

struct Server {
    address: String,
    answers: Answers,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let answers: Answers = Arc::default();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (known, log) = (answers.clone(), asked.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (known, log) = (known.clone(), log.clone());
                std::thread::spawn(move || answer(stream, &known, &log));
            }
        });
        Server { address, answers, asked }
    }

    fn put(&self, path: &str, status: &str, headers: &str, body: &[u8]) {
        let answer = (status.to_owned(), headers.to_owned(), body.to_vec());
        self.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

fn answer(mut stream: TcpStream, answers: &Answers, asked: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    if reader.read_line(&mut line).is_err() {
        return;
    }
    let mut header = String::new();
    while reader.read_line(&mut header).is_ok_and(|count| count > 2) {
        header.clear();
    }
    let mut words = line.split(' ');
    let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    asked.lock().unwrap().push(format!("{method} {path}"));
    let missing = ("404 Not Found".to_owned(), String::new(), Vec::new());
    let (status, mut headers, body) = answers.lock().unwrap().get(path).cloned().unwrap_or(missing);
    if !headers.contains("Content-Length") {
        headers.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    let _ = write!(stream, "HTTP/1.1 {status}\r\n{headers}Connection: close\r\n\r\n");
    if method == "GET" {
        let _ = stream.write_all(&body);
    }
    let _ = stream.flush();
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let _ = stream.read(&mut [0; 64]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_url_is_read_and_known_by_its_tag() {
    let server = Server::start();
    server.put("/a.csv", "200 OK", "ETag: \"1\"\r\n", b"x\n1\n");
    let world = World::new();
    world.source(&format!("read: {{ path: '{}/a.csv' }}\n", server.address));
    let built = world.build(None).await.unwrap();
    assert_eq!(world.rows(&built).await, ["1"]);
    let live = world.publish(None, built);
    server.asked();
    assert_eq!(world.observe(Some(&live)).await.unwrap(), Outside::Unchanged);
    assert_eq!(server.asked(), ["HEAD /a.csv"], "an equal tag costs one question");
    server.put("/a.csv", "200 OK", "ETag: \"2\"\r\n", b"x\n1\n");
    assert_eq!(world.observe(Some(&live)).await.unwrap(), Outside::Unchanged, "a new tag on the same content");
    server.put("/a.csv", "200 OK", "ETag: \"3\"\r\n", b"x\n2\n");
    assert!(matches!(world.observe(Some(&live)).await.unwrap(), Outside::Changed { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_tags_the_content_tells() {
    let server = Server::start();
    server.put("/a.csv", "200 OK", "", b"x\n1\n");
    let world = World::new();
    world.source(&format!("read: {{ path: '{}/a.csv' }}\n", server.address));
    let built = world.build(None).await.unwrap();
    let live = world.publish(None, built);
    assert_eq!(world.observe(Some(&live)).await.unwrap(), Outside::Unchanged);
    server.put("/a.csv", "200 OK", "", b"x\n2\n");
    assert!(matches!(world.observe(Some(&live)).await.unwrap(), Outside::Changed { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_are_told_by_kind_and_hide_the_query() {
    let server = Server::start();
    let world = World::new();
    // With a contract the server is asked by the build, not by the plan.
    world.source(&format!("read: {{ path: '{}/a.csv?token=secret' }}\ncolumns: {{ x: string }}\n", server.address));
    let error = world.build(None).await.unwrap_err();
    let told = shown(&error).join("\n");
    assert!(matches!(error, KindError::Permanent(_)), "{told}");
    assert!(told.contains("the server answered 404 Not Found") && !told.contains("secret"), "{told}");

    server.put("/a.csv?token=secret", "503 Service Unavailable", "", b"");
    assert!(matches!(world.build(None).await.unwrap_err(), KindError::Transient(_)));
    server.put("/a.csv?token=secret", "429 Too Many Requests", "Retry-After: 7\r\n", b"");
    let Err(KindError::Throttled { retry_after, .. }) = world.build(None).await else { panic!("not throttled") };
    assert_eq!(retry_after, Some(std::time::Duration::from_secs(7)));

    server.put("/a.csv?token=secret", "200 OK", "Content-Length: 100\r\n", b"x\n1\n");
    let error = world.build(None).await.unwrap_err();
    let told = shown(&error).join("\n");
    assert!(matches!(error, KindError::Transient(_)), "{told}");
    assert!(told.contains("the download broke off") && !told.contains("secret"), "{told}");

    server.put("/a.csv?token=secret", "200 OK", "", b"x\n1\ny\n");
    let built = world.build(None).await.unwrap();
    assert!(!built.source_state.to_string().contains("secret"));
    assert!(!world.asset().unwrap().code().to_string().contains("secret"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_there_is_tried_again() {
    let world = World::new();
    world.source("read: { path: 'http://127.0.0.1:1/a.csv' }\ncolumns: { x: string }\n");
    let error = world.build(None).await.unwrap_err();
    assert!(matches!(error, KindError::Transient(_)), "{error}");
}
