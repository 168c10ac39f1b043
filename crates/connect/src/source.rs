//! A source as an asset: what it plans, observes and builds.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use lockgate_engine::Session;
use lockgate_kind::{Asset, BuildContext, Built, Input, KindError, ObserveContext, Outside, OutsideChanges, Planned};
use lockgate_lake::Layout;
use lockgate_project::{AssetFile, Load};
use lockgate_types::{
    AssetName, Column, Diagnostic, Diagnostics, FaultKind, Fingerprint, RejectedRows, Schema, Threshold, Version,
};
use tokio::runtime::Handle;

use crate::codes;
use crate::columns::Expected;
use crate::error::ConnectError;
use crate::http::{self, Fetched};
use crate::input::{LocalFile, Stamp};
use crate::inventory::{Known, SourceState, blocking, compare, key_of_read};
use crate::locate::{Found, Where, find};
use crate::settings::{Evolve, Settings};
use crate::stage::{Staged, Staging, stage};
use crate::survey::survey;
use crate::work::cores;

/// A source and its settings.
#[derive(Debug)]
pub(crate) struct SourceAsset {
    name: AssetName,
    root: PathBuf,
    file: Arc<AssetFile>,
    settings: Arc<Settings>,
    code: serde_json::Value,
    /// The schema inferred from files of these stamps, so that planning twice reads once.
    inferred: Mutex<Option<Inferred>>,
}

/// The stamps of the files that a schema was inferred from, and the schema.
type Inferred = (Vec<(String, Stamp)>, Schema);

/// Files on this machine; fetched ones are removed when this is dropped.
struct Files {
    local: Vec<LocalFile>,
    identities: Vec<Option<String>>,
    _fetched: Vec<Fetched>,
}

impl From<ConnectError> for KindError {
    fn from(error: ConnectError) -> KindError {
        let kind = error.fault_kind();
        match error {
            ConnectError::Interrupted => KindError::Interrupted,
            ConnectError::Stage(error) => KindError::Lake(error),
            other => match kind {
                FaultKind::Permanent => KindError::Permanent(other.diagnostics()),
                FaultKind::Transient => KindError::Transient(other.diagnostic()),
                FaultKind::Throttled { retry_after } => {
                    KindError::Throttled { diagnostic: other.diagnostic(), retry_after }
                }
            },
        }
    }
}

impl SourceAsset {
    pub(crate) fn new(file: Arc<AssetFile>, root: PathBuf, settings: Settings) -> Self {
        SourceAsset {
            name: file.name.clone(),
            root,
            code: serde_json::json!({ "read": settings.code(), "evolve": settings.evolve.as_str() }),
            file,
            settings: Arc::new(settings),
            inferred: Mutex::default(),
        }
    }

    /// A hash of the settings that decide how files are read; with other ones a frozen schema means nothing.
    fn read_hash(&self) -> String {
        Fingerprint::of([self.settings.code().to_string().as_str()]).short().to_owned()
    }

    async fn find(&self) -> Result<Vec<Found>, ConnectError> {
        let (root, paths) = (self.root.clone(), self.settings.paths.clone());
        blocking(move || find(&root, &paths)).await
    }

    async fn fetch(&self, found: Vec<Found>) -> Result<Files, ConnectError> {
        let mut files = Files { local: Vec::new(), identities: Vec::new(), _fetched: Vec::new() };
        for Found { name, place } in found {
            match place {
                Where::Local(path) => {
                    files.local.push(LocalFile { name, path });
                    files.identities.push(None);
                }
                Where::Url(url) => {
                    let fetched = http::fetch(&name, &url).await?;
                    files.local.push(fetched.file.clone());
                    files.identities.push(fetched.identity.clone());
                    files._fetched.push(fetched);
                }
            }
        }
        Ok(files)
    }

    /// The columns to expect: the contract's, then what the live version has beyond it.
    fn expected(&self, frozen: Option<&Schema>) -> Expected {
        let settings = &self.settings;
        let mut columns = settings.contract.clone();
        let closed = settings.evolve == Evolve::Freeze && !settings.contract.is_empty();
        let beyond = frozen.filter(|_| !closed).into_iter().flat_map(|schema| &schema.columns);
        for column in beyond {
            if columns.iter().all(|known| known.name.to_lowercase() != column.name.to_lowercase()) {
                columns.push(Column { required: false, ..column.clone() });
            }
        }
        Expected { columns, contract: settings.contract.len(), evolve: settings.evolve }
    }

    /// The live version's schema, when its files were read as they would be now.
    fn frozen<'a>(&self, live: Option<&'a Version>) -> Option<&'a Schema> {
        let live = live?;
        let state = SourceState::of(Some(live))?;
        let same = state.read == self.read_hash();
        (same || matches!(self.file.load, Load::Append { .. })).then_some(&live.schema)
    }

    async fn infer(&self) -> Result<Schema, ConnectError> {
        let found = self.find().await?;
        let stamps: Vec<(String, Stamp)> = found
            .iter()
            .filter_map(|file| match &file.place {
                Where::Local(path) => Some((file.name.clone(), Stamp::at(path).ok()?)),
                Where::Url(_) => None,
            })
            .collect();
        let cacheable = stamps.len() == found.len();
        if cacheable
            && let Some((seen, schema)) = &*self.inferred.lock().unwrap_or_else(PoisonError::into_inner)
            && *seen == stamps
        {
            return Ok(schema.clone());
        }
        let files = self.fetch(found).await?;
        let (settings, expected) = (self.settings.clone(), self.expected(None));
        let schema = blocking(move || Ok(survey(&settings, &expected, &files.local, cores())?.schema)).await?;
        if cacheable {
            *self.inferred.lock().unwrap_or_else(PoisonError::into_inner) = Some((stamps, schema.clone()));
        }
        Ok(schema)
    }

    /// A file that was read before and is another one now, or gone, can be neither read again nor left out.
    fn read_before(&self, changed: &[String], gone: &[String]) -> Result<(), KindError> {
        let told = |name: &String, what: &str| {
            Diagnostic::error(&codes::READ_BEFORE, format!("{name} {what} after it was read"))
                .at(lockgate_types::Place::file(std::path::Path::new(name)))
                .hint(format!("bring it back as it was, or start over: lockgate run {} --full-refresh", self.name))
        };
        let problems: Vec<Diagnostic> = changed
            .iter()
            .map(|name| told(name, "changed"))
            .chain(gone.iter().map(|name| told(name, "vanished")))
            .collect();
        if problems.is_empty() { Ok(()) } else { Err(KindError::Permanent(Diagnostics(problems))) }
    }
}

#[async_trait]
impl Asset for SourceAsset {
    fn inputs(&self) -> &[Input] {
        &[]
    }

    fn outside_changes(&self, before: &serde_json::Value, after: &serde_json::Value) -> Option<OutsideChanges> {
        Some(SourceState::read_from(before)?.changes_to(&SourceState::read_from(after)?))
    }

    fn code(&self) -> serde_json::Value {
        self.code.clone()
    }

    fn reject_limit(&self) -> Option<Threshold> {
        Some(self.settings.rejects.unwrap_or(Threshold::Rows(0)))
    }

    async fn plan(&self, _session: &Session, live: Option<&Version>) -> Result<Planned, Diagnostics> {
        let frozen = self.frozen(live);
        let schema = if self.settings.contract.is_empty() && frozen.is_none() {
            self.infer().await.map_err(|error| error.diagnostics())?
        } else {
            Schema { columns: self.expected(frozen).columns }
        };
        Ok(Planned { schema, ..Planned::default() })
    }

    async fn observe(&self, cx: ObserveContext<'_>) -> Result<Outside, KindError> {
        let found = self.find().await;
        let state = SourceState::of(cx.live);
        let found = match (found, &state) {
            (Ok(found), _) => found,
            // Everything that was appended before is gone: the build says so by name.
            (Err(_), Some(state)) if matches!(self.file.load, Load::Append { .. }) && !state.files.is_empty() => {
                Vec::new()
            }
            (Err(error), _) => return Err(error.into()),
        };
        let count = found.len();
        let first = state.is_none();
        let compared = compare(found, state).await?;
        if !first && compared.is_same() {
            return Ok(Outside::Unchanged);
        }
        let why = match (first, count) {
            (true, 1) => "1 file".to_owned(),
            (true, count) => format!("{count} files"),
            (false, _) => compared.why(),
        };
        Ok(Outside::Changed { why, key: compared.key })
    }

    async fn build(&self, cx: BuildContext) -> Result<Built, KindError> {
        let read_at = cx.effects.clock.now();
        let before = SourceState::of(cx.live.as_ref());
        let appended = match (&cx.live, before.clone().filter(|_| !cx.anew)) {
            (Some(live), Some(state)) if matches!(self.file.load, Load::Append { .. }) => Some((live.clone(), state)),
            _ => None,
        };
        let found = match (self.find().await, &appended) {
            (Ok(found), _) => found,
            (Err(_), Some((_, state))) if !state.files.is_empty() => Vec::new(),
            (Err(error), _) => return Err(error.into()),
        };
        let to_read = match &appended {
            None => found,
            Some((_, state)) => {
                let compared = compare(found, Some(state.clone())).await?;
                self.read_before(&compared.changed, &compared.gone)?;
                compared.new
            }
        };
        cx.go_on()?;
        let files = self.fetch(to_read).await?;
        // A refresh without a contract looks at the types anew.
        // What is appended goes by the columns of what it is appended to, which another run may have widened since this
        // one was planned.
        let frozen = match &appended {
            Some((live, _)) => Some(&live.schema),
            None => (!cx.anew).then_some(&cx.schema),
        };
        let staging = Staging {
            table: cx.table.clone(),
            rejects: cx.rejects.clone(),
            number: cx.number,
            layout: Layout { partition_by: cx.file.partition_by.clone(), ..Layout::default() },
            cluster_by: cx.file.cluster_by.clone(),
            threads: cx.threads.max(1),
            progress: cx.progress.clone(),
            cancel: cx.cancel.clone(),
            runtime: Handle::current(),
        };
        let (settings, expected) = (self.settings.clone(), self.expected(frozen));
        let nothing_new = files.local.is_empty() && appended.is_some();
        let (local, threads) = (files.local.clone(), staging.threads);
        let (schema, staged) = if nothing_new {
            (Schema { columns: expected.columns }, None)
        } else {
            blocking(move || {
                let survey = survey(&settings, &expected, &local, threads)?;
                let staged = stage(&staging, &settings, &survey)?;
                Ok((survey.schema, Some(staged)))
            })
            .await?
        };
        cx.go_on()?;
        Ok(self.built(schema, staged, appended, before.as_ref(), &files, read_at))
    }
}

impl SourceAsset {
    fn built(
        &self,
        schema: Schema,
        staged: Option<Staged>,
        appended: Option<(Version, SourceState)>,
        before: Option<&SourceState>,
        read: &Files,
        read_at: DateTime<Utc>,
    ) -> Built {
        let (mut files, mut rejects, mut known) =
            appended.map_or_else(Default::default, |(live, state)| (live.files, live.rejects, state.files));
        let (mut rows_rejected, mut rows_read) = (0, 0);
        if let Some(staged) = staged {
            files.extend(staged.files.files);
            rows_read = staged.rows_read;
            if let Some(more) = staged.rejects {
                rows_rejected = more.rows;
                rejects = Some(match rejects {
                    Some(earlier) => RejectedRows::and(earlier, more),
                    None => more,
                });
            }
            for ((file, identity), source) in read.local.iter().zip(&read.identities).zip(staged.sources) {
                known.push(Known {
                    name: file.name.clone(),
                    stamp: source.whole.stamp,
                    hash: source.whole.hash,
                    rows: source.rows,
                    rejected: source.rejected,
                    read_at_ns: read_at.timestamp_nanos_opt().unwrap_or(0),
                    identity: identity.clone(),
                });
            }
        }
        known.sort_by(|a, b| a.name.cmp(&b.name));
        let outside_key = key_of_read(&known, before);
        let state = SourceState { format: 1, read: self.read_hash(), files: known };
        Built {
            rows: files.iter().map(|file| file.rows).sum(),
            size_bytes: files.iter().map(|file| file.size_bytes).sum(),
            files,
            schema,
            rejects,
            rows_rejected,
            rows_read,
            source_state: serde_json::to_value(state).unwrap_or_default(),
            outside_key,
        }
    }
}
