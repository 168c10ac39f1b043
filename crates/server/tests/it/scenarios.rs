//! Scenarios of the API: files under `tests/cases/api`, each a conversation with a server over the usual project. `UPDATE=1`
//! rewrites what is answered.
//!
//! ```text
//! # prose
//! ! run                       runs what is stale, and says how it ended
//! ! write data/orders.csv     the lines behind it, up to an empty one, become the file
//! > GET /assets?search=mart   a request; lines that begin with `> ` and a name and `:` are headers, others are the body
//! 200                         what is answered: status, headers that were asked for by `>? NAME`, body
//! ```

use std::fmt::Write as _;
use std::path::Path;

use regex::Regex;
use reqwest::Method;
use serde_json::Value as Json;

use crate::server::{ORDERS, Server};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn scenarios() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/api");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    let mut differ = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let played = play(&text).await;
        if played != text {
            if std::env::var_os("UPDATE").is_some() {
                std::fs::write(&file, &played).unwrap();
            } else {
                differ.push(format!("{}\n{}", file.display(), first_difference(&text, &played)));
            }
        }
    }
    assert!(differ.is_empty(), "{}\nUPDATE=1 rewrites them", differ.join("\n"));
}

fn first_difference(expected: &str, came: &str) -> String {
    let lines = expected.lines().zip(came.lines());
    let same = lines.take_while(|(a, b)| a == b).count();
    let show = |text: &str| text.lines().skip(same.saturating_sub(3)).take(12).collect::<Vec<_>>().join("\n");
    format!("line {}\n--- expected\n{}\n--- came\n{}", same + 1, show(expected), show(came))
}

/// Plays a scenario, and answers it as it went.
async fn play(text: &str) -> String {
    let sign_in = text.lines().any(|line| line == "! sign-in");
    let server = Server::start(ORDERS, sign_in).await;
    let mask = Mask::new();
    let mut played = String::new();
    let mut lines = text.lines().peekable();
    let mut kept: Vec<(String, String)> = Vec::new();
    while let Some(line) = lines.next() {
        if let Some(command) = line.strip_prefix("! ") {
            let _ = writeln!(played, "{line}");
            match command.split_once(' ').unwrap_or((command, "")) {
                ("run", _) => {
                    let ended = server.run().await;
                    let _ = writeln!(played, "{}", ended["state"].as_str().unwrap());
                    while lines.peek().is_some_and(|line| !line.is_empty()) {
                        lines.next();
                    }
                }
                ("write", path) => {
                    let mut content = String::new();
                    while let Some(line) = lines.next_if(|line| !line.is_empty()) {
                        let _ = writeln!(played, "{line}");
                        let _ = writeln!(content, "{line}");
                    }
                    server.write(path, &content);
                }
                _ => {}
            }
        } else if line.starts_with("> ") {
            let mut asked = vec![line];
            while let Some(line) = lines.next_if(|line| line.starts_with('>')) {
                asked.push(line);
            }
            while lines.peek().is_some_and(|line| !line.is_empty()) {
                lines.next();
            }
            let _ = writeln!(played, "{}", asked.join("\n"));
            played.push_str(&ask(&server, &asked, &mask, &mut kept).await);
        } else {
            let _ = writeln!(played, "{line}");
        }
    }
    played
}

async fn ask(server: &Server, asked: &[&str], mask: &Mask, kept: &mut Vec<(String, String)>) -> String {
    let fill =
        |text: &str| kept.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${name}"), value));
    let (method, path) = asked[0][2..].split_once(' ').unwrap();
    let path = if path.starts_with("//") { path[1..].to_owned() } else { format!("/api/v1{path}") };
    let mut request = server.request(Method::from_bytes(method.as_bytes()).unwrap(), &fill(&path));
    let (mut wanted, mut body, mut keep) = (Vec::new(), String::new(), Vec::new());
    for line in &asked[1..] {
        if let Some(name) = line.strip_prefix(">? ") {
            wanted.push(name.to_owned());
        } else if let Some(pair) = line.strip_prefix(">= ") {
            keep.extend(pair.split_once(' '));
        } else if let Some((name, value)) =
            line[2..].split_once(": ").filter(|(name, _)| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
        {
            request = request.header(name, fill(value));
        } else {
            body.push_str(&line[2..]);
            body.push('\n');
        }
    }
    if !body.is_empty() {
        request = request.header("content-type", "application/json").body(fill(&body));
    }
    let response = request.send().await.unwrap();
    let mut said = format!("{}\n", response.status().as_u16());
    for name in wanted {
        let value = response.headers().get(&name).map_or("", |value| value.to_str().unwrap());
        let _ = writeln!(said, "{name}: {}", mask.of(value));
    }
    let text = response.text().await.unwrap();
    match serde_json::from_str::<Json>(&text) {
        Ok(json) => {
            for (name, pointer) in keep {
                let value = json.pointer(pointer).unwrap_or_else(|| panic!("{pointer}: {json}"));
                kept.push((name.to_owned(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
            }
            let _ = writeln!(said, "{}", mask.of(&serde_json::to_string_pretty(&json).unwrap()));
        }
        Err(_) if text.is_empty() => {}
        Err(_) => {
            let _ = writeln!(said, "{}", mask.of(text.trim_end()));
        }
    }
    said
}

/// Takes out what differs each time.
struct Mask(Vec<(Regex, &'static str)>);

impl Mask {
    fn new() -> Mask {
        let rule = |pattern: &str, with| (Regex::new(pattern).unwrap(), with);
        Mask(vec![
            rule(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", "<time>"),
            rule(r"lgt_[0-9a-f]{64}", "<secret>"),
            rule(r"\b[0-9a-f]{64}\b", "<hash>"),
            rule(r"\b[0-9a-f]{32}\b", "<hash>"),
            rule(r"\b0[0-9a-z]{15}\b", "<id>"),
            rule(r#"("id": )"[0-9a-f]{12}""#, r#"$1"<token>""#),
            rule(r#"("(?:\w+_ms|size_bytes)": )\d+"#, "${1}0"),
            rule(r#"W/"[-0-9]+""#, "W/\"<tag>\""),
            rule(r#"("sequence": )\d+"#, "${1}0"),
        ])
    }

    fn of(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (pattern, with)| pattern.replace_all(&text, *with).into_owned())
    }
}
