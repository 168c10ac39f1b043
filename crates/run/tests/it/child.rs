//! Parts played by other processes: this test binary, started again with a part to play in a project.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use futures::TryStreamExt;
use lockgate_run::QueryOptions;

use crate::world::World;

const PART: &str = "LOCKGATE_RUN_PART";
const ROOT: &str = "LOCKGATE_RUN_ROOT";

/// How many times the reader reads.
pub(crate) const READS: usize = 12;

/// A process that plays `part` in the project at `root`, with faults as in production.
pub(crate) fn start(part: &str, root: &Path, faults: &str) -> Child {
    command(part, root).env("LOCKGATE_FAULTS", faults).stderr(Stdio::null()).spawn().unwrap()
}

/// The same with these variables. What goes wrong in it is shown.
pub(crate) fn start_with(part: &str, root: &Path, variables: &[(&str, &str)]) -> Child {
    command(part, root).envs(variables.iter().copied()).spawn().unwrap()
}

fn command(part: &str, root: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "child::plays_its_part", "--ignored", "--nocapture"])
        .env(PART, part)
        .env(ROOT, root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// What a child says next after `said: `; `None` when it ended.
pub(crate) fn next(lines: &mut std::io::Lines<BufReader<ChildStdout>>) -> Option<String> {
    lines.map_while(Result::ok).find_map(|line| line.split_once("said: ").map(|(_, said)| said.to_owned()))
}

pub(crate) fn lines(child: &mut Child) -> std::io::Lines<BufReader<ChildStdout>> {
    BufReader::new(child.stdout.take().unwrap()).lines()
}

#[test]
#[ignore = "started by other tests as a process of its own"]
fn plays_its_part() {
    let Ok(part) = std::env::var(PART) else { return };
    let world = World::at(Path::new(&std::env::var(ROOT).unwrap()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        match part.as_str() {
            "run" => println!("said: {:?}", world.run().await.state),
            "read" => read(&world).await,
            #[cfg(unix)]
            "grow" => crate::kills::grow(&world).await,
            #[cfg(unix)]
            "calm" => crate::kills::calm(&world).await,
            #[cfg(unix)]
            "obey" => crate::freezes::obey(&world).await,
            other => panic!("{other}"),
        }
    });
}

/// Pins an old version many times over, then reads it whenever it is told to, whatever became of it meanwhile.
async fn read(world: &World) {
    let (workspace, graph) = world.opened().await;
    let sql = "select sum(amount) as total from version('raw.orders', 1)";
    let mut queries = Vec::new();
    for _ in 0..READS {
        queries.push(workspace.query(&graph, sql, QueryOptions::default()).await.unwrap());
    }
    println!("said: pinned");
    for query in queries {
        std::io::stdin().read_line(&mut String::new()).unwrap();
        let batches: Vec<_> = query.stream.try_collect().await.unwrap();
        println!("said: {}", lockgate_run::samples(&batches).rows[0][0].clone().unwrap());
    }
    drop(workspace);
    println!("said: done");
}
