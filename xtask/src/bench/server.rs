//! The server: how long answers take with 5,000 assets and 500,000 versions, how many it gives, what it is at rest, and
//! how fast rows stream.

mod http;

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::report::{Fact, Facts};
use super::unchanged::transforms;
use super::{Bench, folder_with, must, report};
use crate::measure::{measure, median};
use crate::tool::Lockgate;

const LAYERS: usize = 50;
const OF_A_LAYER: usize = 100;
/// Versions of each asset.
const VERSIONS: usize = 100;
/// Rows that are streamed.
const ROWS: usize = 1_000_000;

/// Gives every asset a history: copies of its one version, all but the last superseded.
const HISTORY: &str = r#"
import sqlite3, sys
path, versions = sys.argv[1], int(sys.argv[2])
db = sqlite3.connect(path)
db.execute("pragma synchronous = off")
db.execute("update versions set state = 'superseded', ended_at = published_at + 1 where state = 'published'")
columns = lambda table: [row[1] for row in db.execute(f"pragma table_info({table})")]
numbers = f"(with recursive n(k) as (select 2 union all select k + 1 from n where k < {versions}) select k from n)"
for table, number in [("versions", "number"), ("documents", "number"), ("checks", "version"), ("profiles", "version")]:
    names = columns(table)
    def value(name):
        if name == number: return "k"
        if table == "versions" and name == "state": return f"case when k = {versions} then 'published' else 'superseded' end"
        if table == "versions" and name == "ended_at": return f"case when k = {versions} then null else published_at + k * 60000000 end"
        if table == "versions" and name == "published_at": return "published_at + k * 60000000"
        if table == "versions" and name == "publication": return "null"
        if table == "documents" and name == "document": return "json_set(document, '$.number', k)"
        return name
    db.execute(f"insert into {table} ({', '.join(names)}) select {', '.join(map(value, names))} from {table}, {numbers} where {number} = 1")
db.execute(f"update assets set last_number = {versions}")
db.commit()
db.execute("analyze")
db.commit()
print(db.execute("select count(*) from versions").fetchone()[0])
"#;

/// A server, which ends with this.
struct Serving {
    child: Child,
    address: SocketAddr,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Serving {
    /// On a free port; `core` pins it to one.
    fn start(binary: &Path, project: &Path, core: Option<u32>) -> Result<Serving> {
        let mut command = match core {
            Some(core) => {
                let mut command = Command::new("taskset");
                command.args(["-c", &core.to_string()]).arg(binary);
                command
            }
            None => Command::new(binary),
        };
        let words = ["serve", "--bind", "127.0.0.1:0", "--rate", "1000000", "--json"];
        command.args(words).current_dir(project).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().context("the server does not start")?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no stdout")?).read_line(&mut line)?;
        let told: Value = serde_json::from_str(&line).context("the server does not say its address")?;
        let address = told["address"].as_str().context("no address")?.parse()?;
        Ok(Serving { child, address })
    }

    fn status(&self, key: &str) -> Result<u64> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix(key)).with_context(|| format!("no {key}"))?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? << 10)
    }

    /// CPU time since it began, in ticks of 10 ms.
    fn ticks(&self) -> Result<u64> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields: Vec<&str> = text.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        Ok(fields[11].parse::<u64>()? + fields[12].parse::<u64>()?)
    }
}

pub(super) fn run(bench: &Bench<'_>) -> Result<()> {
    let (binary, version) = bench.lockgate()?;
    let (catalog, names, versions) = big_catalog(bench, binary)?;
    let mut facts = Vec::new();
    let mut fact = |what: &str, measured: String, reach: &str| {
        println!("{what}: {measured}");
        facts.push(Fact { what: what.to_owned(), measured, reach: reach.to_owned() });
    };
    {
        let server = Serving::start(binary, &catalog, None)?;
        let mut client = http::Client::connect(server.address)?;
        let begun = Instant::now();
        client.get("/api/v1/assets?limit=1")?;
        let first = begun.elapsed().as_secs_f64() * 1_000.0;
        let details: Vec<String> = names.iter().step_by(7).map(|name| format!("/api/v1/assets/{name}")).collect();
        let lists: Vec<String> = [
            "/api/v1/assets?limit=100",
            "/api/v1/assets?search=t42&limit=100",
            "/api/v1/assets?sort=published_at&descending=true&limit=100",
            "/api/v1/assets?state=stale,held&limit=100",
            "/api/v1/assets?schema=layer7&limit=100",
        ]
        .map(str::to_owned)
        .to_vec();
        let histories: Vec<String> = details.iter().map(|path| format!("{path}/versions?limit=50")).collect();
        let mixed: Vec<String> = details
            .iter()
            .zip(&histories)
            .enumerate()
            .flat_map(|(index, (detail, history))| {
                [lists[index % lists.len()].clone(), detail.clone(), history.clone()]
            })
            .collect();
        // What a run would build is looked at once in the background first.
        std::thread::sleep(Duration::from_secs(20));
        for (what, paths) in [
            ("asset lists", &lists),
            ("asset details", &details),
            ("histories", &histories),
            ("all three mixed", &mixed),
        ] {
            let took = http::paced(server.address, paths, 50, 20)?;
            let (half, high) = (http::quantile(&took, 0.5), http::quantile(&took, 0.99));
            let reach = if what == "histories" { "" } else { "p99 under 50 ms" };
            fact(&format!("{what}, 50 requests/s"), format!("median {half:.1} ms, p99 {high:.1} ms"), reach);
        }
        fact("first list after the start", format!("{first:.0} ms"), "");
        fact("resident memory with 5,000 assets", mebibytes(server.status("VmRSS:")?), "");
    }
    {
        let server = Serving::start(binary, &catalog, Some(0))?;
        let details: Vec<String> = names.iter().map(|name| format!("/api/v1/assets/{name}")).collect();
        http::paced(server.address, &details, 50, 3)?;
        std::thread::sleep(Duration::from_secs(15));
        let rate = http::flat_out(server.address, &details, 10)?;
        fact("most asset details a second, server on one core", format!("{rate:.0} requests/s"), "write down");
    }
    let small = small_project(bench, binary)?;
    {
        let server = Serving::start(binary, &small, None)?;
        http::Client::connect(server.address)?.get("/api/v1/overview")?;
        std::thread::sleep(Duration::from_secs(10));
        let before = server.ticks()?;
        std::thread::sleep(Duration::from_secs(60));
        let busy = (server.ticks()? - before) * 10;
        fact("resident memory at rest", mebibytes(server.status("VmRSS:")?), "under 100 MB");
        fact("CPU time of a minute at rest", format!("{busy} ms"), "no busy polling");
    }
    {
        let server = Serving::start(binary, &small, None)?;
        let url = format!("http://{}/", server.address);
        let script = bench.root.join("web/scripts/paint.mjs");
        let output = Command::new("node").arg(&script).arg(&url).output().context("node does not start")?;
        if !output.status.success() {
            bail!("the page was not painted: {}", String::from_utf8_lossy(&output.stderr));
        }
        let painted: f64 = String::from_utf8_lossy(&output.stdout).trim().parse().context("no time")?;
        fact("first contentful paint of Overview, cold", format!("{painted:.0} ms"), "under 1 s");
    }
    stream(bench, binary, &small, &mut fact)?;
    Facts {
        name: "server",
        title: "The server".to_owned(),
        about: format!(
            "{} assets with {versions} versions in the catalog; a request is timed from when it was to be sent to its last byte. \
             At rest: a project of one table, nobody listens. Rows: {ROWS} rows of six columns; the engine's own speed is that of \
             `lockgate query --format arrow`, less the time of a query for one row. Paint: headless Chromium, a new profile each \
             time, median of 5.",
            names.len()
        ),
        version: version.to_owned(),
        facts,
    }
    .save(bench.root)
    .and_then(|()| report::say("server", bench.root))
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

/// 5,000 assets with a history each, made once: the folder, the assets' names, and how many versions there are.
fn big_catalog(bench: &Bench<'_>, binary: &Path) -> Result<(std::path::PathBuf, Vec<String>, String)> {
    let folder = bench.work.join("run-server");
    let done = folder.join("versions.txt");
    let name = |layer: usize, number: usize| format!("layer{layer}.t{number:02}");
    let names: Vec<String> =
        (0..LAYERS).flat_map(|layer| (0..OF_A_LAYER).map(move |number| name(layer, number))).collect();
    if let Ok(versions) = std::fs::read_to_string(&done) {
        return Ok((folder, names, versions));
    }
    let mut files = vec![
        ("lockgate.yml".to_owned(), "name: large\nengine: { memory: 1GB, threads: 2 }\n".to_owned()),
        ("data/seed.csv".to_owned(), "id,amount\n1,10\n2,20\n".to_owned()),
        (
            "assets/raw/seed.yml".to_owned(),
            "kind: source\nread: { path: data/seed.csv }\ncolumns: { id: bigint, amount: bigint }\n".to_owned(),
        ),
    ];
    let head = "/*\ndescription: One of many.\nowner: team\ntags: [many]\nchecks:\n  - unique: id\n  - not_null: [id, amount]\n*/\n";
    for (layer, number, sql) in transforms(LAYERS, OF_A_LAYER, name, "raw.seed") {
        files.push((format!("assets/layer{layer}/t{number:02}.sql"), format!("{head}{sql}")));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let folder = folder_with(&folder, &files)?;
    println!("building {} assets once", LAYERS * OF_A_LAYER);
    Lockgate::new(binary, &folder).json(&["run", "--json"], &[0])?;
    println!("giving each {VERSIONS} versions");
    let output = Command::new("python3")
        .args(["-c", HISTORY])
        .arg(folder.join(".lockgate/catalog.db"))
        .arg(VERSIONS.to_string())
        .output()
        .context("python3 does not start")?;
    if !output.status.success() {
        bail!("the history was not made: {}", String::from_utf8_lossy(&output.stderr));
    }
    let versions = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    std::fs::write(&done, &versions)?;
    Ok((folder, names, versions))
}

/// One table of a million rows.
fn small_project(bench: &Bench<'_>, binary: &Path) -> Result<std::path::PathBuf> {
    let mut rows = String::from("id,customer,price,amount,day,note\n");
    for id in 0..ROWS {
        let note = ["ordered", "packed", "sent", "returned by the customer"][id % 4];
        let (customer, cents, amount, day) = (id * 7_919 % 50_021, id * 31 % 100_000, id % 97, 1 + id % 28);
        writeln!(rows, "{id},{customer},{}.{:02},{amount},2026-01-{day:02},{note}", cents / 100, cents % 100)?;
    }
    let folder = folder_with(
        &bench.work.join("run-stream"),
        &[
            ("lockgate.yml", "name: stream\nengine: { memory: 1GB, threads: 2 }\n"),
            ("data/orders.csv", &rows),
            (
                "assets/raw/orders.yml",
                "kind: source\nread: { path: data/orders.csv }\ncolumns: { id: bigint, customer: bigint, price: double, amount: int, day: date, note: string }\n",
            ),
        ],
    )?;
    must(Command::new(binary).args(["run"]).current_dir(&folder).stdout(Stdio::null()).stderr(Stdio::null()))?;
    Ok(folder)
}

fn stream(bench: &Bench<'_>, binary: &Path, project: &Path, fact: &mut impl FnMut(&str, String, &str)) -> Result<()> {
    const ROUNDS: usize = 11;
    let log = bench.work.join("stream.log");
    // What a query costs into `sink`, less that of one row: the engine's own work.
    let own = |sink: &str| -> Result<f64> {
        let of = |sql: &str| -> Result<f64> {
            let line = format!("\"$0\" query \"{sql}\" --format arrow {sink}");
            let binary = binary.to_string_lossy();
            let words = ["-c", &line, &binary];
            measure(Path::new("sh"), &words, project, &log)?;
            let costs =
                (0..ROUNDS).map(|_| measure(Path::new("sh"), &words, project, &log)).collect::<Result<Vec<_>>>()?;
            Ok(median(&costs).context("no round")?.wall_s)
        };
        Ok(of("select * from raw.orders")? - of("select * from raw.orders limit 1")?)
    };
    let (piped, dropped) = (own("| cat > /dev/null")?, own("> /dev/null")?);
    let server = Serving::start(binary, project, None)?;
    let mut client = http::Client::connect(server.address)?;
    // Another name each time: equal queries on equal versions are answered from what is kept.
    let body = |round: usize| format!(r#"{{"sql": "select * from raw.orders as r{round}", "format": "arrow"}}"#);
    client.post("/api/v1/query", &body(ROUNDS))?;
    let rest = server.status("VmRSS:")?;
    let mut bytes = 0;
    let mut seconds = |round: &dyn Fn(usize) -> usize| -> Result<f64> {
        let mut took = Vec::new();
        for number in 0..ROUNDS {
            let body = body(round(number));
            let started = Instant::now();
            bytes = client.post("/api/v1/query", &body)?;
            took.push(started.elapsed().as_secs_f64());
        }
        took.sort_by(f64::total_cmp);
        Ok(took[ROUNDS / 2])
    };
    let streamed = seconds(&|number| number)?;
    let again = seconds(&|_| 0)?;
    let speed = |seconds: f64| format!("{:.1} M rows/s", ROWS as f64 / seconds / 1e6);
    fact("1 M rows from the engine to another process, through a pipe", speed(piped), "");
    fact("1 M rows from the engine to nobody (/dev/null)", speed(dropped), "");
    fact(
        "1 M rows as Arrow from /query",
        format!(
            "{}, {} MB, {:.2} of the engine's own to another process, {:.2} of that to nobody",
            speed(streamed),
            bytes / 1_000_000,
            piped / streamed,
            dropped / streamed
        ),
        "at least 0.7",
    );
    fact("the same query again", speed(again), "");
    let grew = server.status("VmHWM:")?.saturating_sub(rest);
    fact(
        "peak memory while it streams",
        format!("{}, {} above", mebibytes(server.status("VmHWM:")?), mebibytes(grew)),
        "bounded",
    );
    Ok(())
}
