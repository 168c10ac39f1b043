//! A project in a temporary folder with one source, and what building it gives, as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use chrono::{TimeZone, Utc};
use lockgate_engine::{Engine, EngineOptions, Session, SessionOptions};
use lockgate_kind::{Asset, BuildContext, Built, KindError, ObserveContext, Outside, Progress};
use lockgate_lake::Lake;
use lockgate_project::Project;
use lockgate_types::{
    Actor, AssetName, Diagnostic, Diagnostics, Effects, Fingerprint, RejectedRows, Schema, Version, VersionNumber,
    VersionState,
};
use tokio_util::sync::CancellationToken;

pub(crate) struct World {
    folder: tempfile::TempDir,
    lake: Arc<Lake>,
    session: Session,
    pub(crate) threads: usize,
}

impl World {
    pub(crate) fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("assets/raw")).unwrap();
        std::fs::create_dir_all(folder.path().join("data")).unwrap();
        std::fs::write(folder.path().join("lockgate.yml"), "name: t\n").unwrap();
        let lake = Arc::new(Lake::open(&folder.path().join("store"), "default", Effects::real()).unwrap());
        let options = EngineOptions { memory_bytes: 256 << 20, threads: 2, spill_dir: folder.path().join("spill") };
        let engine = Engine::new(options, lake.clone()).unwrap();
        let run_at = Utc.with_ymd_and_hms(2013, 1, 1, 0, 0, 0).unwrap();
        let session = engine.session(SessionOptions { vars: BTreeMap::new(), functions: Vec::new(), run_at }).unwrap();
        World { folder, lake, session, threads: 2 }
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.root().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(crate) fn source(&self, settings: &str) {
        self.write("assets/raw/t.yml", format!("kind: source\n{settings}"));
    }

    fn project(&self) -> Result<Project, Diagnostics> {
        match lockgate_project::load(self.root(), None, &|_| None) {
            (Some(project), diagnostics) if !diagnostics.has_errors() => Ok(project),
            (_, diagnostics) => Err(diagnostics),
        }
    }

    pub(crate) fn asset(&self) -> Result<Arc<dyn Asset>, Diagnostics> {
        let project = self.project()?;
        let file = project.assets.get(&name()).unwrap();
        lockgate_connect::kind().read(file, &project)
    }

    pub(crate) async fn observe(&self, live: Option<&Version>) -> Result<Outside, KindError> {
        let as_of = chrono::DateTime::<Utc>::now_for_tests();
        self.asset()?.observe(ObserveContext { live, as_of }).await
    }

    pub(crate) async fn build(&self, live: Option<&Version>) -> Result<Built, KindError> {
        self.build_with(live, false, CancellationToken::new()).await
    }

    pub(crate) async fn build_with(
        &self,
        live: Option<&Version>,
        full_refresh: bool,
        cancel: CancellationToken,
    ) -> Result<Built, KindError> {
        let project = self.project()?;
        let file = project.assets.get(&name()).unwrap().clone();
        let asset = lockgate_connect::kind().read(&file, &project)?;
        let planned = asset.plan(&self.session, live).await?;
        let number = VersionNumber(live.map_or(1, |live| live.number.0 + 1));
        asset
            .build(BuildContext {
                session: self.session.clone(),
                table: self.lake.table(&name()),
                rejects: self.lake.table(&name().rejects()),
                number,
                file,
                schema: planned.schema,
                live: live.cloned(),
                inputs: std::collections::BTreeMap::new(),
                anew: full_refresh,
                confirmed: false,
                range: None,
                as_of: chrono::DateTime::<Utc>::now_for_tests(),
                threads: self.threads,
                progress: Progress::default(),
                cancel,
                effects: Effects::real(),
            })
            .await
    }

    /// The version that a build would be once it is published.
    pub(crate) fn publish(&self, live: Option<&Version>, built: Built) -> Version {
        version(VersionNumber(live.map_or(1, |live| live.number.0 + 1)), built)
    }

    /// Rows of a version's files as text, sorted: parallel reading keeps no order.
    pub(crate) async fn rows(&self, built: &Built) -> Vec<String> {
        self.text_of(&name(), &built.files, &built.schema).await
    }

    pub(crate) async fn rejects(&self, rejects: Option<&RejectedRows>) -> Vec<String> {
        match rejects {
            None => Vec::new(),
            Some(rejects) => self.text_of(&name().rejects(), &rejects.files, &rejects.schema).await,
        }
    }

    async fn text_of(&self, table: &AssetName, files: &[lockgate_types::DataFile], schema: &Schema) -> Vec<String> {
        let batches = self.lake.table(table).read(files, schema, &[], None).await.unwrap();
        let mut rows = Vec::new();
        for batch in batches {
            let options = arrow::util::display::FormatOptions::default().with_null("∅");
            let columns: Vec<_> = batch
                .columns()
                .iter()
                .map(|column| arrow::util::display::ArrayFormatter::try_new(column, &options).unwrap())
                .collect();
            for row in 0..batch.num_rows() {
                let cells: Vec<String> = columns
                    .iter()
                    .map(|column| column.value(row).to_string().replace('\n', "\\n").replace('\r', "\\r"))
                    .collect();
                rows.push(cells.join(" | "));
            }
        }
        rows.sort();
        rows
    }

    /// A build as text: schema, rows, rejects; or what went wrong.
    pub(crate) async fn told(&self, live: Option<&Version>) -> String {
        let mut text = String::new();
        match self.build(live).await {
            Ok(built) => {
                let columns: Vec<String> =
                    built.schema.columns.iter().map(|column| format!("{} {}", column.name, column.data_type)).collect();
                writeln!(text, "schema: {}", columns.join(", ")).unwrap();
                for row in self.rows(&built).await {
                    writeln!(text, "row: {row}").unwrap();
                }
                for reject in self.rejects(built.rejects.as_ref()).await {
                    writeln!(text, "reject: {reject}").unwrap();
                }
                if let Some(rejects) = &built.rejects {
                    let over = self.asset().unwrap().reject_limit().unwrap().exceeded_by(rejects.rows, built.rows_read);
                    let word = if over { "over" } else { "within" };
                    writeln!(text, "{} of {} rows rejected, {word} the limit", rejects.rows, built.rows_read).unwrap();
                }
            }
            Err(error) => {
                for line in shown(&error) {
                    writeln!(text, "{}", line.replace(&*self.root().to_string_lossy(), "ROOT")).unwrap();
                }
            }
        }
        text
    }
}

/// Diagnostics with place, expectation and hint.
pub(crate) fn shown(error: &KindError) -> Vec<String> {
    let one = |word: &str, diagnostic: &Diagnostic| {
        let mut line = format!("{word}: {diagnostic}");
        if let Some(expected) = &diagnostic.expected {
            write!(line, "\n  expected: {expected}").unwrap();
        }
        if let Some(hint) = &diagnostic.hint {
            write!(line, "\n  hint: {hint}").unwrap();
        }
        line
    };
    match error {
        KindError::Permanent(diagnostics) => diagnostics.0.iter().map(|d| one("error", d)).collect(),
        KindError::Transient(diagnostic) => vec![one("transient", diagnostic)],
        KindError::Throttled { diagnostic, retry_after } => {
            vec![one(&format!("throttled for {retry_after:?}"), diagnostic)]
        }
        KindError::Interrupted => vec!["interrupted".to_owned()],
        KindError::Lake(error) => vec![one("lake", &error.diagnostic())],
        KindError::Engine(error) => vec![error.to_string()],
    }
}

pub(crate) fn name() -> AssetName {
    AssetName::new("raw", "t").unwrap()
}

trait ForTests {
    fn now_for_tests() -> Self;
}

impl ForTests for chrono::DateTime<Utc> {
    fn now_for_tests() -> Self {
        Effects::real().clock.now()
    }
}

fn version(number: VersionNumber, built: Built) -> Version {
    let now = chrono::DateTime::<Utc>::now_for_tests();
    Version {
        asset: name(),
        number,
        state: VersionState::Published,
        run: None,
        actor: Actor("test".to_owned()),
        fingerprint: Fingerprint::of(["a"]),
        checks_fingerprint: Fingerprint::of(["b"]),
        inputs: BTreeMap::new(),
        schema: built.schema,
        partition_by: Vec::new(),
        files: built.files,
        rows: built.rows,
        size_bytes: built.size_bytes,
        rejects: built.rejects,
        source_state: built.source_state,
        profile: None,
        checks: Vec::new(),
        base_delta_version: None,
        base: None,
        delta_version: Some(0),
        staged_at: now,
        published_at: Some(now),
        as_of: now,
        why: None,
        restores: None,
        build_ms: 0,
        audit_ms: 0,
        candidate_key: String::new(),
    }
}
