//! What is published, as the catalogue tells it: kept for as long as nothing is published anew.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use datafusion::catalog::{CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider};
use datafusion::datasource::MemTable;
use lockgate_catalog::Catalog;
use lockgate_run::RunError;
use lockgate_types::{AssetName, Column, Schema, VersionNumber};

use super::{INFORMATION_SCHEMA, PG_CATALOG, tables};
use crate::source::Project;

/// Numbers below are PostgreSQL's own.
const FIRST_OID: u32 = 16_384;
/// The schema that every tool expects; nothing is in it.
pub(super) const PUBLIC: &str = "public";

/// A published table, or an inline asset.
#[derive(Clone, Debug)]
pub(super) struct Relation {
    pub(super) oid: u32,
    pub(super) schema: String,
    pub(super) name: String,
    pub(super) is_view: bool,
    pub(super) description: Option<String>,
    pub(super) columns: Vec<Column>,
    pub(super) rows: u64,
}

/// Everything that is published, at one moment.
#[derive(Debug)]
pub(crate) struct Listing {
    /// Weak, because a project that was loaded anew should not be kept, nor the files that it reads.
    project: Weak<dyn Project>,
    live: BTreeMap<AssetName, VersionNumber>,
    /// By schema and name.
    pub(super) relations: Vec<Relation>,
    /// Names and numbers, `public` among them.
    pub(super) schemas: Vec<(String, u32)>,
    /// As the project is called.
    pub(super) database: String,
    provider: Arc<dyn CatalogProvider>,
}

impl Listing {
    fn is_of(&self, project: &Arc<dyn Project>) -> bool {
        self.project.upgrade().is_some_and(|known| Arc::ptr_eq(&known, project))
    }

    pub(super) fn provider(&self) -> Arc<dyn CatalogProvider> {
        self.provider.clone()
    }

    pub(super) fn by_oid(&self, oid: i64) -> Option<&Relation> {
        self.relations.iter().find(|relation| i64::from(relation.oid) == oid)
    }

    pub(super) fn by_name(&self, schema: Option<&str>, name: &str) -> Option<&Relation> {
        self.relations.iter().find(|known| known.name == name && schema.is_none_or(|schema| schema == known.schema))
    }
}

/// The newest listing, and the columns of versions that were looked at.
#[derive(Debug, Default)]
pub(crate) struct Listings {
    newest: Mutex<Option<Arc<Listing>>>,
    columns: Mutex<HashMap<(AssetName, VersionNumber), Known>>,
}

/// The columns of a version and of its rejects; versions never change.
#[derive(Clone, Debug)]
struct Known {
    columns: Arc<Schema>,
    rejects: Option<Arc<Schema>>,
}

impl Listings {
    /// What is published now.
    pub(crate) async fn now(
        &self,
        project: &Arc<dyn Project>,
        catalog: &dyn Catalog,
    ) -> Result<Arc<Listing>, RunError> {
        let environment = project.workspace().project.environment.clone();
        let heads = catalog.live_heads(&environment).await?;
        let live: BTreeMap<_, _> = heads.iter().map(|(name, head)| (name.clone(), head.number)).collect();
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(newest) = newest.filter(|newest| newest.live == live && newest.is_of(project)) {
            return Ok(newest);
        }
        let mut relations = Vec::new();
        let mut add = |name: &AssetName, is_view: bool, description: Option<String>, schema: &Schema, rows: u64| {
            relations.push(Relation {
                oid: 0,
                schema: name.schema().to_owned(),
                name: name.table().to_owned(),
                is_view,
                description,
                columns: schema.columns.clone(),
                rows,
            });
        };
        for (name, node) in project.graph().nodes() {
            let description = node.file.description.clone();
            if node.is_inline() {
                add(name, true, description, &node.schema, 0);
                continue;
            }
            let Some(head) = heads.get(name) else { continue };
            let Some(known) = self.known(&environment, name, head.number, catalog).await? else { continue };
            add(name, false, description, &known.columns, head.rows);
            if let Some(rejects) = known.rejects {
                let description = format!("rows that the live version of {name} rejected");
                add(&name.rejects(), false, Some(description), &rejects, 0);
            }
        }
        relations.sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
        let listing = Arc::new(listing(project, live, relations)?);
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&listing));
        Ok(listing)
    }

    async fn known(
        &self,
        environment: &str,
        name: &AssetName,
        number: VersionNumber,
        catalog: &dyn Catalog,
    ) -> Result<Option<Known>, RunError> {
        let key = (name.clone(), number);
        if let Some(known) = self.columns.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Some(known.clone()));
        }
        let Some(version) = catalog.version(environment, name, number).await? else { return Ok(None) };
        let known = Known {
            columns: Arc::new(version.schema.clone()),
            rejects: version.rejects.as_ref().map(|rejects| Arc::new(rejects.schema.clone())),
        };
        let mut columns = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
        // Older versions of it are asked for no more.
        columns.retain(|(known, _), _| known != name);
        columns.insert(key, known.clone());
        Ok(Some(known))
    }
}

fn listing(
    project: &Arc<dyn Project>,
    live: BTreeMap<AssetName, VersionNumber>,
    mut relations: Vec<Relation>,
) -> Result<Listing, RunError> {
    let mut taken = HashSet::new();
    for relation in &mut relations {
        relation.oid = number(&format!("{}.{}", relation.schema, relation.name), &mut taken);
    }
    let mut schemas: Vec<(String, u32)> = vec![(PUBLIC.to_owned(), 2_200)];
    for relation in &relations {
        if schemas.last().is_none_or(|(name, _)| *name != relation.schema) {
            schemas.push((relation.schema.clone(), number(&relation.schema, &mut taken)));
        }
    }
    let database = project.workspace().project.name.clone();
    let catalogue = MemoryCatalogProvider::new();
    let fail = |error: datafusion::error::DataFusionError| {
        RunError::Engine(lockgate_engine::EngineError::Execution(error.to_string()))
    };
    let described = tables::all(&relations, &schemas, &database);
    for schema in [PG_CATALOG, INFORMATION_SCHEMA] {
        let provider = MemorySchemaProvider::new();
        for (_, name, batch) in described.iter().filter(|(of, ..)| *of == schema) {
            let table = MemTable::try_new(batch.schema(), vec![vec![batch.clone()]]).map_err(fail)?;
            provider.register_table((*name).to_owned(), Arc::new(table)).map_err(fail)?;
        }
        catalogue.register_schema(schema, Arc::new(provider)).map_err(fail)?;
    }
    // Published tables by their columns alone, so that the types of parameters can be told.
    for (schema, _) in &schemas {
        let provider = MemorySchemaProvider::new();
        for relation in relations.iter().filter(|relation| relation.schema == *schema) {
            let columns = Schema { columns: relation.columns.clone() };
            let table = MemTable::try_new(columns.to_arrow(), vec![vec![]]).map_err(fail)?;
            provider.register_table(relation.name.clone(), Arc::new(table)).map_err(fail)?;
        }
        catalogue.register_schema(schema, Arc::new(provider)).map_err(fail)?;
    }
    let provider: Arc<dyn CatalogProvider> = Arc::new(catalogue);
    Ok(Listing { project: Arc::downgrade(project), live, relations, schemas, database, provider })
}

/// The same for the same name, whatever else there is, as long as two names do not meet; then the next one that is free.
fn number(name: &str, taken: &mut HashSet<u32>) -> u32 {
    // FNV-1a.
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let mut oid = FIRST_OID + hash % 2_000_000_000;
    while !taken.insert(oid) {
        oid += 1;
    }
    oid
}
