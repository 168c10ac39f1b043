//! What GraphQL names mean: tables, columns and the relations between tables, made from the loaded project.
//!
//! The rules of names:
//! * A table is `schema__table`; names of assets have no `__`, so two tables never share one.
//! * A column keeps its name. Characters that GraphQL has not become `_`, a leading digit gets a `_` before it, a leading
//!   `__` (GraphQL's own) becomes `_`, and `and`, `or`, `not`, `true`, `false`, `null` get one behind. Where two columns
//!   come to one name, the later ones get `_2`, `_3` …. The description says the column's own name when it differs.
//! * A relation is named after the other table. Where several would be alike they are `schema__table_by_column`, and where
//!   that is taken too (a table that references itself, the list of its children) `schema__table_of_column`.
//!
//! Cost: linear in columns and checks.

use std::collections::{BTreeMap, HashMap, HashSet};

use lockgate_run::Graph;
use lockgate_types::{AssetName, DataType};

/// Every stored asset of a project, as GraphQL has it.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) tables: Vec<Table>,
    roots: HashMap<String, Root>,
}

/// What a field of the query root gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Root {
    /// The rows of a table.
    Rows(usize),
    /// Groups of rows of a table.
    Groups(usize),
}

/// A stored asset.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: AssetName,
    pub(super) description: Option<String>,
    /// The query field and the type of a row.
    pub(super) field: String,
    /// The query field of its groups and their type.
    pub(super) groups: String,
    pub(super) columns: Vec<Column>,
    pub(super) relations: Vec<Relation>,
    types: HashMap<&'static str, String>,
}

/// A column of a table.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) field: String,
    pub(super) name: String,
    pub(super) data_type: DataType,
    pub(super) description: Option<String>,
    pub(super) pii: bool,
}

/// A way from the rows of a table to those of another.
#[derive(Debug)]
pub(super) struct Relation {
    pub(super) field: String,
    pub(super) target: usize,
    /// To the one row that is referenced; otherwise to the rows that reference.
    pub(super) forward: bool,
    /// Columns of this table, and those of the target that equal them.
    pub(super) ours: Vec<usize>,
    pub(super) theirs: Vec<usize>,
}

/// What the names of a table's own types end in.
pub(super) mod suffix {
    pub(in super::super) const WHERE: &str = "where";
    pub(in super::super) const ORDER: &str = "order";
    pub(in super::super) const COLUMN: &str = "column";
    pub(in super::super) const VALUES: &str = "values";
    pub(in super::super) const COUNTS: &str = "counts";
    pub(in super::super) const SUMS: &str = "sums";
    pub(in super::super) const AVERAGES: &str = "averages";
    pub(super) const ALL: [&str; 7] = [WHERE, ORDER, COLUMN, VALUES, COUNTS, SUMS, AVERAGES];
}

impl Column {
    /// Has an order and can be compared with a value.
    pub(super) fn is_plain(&self) -> bool {
        !matches!(self.data_type, DataType::Binary | DataType::Json | DataType::List(_) | DataType::Struct(_))
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self.data_type, DataType::Int | DataType::Bigint | DataType::Double | DataType::Decimal(..))
    }
}

impl Table {
    /// The name of one of its own types.
    pub(super) fn type_name(&self, suffix: &'static str) -> &str {
        self.types.get(suffix).map_or("", String::as_str)
    }

    pub(super) fn column(&self, field: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.field == field)
    }

    pub(super) fn relation(&self, field: &str) -> Option<&Relation> {
        self.relations.iter().find(|relation| relation.field == field)
    }
}

impl Model {
    pub(super) fn of(graph: &Graph) -> Model {
        let nodes = || graph.nodes().iter().filter(|(_, node)| !node.is_inline() && !node.schema.columns.is_empty());
        let index: BTreeMap<&AssetName, usize> = nodes().enumerate().map(|(index, (name, _))| (name, index)).collect();
        // Tables come first to their names; what is made up gives way.
        let mut taken: HashSet<String> = index.keys().map(|name| table_field(name)).collect();
        let mut tables: Vec<Table> = nodes()
            .map(|(name, node)| {
                let field = table_field(name);
                let groups = free(format!("{field}_aggregate"), &mut taken);
                let types = suffix::ALL.map(|suffix| (suffix, free(format!("{field}_{suffix}"), &mut taken)));
                Table {
                    name: name.clone(),
                    description: node.file.description.clone(),
                    field,
                    groups,
                    columns: columns(&node.schema.columns),
                    relations: Vec::new(),
                    types: types.into(),
                }
            })
            .collect();
        let links = links(graph, &index, &tables);
        let mut relations: Vec<Vec<Relation>> = tables.iter().map(|_| Vec::new()).collect();
        for Link { from, to, ours, theirs } in links {
            let field = String::new();
            let (back_ours, back_theirs) = (theirs.clone(), ours.clone());
            relations[from].push(Relation { field: field.clone(), target: to, forward: true, ours, theirs });
            relations[to].push(Relation { field, target: from, forward: false, ours: back_ours, theirs: back_theirs });
        }
        for (index, mut relations) in relations.into_iter().enumerate() {
            name_relations(&tables, index, &mut relations);
            tables[index].relations = relations;
        }
        let mut roots = HashMap::new();
        for (index, table) in tables.iter().enumerate() {
            roots.insert(table.field.clone(), Root::Rows(index));
            roots.insert(table.groups.clone(), Root::Groups(index));
        }
        Model { tables, roots }
    }

    pub(super) fn root(&self, field: &str) -> Option<Root> {
        self.roots.get(field).copied()
    }
}

fn table_field(name: &AssetName) -> String {
    format!("{}__{}", name.schema(), name.table())
}

/// A name that nothing else has yet.
fn free(mut name: String, taken: &mut HashSet<String>) -> String {
    while !taken.insert(name.clone()) {
        name.push('_');
    }
    name
}

fn columns(columns: &[lockgate_types::Column]) -> Vec<Column> {
    let mut taken: HashSet<String> = HashSet::new();
    // Those that need no change keep their names, wherever they stand.
    taken
        .extend(columns.iter().filter(|column| name_of(&column.name) == column.name).map(|column| column.name.clone()));
    let field = |name: &str, taken: &mut HashSet<String>| {
        let wanted = name_of(name);
        if wanted == name {
            return wanted;
        }
        let mut field = wanted.clone();
        let mut number = 2;
        while !taken.insert(field.clone()) {
            field = format!("{wanted}_{number}");
            number += 1;
        }
        field
    };
    let columns = columns.iter().map(|column| Column {
        field: field(&column.name, &mut taken),
        name: column.name.clone(),
        data_type: column.data_type.clone(),
        description: column.description.clone(),
        pii: column.pii,
    });
    columns.collect()
}

/// A column's name as GraphQL can write it.
fn name_of(column: &str) -> String {
    let is_word = |c: char| c == '_' || c.is_ascii_alphanumeric();
    let mut name: String = column.chars().map(|c| if is_word(c) { c } else { '_' }).collect();
    while name.starts_with("__") {
        name.remove(0);
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() {
        name.insert(0, '_');
    }
    if matches!(name.as_str(), "and" | "or" | "not" | "true" | "false" | "null") {
        name.push('_');
    }
    name
}

struct Link {
    from: usize,
    to: usize,
    ours: Vec<usize>,
    theirs: Vec<usize>,
}

/// The `references` checks, each pair of keys once.
fn links(graph: &Graph, index: &BTreeMap<&AssetName, usize>, tables: &[Table]) -> Vec<Link> {
    let mut links = Vec::new();
    let mut seen = HashSet::new();
    let at = |table: usize, name: &str| tables[table].columns.iter().position(|column| column.name == name);
    for (name, from) in index {
        let checks = graph.nodes().get(*name).map_or(&[][..], |node| node.checks.as_slice());
        for (target, on) in checks.iter().filter_map(|check| check.reference()) {
            let Some(to) = index.get(target) else { continue };
            let pairs: Option<Vec<(usize, usize)>> =
                on.iter().map(|(ours, theirs)| Some((at(*from, ours)?, at(*to, theirs)?))).collect();
            // Lists and the like are no keys here.
            let Some(pairs) =
                pairs.filter(|pairs| pairs.iter().all(|(ours, _)| tables[*from].columns[*ours].is_plain()))
            else {
                continue;
            };
            if seen.insert((*from, *to, pairs.clone())) {
                let (ours, theirs) = pairs.into_iter().unzip();
                links.push(Link { from: *from, to: *to, ours, theirs });
            }
        }
    }
    links
}

fn name_relations(tables: &[Table], of: usize, relations: &mut [Relation]) {
    let mut alike: HashMap<usize, usize> = HashMap::new();
    for relation in relations.iter() {
        *alike.entry(relation.target).or_default() += 1;
    }
    let mut taken: HashSet<String> = tables[of].columns.iter().map(|column| column.field.clone()).collect();
    for relation in relations.iter_mut() {
        let target = &tables[relation.target];
        // The columns that reference tell relations apart, whichever side they are on.
        let (table, columns) =
            if relation.forward { (&tables[of], &relation.ours) } else { (target, &relation.theirs) };
        let by: Vec<&str> = columns.iter().map(|column| table.columns[*column].field.as_str()).collect();
        let (plain, by) = (target.field.clone(), by.join("_"));
        let mut wanted = Vec::new();
        if alike.get(&relation.target) == Some(&1) {
            wanted.push(plain.clone());
        }
        wanted.push(format!("{plain}_by_{by}"));
        wanted.push(format!("{plain}_of_{by}"));
        let found = wanted.into_iter().find(|name| taken.insert(name.clone()));
        relation.field = found.unwrap_or_else(|| free(format!("{plain}_of_{by}"), &mut taken));
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot go on should say where

    use lockgate_types::Column as Own;

    use super::*;

    /// `count` tables of `width` columns, each with a relation to the one before.
    pub(in super::super) fn made_up(count: usize, width: usize) -> Model {
        let mut taken = HashSet::new();
        let tables = (0..count).map(|index| {
            let name = AssetName::new("raw", &format!("table{index}")).unwrap();
            let field = table_field(&name);
            let data_type = |at: usize| match at % 4 {
                0 => DataType::Bigint,
                1 => DataType::String,
                2 => DataType::Timestamp,
                _ => DataType::Double,
            };
            let own: Vec<Own> = (0..width).map(|at| Own::new(format!("column{at}"), data_type(at))).collect();
            let relation = (index > 0).then(|| Relation {
                field: format!("raw__table{}", index - 1),
                target: index - 1,
                forward: true,
                ours: vec![0],
                theirs: vec![0],
            });
            Table {
                groups: free(format!("{field}_aggregate"), &mut taken),
                types: suffix::ALL.map(|suffix| (suffix, free(format!("{field}_{suffix}"), &mut taken))).into(),
                name,
                description: Some("A table of the test.".to_owned()),
                field,
                columns: columns(&own),
                relations: relation.into_iter().collect(),
            }
        });
        Model { tables: tables.collect(), roots: HashMap::new() }
    }

    #[test]
    fn columns_come_to_names() {
        let names = ["a", "a b", "a_b", "1st", "__x", "ß", "and", "a-b", "_", "Ä"];
        let made = columns(&names.map(|name| Own::new(name, DataType::Int)));
        let made: Vec<&str> = made.iter().map(|column| column.field.as_str()).collect();
        assert_eq!(made, ["a", "a_b_2", "a_b", "_1st", "_x", "__2", "and_", "a_b_3", "_", "__3"]);
    }
}
