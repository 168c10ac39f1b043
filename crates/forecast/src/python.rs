//! A user's own model in Python, in the same backtest as the others: a process of its own for each thread, spoken to in lines of JSON.
//!
//! The file defines `forecast(values, horizon, seasons)`: a list of numbers, oldest first, steps to forecast, lengths of the seasons in
//! steps; it answers a list of `horizon` numbers. What it raises, prints or takes too long for concerns its own say about that series
//! alone; after some that took too long it is asked no more. With a PEP 723 header and `uv` on the path it runs with the packages it
//! names, else with `python3` as it is.
//!
//! Cost: one call for each origin of the backtest and one for the forecast, of each series.

use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lockgate_series::{Fit, Input, Model, Parameters, Part, Tier, Unfit};
use lockgate_types::{Diagnostic, Place};
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use crate::codes::BAD_PYTHON;

const RUNNER: &str = include_str!("runner.py");
/// How long it may think about one forecast.
const PATIENCE: Duration = Duration::from_secs(60);
/// Forecasts that may take too long before it is asked no more: each costs [`PATIENCE`].
const LATE_MAX: u64 = 3;
/// After so long a wait it is seen whether the work has been cancelled.
const TURN: Duration = Duration::from_millis(50);
/// How long it may take to be ready: `uv` may have to bring packages.
const START: Duration = Duration::from_secs(300);

/// A model of a file.
pub(crate) struct PythonModel {
    /// The file's stem: `mine` of `models/mine.py`.
    name: &'static str,
    file: PathBuf,
    /// Processes that wait for work.
    idle: Mutex<Vec<Worker>>,
    /// What became of its answers.
    failed: Mutex<Failed>,
    /// How long it may think about one forecast.
    patience: Duration,
    cancel: CancellationToken,
}

/// Forecasts without an answer.
#[derive(Debug, Default)]
struct Failed {
    times: u64,
    /// Of them, how often it took too long.
    late: u64,
    /// What it said the first time.
    first: Option<String>,
}

/// Why there is no answer.
enum Silence {
    Said(String),
    Late,
}

impl fmt::Debug for PythonModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PythonModel").field("file", &self.file).finish_non_exhaustive()
    }
}

impl PythonModel {
    /// Starts it once, so that a file that cannot be loaded is told before anything is forecast.
    ///
    /// # Errors
    /// LG1208 when it does not start: no interpreter, an error while it is loaded, no function `forecast`.
    pub(crate) fn start(file: &Path, cancel: &CancellationToken) -> Result<Arc<PythonModel>, Diagnostic> {
        PythonModel::patient(file, PATIENCE, cancel)
    }

    fn patient(file: &Path, patience: Duration, cancel: &CancellationToken) -> Result<Arc<PythonModel>, Diagnostic> {
        let model = PythonModel {
            name: name_of(file),
            file: file.to_owned(),
            idle: Mutex::default(),
            failed: Mutex::default(),
            patience,
            cancel: cancel.clone(),
        };
        let worker = Worker::start(file, cancel).map_err(|silence| {
            let why = match silence {
                Silence::Said(why) => why,
                Silence::Late => format!("it took longer than {} s", START.as_secs()),
            };
            Diagnostic::error(&BAD_PYTHON, format!("the model does not start: {why}")).at(Place::file(file))
        })?;
        model.put_back(worker);
        Ok(Arc::new(model))
    }

    /// Where it did not answer for some forecasts: how often, and why the first time.
    pub(crate) fn warning(&self) -> Option<Diagnostic> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let what = lockgate_types::number::counted(failed.times, "forecast", "forecasts");
        let given_up = match failed.late >= LATE_MAX {
            true => format!("; it took too long {} times and was asked no more", failed.late),
            false => String::new(),
        };
        let message = format!("the model had no answer for {what}; first: {}{given_up}", failed.first.as_ref()?);
        Some(Diagnostic::warning(&BAD_PYTHON, message).at(Place::file(&self.file)))
    }

    fn put_back(&self, worker: Worker) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
    }

    fn ask(&self, input: &Input<'_>) -> Result<Vec<f64>, Silence> {
        if self.cancel.is_cancelled() {
            return Err(Silence::Said("it was interrupted".to_owned()));
        }
        if self.failed.lock().unwrap_or_else(PoisonError::into_inner).late >= LATE_MAX {
            return Err(Silence::Said("it is asked no more".to_owned()));
        }
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut worker = match idle {
            Some(worker) => worker,
            None => Worker::start(&self.file, &self.cancel)?,
        };
        // A process that did not answer is not asked again.
        let answer = worker.ask(input, self.patience, &self.cancel)?;
        self.put_back(worker);
        match (answer.get("forecast").and_then(Json::as_array), answer.get("error").and_then(Json::as_str)) {
            (Some(said), _) => {
                let said: Vec<f64> = said.iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect();
                match said.len() == input.horizon && said.iter().all(|value| value.is_finite()) {
                    true => Ok(said),
                    false => {
                        let why = format!("it answered {} numbers of which some may not be finite", said.len());
                        Err(Silence::Said(why))
                    }
                }
            }
            (None, error) => Err(Silence::Said(error.unwrap_or("its answer is no forecast").to_owned())),
        }
    }
}

impl Model for PythonModel {
    fn name(&self) -> &'static str {
        self.name
    }

    fn tier(&self) -> Tier {
        Tier::Usual
    }

    fn fit(&self, input: &Input<'_>) -> Result<Fit, Unfit> {
        let forecast = self.ask(input).map_err(|why| {
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            failed.times += 1;
            failed.late += u64::from(matches!(why, Silence::Late));
            failed.first.get_or_insert_with(|| match why {
                Silence::Said(why) => why,
                Silence::Late => format!("it took longer than {:?}", self.patience),
            });
            Unfit::Unsuited { model: self.name, why: "it gave no answer" }
        })?;
        // It does not say what it would have said in the past: its errors are those of the backtest alone.
        let parts = vec![Part { name: self.name.to_owned(), values: forecast.clone() }];
        Ok(Fit { forecast, fitted: input.values.to_vec(), parts, parameters: Parameters::default() })
    }
}

/// What a model of this file is called. Names live as long as the process, as those of the library do; there are as many as files.
pub(crate) fn name_of(file: &Path) -> &'static str {
    static NAMES: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(name) = names.iter().find(|name| **name == stem) {
        return name;
    }
    let name: &'static str = Box::leak(stem.into_boxed_str());
    names.push(name);
    name
}

/// One process.
struct Worker {
    child: Child,
    stdin: ChildStdin,
    answers: Receiver<String>,
    /// The end of what it wrote to stderr.
    said: Arc<Mutex<String>>,
    /// Holds the script, with the file's own header where it has one, and nothing that could be imported; gone with the worker.
    _folder: tempfile::TempDir,
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.end();
    }
}

impl Worker {
    /// Ends its process, and those that it has begun: `uv` begins the interpreter.
    fn end(&mut self) {
        // Of one that is gone the number may be another's by now.
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        #[cfg(unix)]
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn start(file: &Path, cancel: &CancellationToken) -> Result<Worker, Silence> {
        let of_system = |error: std::io::Error| Silence::Said(error.to_string());
        let text = std::fs::read_to_string(file).map_err(of_system)?;
        let header = pep_723(&text);
        let folder = tempfile::tempdir().map_err(of_system)?;
        let script = folder.path().join("lockgate_runner.py");
        std::fs::write(&script, format!("{header}{RUNNER}")).map_err(of_system)?;
        let mut command = match header.is_empty() {
            true => Command::new("python3"),
            false => {
                let mut command = Command::new("uv");
                command.args(["run", "--quiet", "--script"]);
                command
            }
        };
        let file = std::path::absolute(file).map_err(of_system)?;
        command.arg(&script).arg(&file).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Of secrets and settings in the environment a model sees nothing but what `uv` needs to bring its packages.
        let is_kept = |name: &str| BASICS.contains(&name) || (!header.is_empty() && is_of_packages(name));
        let kept: Vec<_> = std::env::vars_os().filter(|(name, _)| is_kept(&name.to_string_lossy())).collect();
        command.env_clear().envs(kept).env("PYTHONDONTWRITEBYTECODE", "1");
        // A group of its own, so that all of it can be ended; Ctrl-C in the terminal is the build's to handle.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command.spawn().map_err(|error| Silence::Said(format!("{program}: {error}")))?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Silence::Said("its process has no pipes".to_owned()));
        };
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let said = Arc::new(Mutex::new(String::new()));
        let into = Arc::clone(&said);
        std::thread::spawn(move || {
            let (mut stderr, mut line) = (BufReader::new(stderr), Vec::new());
            while stderr.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                let text = String::from_utf8_lossy(&line);
                let text = text.trim();
                // What to try is not what went wrong.
                if !text.is_empty() && !text.starts_with("hint:") {
                    text.clone_into(&mut into.lock().unwrap_or_else(PoisonError::into_inner));
                }
                line.clear();
            }
        });
        let mut worker = Worker { child, stdin, answers, said, _folder: folder };
        worker.answer(START, cancel)?;
        Ok(worker)
    }

    fn ask(&mut self, input: &Input<'_>, patience: Duration, cancel: &CancellationToken) -> Result<Json, Silence> {
        let line = json!({ "values": input.values, "horizon": input.horizon, "seasons": input.seasons }).to_string();
        // A broken pipe is told by what follows.
        let _ = writeln!(self.stdin, "{line}").and_then(|()| self.stdin.flush());
        self.answer(patience, cancel)
    }

    fn answer(&mut self, patience: Duration, cancel: &CancellationToken) -> Result<Json, Silence> {
        let mut left = patience;
        let answer = loop {
            let turn = left.min(TURN);
            match self.answers.recv_timeout(turn) {
                Err(RecvTimeoutError::Timeout) if cancel.is_cancelled() => {
                    return Err(Silence::Said("it was interrupted".to_owned()));
                }
                Err(RecvTimeoutError::Timeout) if left > turn => left -= turn,
                answer => break answer,
            }
        };
        match answer {
            Ok(line) => {
                serde_json::from_str(&line).map_err(|error| Silence::Said(format!("its answer is no JSON: {error}")))
            }
            Err(RecvTimeoutError::Timeout) => Err(Silence::Late),
            Err(RecvTimeoutError::Disconnected) => {
                // It may live on with its pipe closed, waiting for what nobody will ask.
                self.end();
                // The other thread may still be reading what it said last.
                std::thread::sleep(Duration::from_millis(50));
                let said = self.said.lock().unwrap_or_else(PoisonError::into_inner).clone();
                Err(Silence::Said(if said.is_empty() { "its process ended".to_owned() } else { said }))
            }
        }
    }
}

/// What any program needs.
const BASICS: [&str; 5] = ["PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV"];

/// Where packages come from, and through what.
fn is_of_packages(name: &str) -> bool {
    let proxies = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];
    let of_uv = name.starts_with("UV_") && !name.starts_with("UV_PUBLISH_") && name != "UV_ENV_FILE";
    of_uv
        || ["SSL_CERT_FILE", "SSL_CERT_DIR"].contains(&name)
        || proxies.iter().any(|proxy| proxy.eq_ignore_ascii_case(name))
}

/// The lines of a PEP 723 header; nothing without one.
fn pep_723(text: &str) -> String {
    let mut lines = text.lines().skip_while(|line| line.trim_end() != "# /// script");
    let mut header = String::new();
    if let Some(first) = lines.next() {
        header = format!("{first}\n");
        for line in lines {
            if !line.starts_with('#') {
                return String::new();
            }
            header.push_str(line);
            header.push('\n');
            if line.trim_end() == "# ///" {
                return header;
            }
        }
        return String::new();
    }
    header
}

#[cfg(test)]
mod tests;
