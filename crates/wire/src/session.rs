//! What a client says after it was let in: statements, one after the other, and what is kept between them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use lockgate_run::{QueryOptions, RunError, Workspace};
use lockgate_types::Actor;

use crate::Server;
use crate::catalogue::{self, Listing, Reads, Who};
use crate::codes;
use crate::failure::Failure;
use crate::protocol::{Message, Named, Output, Standing};
use crate::rows::{Formats, Rows};
use crate::settings::Settings;
use crate::source::Project;
use crate::statement::{Statement, Text, statements};
use crate::values::{Column, Type, literal};

/// Prepared statements, and portals, that one session may have.
const KEPT_MAX: usize = 1_000;

/// One client's session.
pub(crate) struct Session {
    server: Arc<Server>,
    who: Who,
    actor: Actor,
    pub(crate) settings: Settings,
    pub(crate) standing: Standing,
    /// What the transaction sees, from its first query on.
    view: Option<View>,
    prepared: HashMap<String, Arc<Prepared>>,
    portals: HashMap<String, Portal>,
    /// After an error in the extended protocol, until `Sync`.
    skipping: bool,
}

/// The project and the instant that queries read.
#[derive(Clone)]
struct View {
    project: Arc<dyn Project>,
    /// A reader of its own: what is live now stays readable as long as it is there.
    workspace: Arc<Workspace>,
    /// `None` is now.
    at: Option<DateTime<Utc>>,
}

struct Prepared {
    /// `None` when there is nothing in its text.
    statement: Option<Statement>,
    known: Mutex<Known>,
}

/// What is known of a prepared statement.
#[derive(Clone, Debug, Default)]
struct Known {
    /// Of its parameters; 0 is left to us.
    types: Vec<u32>,
    /// What its client was told that it yields.
    columns: Option<Vec<Column>>,
}

impl Prepared {
    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wants(&self) -> usize {
        match &self.statement {
            Some(Statement::Query(text) | Statement::Declare { query: text, .. }) => text.wants(),
            _ => 0,
        }
    }
}

struct Portal {
    prepared: Arc<Prepared>,
    literals: Vec<String>,
    formats: Formats,
    /// Of a query that has begun.
    rows: Option<Rows>,
    /// Whether it outlives its transaction.
    hold: bool,
}

/// How a statement's answer is sent.
struct Sending<'a> {
    literals: &'a [String],
    formats: &'a Formats,
    /// Whether the client has to be told the columns.
    describe: bool,
}

impl Session {
    pub(crate) fn new(server: Arc<Server>, user: String, process: i32, actor: String) -> Self {
        let who = Who { user, process, settings: Arc::default() };
        Session {
            server,
            who,
            actor: Actor(actor),
            settings: Settings::default(),
            standing: Standing::Idle,
            view: None,
            prepared: HashMap::new(),
            portals: HashMap::new(),
            skipping: false,
        }
    }

    pub(crate) fn actor(&self) -> &str {
        &self.actor.0
    }

    /// The longest that a statement may take.
    pub(crate) fn statement_time(&self) -> Duration {
        let most = self.server.limits.statement;
        self.settings.statement_timeout().map_or(most, |wish| wish.min(most))
    }

    /// Answers a message. An error is told by [`Session::failed`].
    pub(crate) async fn answer(&mut self, message: Message, output: &mut Output) -> Result<(), Failure> {
        if self.skipping && !matches!(message, Message::Sync) {
            return Ok(());
        }
        match message {
            Message::Query(text) => {
                self.simple(&text, output).await?;
                output.ready(self.standing);
                output.flush().await
            }
            Message::Parse { name, sql, types } => {
                self.parse(name, &sql, types)?;
                output.parse_complete();
                Ok(())
            }
            Message::Bind { portal, statement, formats, values, results } => {
                self.bind(portal, &statement, &Formats(formats), &values, results)?;
                output.bind_complete();
                Ok(())
            }
            Message::Describe { what: Named::Statement, name } => self.describe_statement(&name, output).await,
            Message::Describe { what: Named::Portal, name } => self.describe_portal(&name, output).await,
            Message::Execute { portal, max_rows } => {
                self.execute(portal, Some(max_rows).filter(|rows| *rows > 0), output).await
            }
            Message::Close { what, name } => {
                match what {
                    Named::Statement => drop(self.prepared.remove(&name)),
                    Named::Portal => drop(self.portals.remove(&name)),
                }
                output.close_complete();
                Ok(())
            }
            Message::Flush => output.flush().await,
            Message::Sync => {
                self.skipping = false;
                if self.standing == Standing::Idle {
                    self.end_portals();
                }
                output.ready(self.standing);
                output.flush().await
            }
            Message::Password(_) | Message::Terminate => Ok(()),
            Message::Other(kind) => {
                Err(Failure::protocol(format!("a message of kind {:?} has no place here", char::from(kind))))
            }
        }
    }

    /// Tells an error, and what follows from it.
    pub(crate) async fn failed(
        &mut self,
        failure: &Failure,
        extended: bool,
        output: &mut Output,
    ) -> Result<(), Failure> {
        if failure.sqlstate == "25006" {
            tracing::warn!(actor = self.actor.0, message = failure.message, "a statement that would write was refused");
        } else {
            tracing::debug!(
                actor = self.actor.0,
                sqlstate = failure.sqlstate,
                message = failure.message,
                "a statement failed"
            );
        }
        output.failure(failure);
        if self.standing == Standing::Open {
            self.standing = Standing::Failed;
        }
        if extended {
            self.skipping = true;
        } else if !failure.fatal {
            output.ready(self.standing);
        }
        output.flush().await
    }

    async fn simple(&mut self, text: &str, output: &mut Output) -> Result<(), Failure> {
        let statements = statements(text)?;
        if statements.is_empty() {
            output.empty_query();
        }
        for statement in statements {
            let formats = Formats::default();
            self.run(&statement, &Sending { literals: &[], formats: &formats, describe: true }, output).await?;
        }
        if self.standing == Standing::Idle {
            self.end_portals();
        }
        Ok(())
    }

    fn parse(&mut self, name: String, sql: &str, types: Vec<u32>) -> Result<(), Failure> {
        let mut statements = statements(sql)?;
        if statements.len() > 1 {
            let message = "a prepared statement is one statement";
            return Err(Failure::new("42601", &codes::NOT_HERE, message));
        }
        if self.prepared.len() >= KEPT_MAX && !self.prepared.contains_key(&name) {
            return Err(Failure::new(
                "53400",
                &codes::FULL,
                format!("a session has at most {KEPT_MAX} prepared statements"),
            ));
        }
        let known = Mutex::new(Known { types, columns: None });
        self.prepared.insert(name, Arc::new(Prepared { statement: statements.pop(), known }));
        Ok(())
    }

    fn bind(
        &mut self,
        portal: String,
        statement: &str,
        formats: &Formats,
        values: &[Option<Bytes>],
        results: Vec<i16>,
    ) -> Result<(), Failure> {
        let prepared = self.prepared(statement)?;
        let wants = prepared.wants();
        if values.len() != wants {
            let message = format!("the statement wants {wants} parameters, and has {}", values.len());
            return Err(Failure::new("08P01", &codes::PARAMETER, message));
        }
        let types = prepared.known().types.clone();
        let literals = values.iter().enumerate().map(|(index, value)| {
            let data_type = types.get(index).copied().and_then(Type::by_oid);
            literal(value.as_ref(), data_type.as_ref(), formats.is_binary(index))
        });
        let literals = literals.collect::<Result<Vec<_>, _>>()?;
        self.keep(portal, Portal { prepared, literals, formats: Formats(results), rows: None, hold: false })
    }

    fn prepared(&self, name: &str) -> Result<Arc<Prepared>, Failure> {
        self.prepared.get(name).cloned().ok_or_else(|| {
            Failure::new("26000", &codes::NO_SUCH, format!("prepared statement \"{name}\" does not exist"))
        })
    }

    fn keep(&mut self, name: String, portal: Portal) -> Result<(), Failure> {
        if self.portals.len() >= KEPT_MAX && !self.portals.contains_key(&name) {
            return Err(Failure::new("53400", &codes::FULL, format!("a session has at most {KEPT_MAX} portals")));
        }
        self.portals.insert(name, portal);
        Ok(())
    }

    /// Portals end with their transaction; where none is open, with `Sync`.
    fn end_portals(&mut self) {
        self.portals.retain(|_, portal| portal.hold);
        self.view = None;
    }

    async fn describe_statement(&mut self, name: &str, output: &mut Output) -> Result<(), Failure> {
        let prepared = self.prepared(name)?;
        let types = self.parameter_types(&prepared).await?;
        output.parameter_types(&types);
        let columns = match &prepared.statement {
            Some(Statement::Query(text)) => {
                self.not_failed()?;
                let nulls = types.iter().map(|oid| literal(None, Type::by_oid(*oid).as_ref(), false));
                let sql = text.with(&nulls.collect::<Result<Vec<_>, _>>()?)?;
                Some(self.columns(&sql).await?)
            }
            Some(other) => self.columns_of(other),
            None => None,
        };
        match &columns {
            // The format is said by `Bind`, which comes later.
            Some(columns) => output.row_description(columns, |_| false),
            None => output.no_data(),
        }
        let mut known = prepared.known();
        known.columns = columns;
        known.types = types;
        Ok(())
    }

    /// Those that the client said; the others as far as the statement tells, or text.
    async fn parameter_types(&mut self, prepared: &Prepared) -> Result<Vec<u32>, Failure> {
        let mut types = prepared.known().types.clone();
        types.resize(prepared.wants(), 0);
        if types.contains(&0)
            && let Some(Statement::Query(text) | Statement::Declare { query: text, .. }) = &prepared.statement
        {
            let listing = self.listing().await?;
            let told = catalogue::parameter_types(&text.sql, &listing).await.unwrap_or_default();
            for (index, oid) in types.iter_mut().enumerate().filter(|(_, oid)| **oid == 0) {
                let otherwise = if text.is_count(index + 1) { Type::Int8 } else { Type::Text };
                *oid = told.get(index).cloned().flatten().unwrap_or(otherwise).oid();
            }
        }
        Ok(types)
    }

    async fn describe_portal(&mut self, name: &str, output: &mut Output) -> Result<(), Failure> {
        let mut portal = self.take_portal(name)?;
        let columns = match &portal.prepared.statement {
            Some(Statement::Query(text)) => {
                if portal.rows.is_none() {
                    self.not_failed()?;
                    portal.rows = Some(self.start(text, &portal.literals).await?);
                }
                portal.rows.as_ref().map(|rows| rows.columns.as_ref().clone())
            }
            Some(other) => self.columns_of(other),
            None => None,
        };
        match &columns {
            Some(columns) => output.row_description(columns, |column| portal.formats.is_binary(column)),
            None => output.no_data(),
        }
        self.portals.insert(name.to_owned(), portal);
        Ok(())
    }

    /// Taken out while it is at work: what is interrupted is gone.
    fn take_portal(&mut self, name: &str) -> Result<Portal, Failure> {
        self.portals.remove(name).ok_or_else(|| {
            Failure::new("34000", &codes::NO_SUCH, format!("portal or cursor \"{name}\" does not exist"))
        })
    }

    /// Of statements that are no queries.
    fn columns_of(&self, statement: &Statement) -> Option<Vec<Column>> {
        match statement {
            Statement::Show(name) => Some(vec![Column { name: name.clone(), data_type: Type::Text }]),
            Statement::Fetch { cursor, moves: false, .. } => {
                self.portals.get(cursor)?.rows.as_ref().map(|rows| rows.columns.as_ref().clone())
            }
            _ => None,
        }
    }

    async fn execute(&mut self, name: String, most: Option<usize>, output: &mut Output) -> Result<(), Failure> {
        let mut portal = self.take_portal(&name)?;
        match &portal.prepared.statement {
            None => output.empty_query(),
            Some(Statement::Query(text)) => {
                self.not_failed()?;
                let mut rows = match portal.rows.take() {
                    Some(rows) => rows,
                    None => {
                        let rows = self.start(text, &portal.literals).await?;
                        still_as_told(&portal.prepared, &rows)?;
                        rows
                    }
                };
                let (sent, more) = rows.send(most, &portal.formats, output).await?;
                if more {
                    output.portal_suspended();
                } else {
                    output.complete(&format!("SELECT {sent}"));
                }
                portal.rows = Some(rows);
            }
            Some(statement) => {
                let sending = Sending { literals: &portal.literals, formats: &portal.formats, describe: false };
                self.run(statement, &sending, output).await?;
            }
        }
        output.flush_some().await?;
        // COMMIT ended all portals, and this one with them.
        self.portals.insert(name, portal);
        Ok(())
    }

    fn not_failed(&self) -> Result<(), Failure> {
        if self.standing == Standing::Failed {
            let message = "current transaction is aborted, commands ignored until end of transaction block";
            return Err(Failure::new("25P02", &codes::ABORTED, message));
        }
        Ok(())
    }

    async fn run(&mut self, statement: &Statement, sending: &Sending<'_>, output: &mut Output) -> Result<(), Failure> {
        match statement {
            Statement::Commit => {
                let tag = if self.standing == Standing::Failed { "ROLLBACK" } else { "COMMIT" };
                return self.end(tag, output);
            }
            Statement::Rollback => return self.end("ROLLBACK", output),
            // There is nothing to go back to: what failed has changed nothing.
            Statement::Nothing("ROLLBACK") if self.standing == Standing::Failed => self.standing = Standing::Open,
            _ => self.not_failed()?,
        }
        match statement {
            Statement::Query(text) => {
                let mut rows = self.start(text, sending.literals).await?;
                if sending.describe {
                    output.row_description(&rows.columns, |column| sending.formats.is_binary(column));
                }
                let (sent, _) = rows.send(None, sending.formats, output).await?;
                output.complete(&format!("SELECT {sent}"));
            }
            Statement::Show(name) => self.show(name, sending, output).await?,
            Statement::Set { name, value } => {
                if let Some((name, value)) = self.settings.set(name, value)? {
                    output.parameter(name, value);
                }
                self.who.settings = Arc::default();
                output.complete("SET");
            }
            Statement::Reset(name) => {
                self.settings.reset(name.as_deref());
                self.who.settings = Arc::default();
                output.complete("RESET");
            }
            Statement::Begin => {
                self.standing = Standing::Open;
                output.complete("BEGIN");
            }
            Statement::Nothing(tag) => output.complete(tag),
            Statement::DiscardAll => {
                self.portals.clear();
                self.prepared.clear();
                self.settings.reset(None);
                output.complete("DISCARD ALL");
            }
            Statement::Deallocate(name) => {
                match name {
                    Some(name) => drop(self.prepared.remove(name)),
                    None => self.prepared.clear(),
                }
                output.complete("DEALLOCATE");
            }
            Statement::Declare { cursor, query, hold } => {
                if self.standing == Standing::Idle && !hold {
                    let message = "a cursor lives in a transaction: begin one first";
                    return Err(Failure::new("25P01", &codes::NO_SUCH, message));
                }
                let rows = Some(self.start(query, sending.literals).await?);
                let statement = Some(Statement::Query(query.clone()));
                let prepared = Arc::new(Prepared { statement, known: Mutex::default() });
                let portal = Portal { prepared, literals: Vec::new(), formats: Formats::default(), rows, hold: *hold };
                self.keep(cursor.clone(), portal)?;
                output.complete("DECLARE CURSOR");
            }
            Statement::Fetch { cursor, rows, moves } => self.fetch(cursor, *rows, *moves, sending, output).await?,
            Statement::CloseCursor(name) => {
                match name {
                    Some(name) => drop(self.take_portal(name)?),
                    None => self.portals.clear(),
                }
                output.complete("CLOSE CURSOR");
            }
            // Answered above.
            Statement::Commit | Statement::Rollback => {}
        }
        Ok(())
    }

    fn end(&mut self, tag: &str, output: &mut Output) -> Result<(), Failure> {
        self.standing = Standing::Idle;
        self.end_portals();
        output.complete(tag);
        Ok(())
    }

    async fn show(&mut self, name: &str, sending: &Sending<'_>, output: &mut Output) -> Result<(), Failure> {
        let Some((name, value)) = self.settings.get(name) else {
            let message = format!("unrecognized configuration parameter \"{name}\"");
            return Err(Failure::new("42704", &codes::SETTING, message));
        };
        let array = Arc::new(arrow::array::StringArray::from(vec![value]));
        let batch = arrow::array::RecordBatch::try_from_iter([(name, array as arrow::array::ArrayRef)])
            .map_err(|error| Failure::new("XX000", &codes::VALUE, error.to_string()))?;
        let columns = vec![Column { name: name.to_owned(), data_type: Type::Text }];
        let mut rows = Rows::new(columns, futures::stream::iter([Ok(batch)]), None);
        if sending.describe {
            output.row_description(&rows.columns, |column| sending.formats.is_binary(column));
        }
        rows.send(None, sending.formats, output).await?;
        output.complete("SHOW");
        Ok(())
    }

    async fn fetch(
        &mut self,
        cursor: &str,
        most: Option<usize>,
        moves: bool,
        sending: &Sending<'_>,
        output: &mut Output,
    ) -> Result<(), Failure> {
        let mut portal = self.take_portal(cursor)?;
        let Some(rows) = &mut portal.rows else {
            return Err(Failure::new("34000", &codes::NO_SUCH, format!("\"{cursor}\" is no cursor")));
        };
        if moves {
            let passed = rows.skip(most).await?;
            output.complete(&format!("MOVE {passed}"));
        } else {
            if sending.describe {
                output.row_description(&rows.columns, |column| sending.formats.is_binary(column));
            }
            let (sent, _) = rows.send(most, sending.formats, output).await?;
            output.complete(&format!("FETCH {sent}"));
        }
        self.portals.insert(cursor.to_owned(), portal);
        Ok(())
    }

    /// The columns that a query yields; no row is computed.
    async fn columns(&mut self, sql: &str) -> Result<Vec<Column>, Failure> {
        let text = catalogue::without_rows(sql).unwrap_or_else(|| sql.to_owned());
        let rows = self.query(&text).await;
        // Its places are in a text that nobody wrote.
        let rows = match rows {
            Err(_) if text != sql => self.query(sql).await?,
            rows => rows?,
        };
        Ok(rows.columns.as_ref().clone())
    }

    async fn start(&mut self, text: &Text, literals: &[String]) -> Result<Rows, Failure> {
        let sql = text.with(literals)?;
        self.query(&sql).await
    }

    #[tracing::instrument(name = "statement", skip_all, fields(otel.kind = "server"))]
    async fn query(&mut self, sql: &str) -> Result<Rows, Failure> {
        match catalogue::reads(sql) {
            Reads::Both => {
                Err(Failure::unsupported("Postgres' catalogue and published tables are not read in one query"))
            }
            Reads::Catalogue(query) => {
                let listing = self.listing().await?;
                let answer = catalogue::answer(*query, &listing, &self.who()).await?;
                let columns = answer.schema.fields().iter().map(|field| Column::of(field)).collect();
                Ok(Rows::new(columns, answer.batches(), None))
            }
            Reads::Data => {
                let view = self.view().await.map_err(|error| Failure::of_run(&error, sql))?;
                let begun = async {
                    let options = QueryOptions { at: view.at };
                    view.workspace.prepare_query(view.project.graph(), sql, options).await?.start().await
                };
                let query = begun.await.map_err(|error| Failure::of_run(&error, sql))?;
                let mut columns: Vec<Column> = query.schema.fields().iter().map(|field| Column::of(field)).collect();
                catalogue::name_as_postgres(sql, &mut columns);
                Ok(Rows::new(columns, query.stream.map_err(Failure::of_engine), Some(view.workspace)))
            }
        }
    }

    fn who(&mut self) -> Who {
        if self.who.settings.is_empty() {
            let all = self.settings.all().map(|(name, value)| (name.to_owned(), value.to_owned()));
            self.who.settings = Arc::new(all.collect());
        }
        self.who.clone()
    }

    async fn listing(&mut self) -> Result<Arc<Listing>, Failure> {
        let listing = async {
            let project = self.server.source.project().await?;
            self.server.listings.now(&project, &*self.server.source.catalog()).await
        };
        listing.await.map_err(|error| Failure::of_run(&error, ""))
    }

    /// What a query sees: what is live now; in a transaction what was live at its first query.
    async fn view(&mut self) -> Result<View, RunError> {
        if let Some(view) = &self.view {
            return Ok(view.clone());
        }
        let project = self.server.source.project().await?;
        let workspace = Arc::new(project.workspace().acting(self.actor.clone()).await?);
        let at = (self.standing == Standing::Open).then(|| workspace.effects.clock.now());
        let view = View { project, workspace, at };
        if self.standing == Standing::Open {
            self.view = Some(view.clone());
        }
        Ok(view)
    }
}

/// A client that was told other columns could not read these.
fn still_as_told(prepared: &Prepared, rows: &Rows) -> Result<(), Failure> {
    let known = prepared.known();
    let types = |columns: &[Column]| columns.iter().map(|column| column.data_type.oid()).collect::<Vec<_>>();
    match &known.columns {
        Some(told) if types(told) != types(&rows.columns) => {
            Err(Failure::unsupported("cached plan must not change result type").hint("prepare the statement again"))
        }
        _ => Ok(()),
    }
}
