//! What the tables of the catalogue hold.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Float32Builder, Int16Builder, Int32Builder, Int64Builder, RecordBatch,
    RecordBatchOptions, StringBuilder, TimestampMicrosecondBuilder, new_null_array,
};
use arrow::datatypes::{DataType as Arrow, Field, Fields, Schema, TimeUnit};
use lockgate_types::Column;

use super::listing::Relation;
use super::relations::{EMPTY, FILLED};
use super::{INFORMATION_SCHEMA, PG_CATALOG};
use crate::settings::Settings;
use crate::values::{POSTGRES_TYPE, Type};

/// Of the schema `pg_catalog`, which PostgreSQL's own types are in.
const PG_CATALOG_OID: i64 = 11;
const INFORMATION_SCHEMA_OID: i64 = 13_000;
/// Of the one role that owns everything.
const OWNER_OID: i64 = 10;
pub(super) const OWNER: &str = "lockgate";
const DATABASE_OID: i64 = 5;
const HEAP_OID: i64 = 2;

/// A value on its way into a table.
#[derive(Clone, Debug)]
enum Cell {
    Null,
    Bool(bool),
    Number(i64),
    Text(String),
}

impl From<bool> for Cell {
    fn from(value: bool) -> Self {
        Cell::Bool(value)
    }
}

impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Cell::Number(value)
    }
}

impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Cell::Text(value.to_owned())
    }
}

impl From<Option<&str>> for Cell {
    fn from(value: Option<&str>) -> Self {
        value.map_or(Cell::Null, Cell::from)
    }
}

impl From<Option<i64>> for Cell {
    fn from(value: Option<i64>) -> Self {
        value.map_or(Cell::Null, Cell::Number)
    }
}

/// Values by their columns' names; what is not said is null.
type Row = Vec<(&'static str, Cell)>;

macro_rules! row {
    ($($name:ident: $value:expr),* $(,)?) => {
        vec![$((stringify!($name), Cell::from($value))),*]
    };
}

/// Every table: its schema, its name, its rows.
pub(super) fn all(
    relations: &[Relation],
    schemas: &[(String, u32)],
    database: &str,
) -> Vec<(&'static str, &'static str, RecordBatch)> {
    let world = World { relations, schemas, database };
    let filled = FILLED.iter().map(|(schema, name, columns)| (*schema, *name, batch(columns, &world.rows(name))));
    filled.chain(EMPTY.iter().map(|(schema, name, columns)| (*schema, *name, batch(columns, &[])))).collect()
}

fn field(described: &str) -> (Field, char) {
    let (name, letter) = described.rsplit_once(':').unwrap_or((described, "t"));
    let letter = letter.chars().next().unwrap_or('t');
    let (data_type, postgres) = match letter {
        'o' => (Arrow::Int64, Some("oid")),
        'n' => (Arrow::Utf8, Some("name")),
        'c' => (Arrow::Utf8, Some("char")),
        's' => (Arrow::Int16, None),
        'i' => (Arrow::Int32, None),
        'l' => (Arrow::Int64, None),
        'f' => (Arrow::Float32, None),
        'b' => (Arrow::Boolean, None),
        'z' => (Arrow::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), None),
        'a' => (Arrow::new_list(Arrow::Utf8, true), None),
        'v' => (Arrow::new_list(Arrow::Int16, true), None),
        _ => (Arrow::Utf8, None),
    };
    let field = Field::new(name, data_type, true);
    let field = match postgres {
        Some(postgres) => field.with_metadata([(POSTGRES_TYPE.to_owned(), postgres.to_owned())].into()),
        None => field,
    };
    (field, letter)
}

fn batch(columns: &str, rows: &[Row]) -> RecordBatch {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns
        .split_whitespace()
        .map(|described| {
            let (field, letter) = field(described);
            let cells = rows
                .iter()
                .map(|row| row.iter().find(|(name, _)| *name == field.name()).map_or(&Cell::Null, |(_, cell)| cell));
            let array = array(letter, field.data_type(), cells, rows.len());
            (field, array)
        })
        .unzip();
    let schema = Arc::new(Schema::new(Fields::from(fields)));
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    // The arrays were made by the fields' types, one value a row.
    RecordBatch::try_new_with_options(schema.clone(), arrays, &options)
        .unwrap_or_else(|_| RecordBatch::new_empty(schema))
}

fn array<'a>(letter: char, data_type: &Arrow, cells: impl Iterator<Item = &'a Cell>, rows: usize) -> ArrayRef {
    macro_rules! of {
        ($builder:expr, $pattern:pat => $value:expr) => {{
            let mut builder = $builder;
            for cell in cells {
                match cell {
                    $pattern => builder.append_value($value),
                    _ => builder.append_null(),
                }
            }
            Arc::new(builder.finish())
        }};
    }
    match letter {
        'o' | 'l' => of!(Int64Builder::new(), Cell::Number(number) => *number),
        's' => of!(Int16Builder::new(), Cell::Number(number) => i16::try_from(*number).unwrap_or(i16::MAX)),
        'i' => of!(Int32Builder::new(), Cell::Number(number) => i32::try_from(*number).unwrap_or(i32::MAX)),
        // An estimate.
        #[allow(clippy::cast_precision_loss)]
        'f' => of!(Float32Builder::new(), Cell::Number(number) => *number as f32),
        'b' => of!(BooleanBuilder::new(), Cell::Bool(value) => *value),
        'z' => {
            of!(TimestampMicrosecondBuilder::new().with_data_type(data_type.clone()), Cell::Number(micros) => *micros)
        }
        'a' | 'v' => new_null_array(data_type, rows),
        _ => of!(StringBuilder::new(), Cell::Text(text) => text),
    }
}

struct World<'a> {
    relations: &'a [Relation],
    schemas: &'a [(String, u32)],
    database: &'a str,
}

impl World<'_> {
    fn rows(&self, table: &str) -> Vec<Row> {
        match table {
            "pg_namespace" => self.namespaces(),
            "pg_class" => self.relations.iter().map(|relation| self.class(relation)).collect(),
            "pg_attribute" => self.each_column(attribute),
            "pg_type" => types(),
            "pg_database" => vec![row! {
                oid: DATABASE_OID, datname: self.database, datdba: OWNER_OID, encoding: 6, datlocprovider: "c",
                datistemplate: false, datallowconn: true, datconnlimit: -1, dattablespace: 1663, datcollate: "C",
                datctype: "C", datfrozenxid: 0, datminmxid: 0, datlastsysoid: 0,
            }],
            "pg_roles" => vec![row! {
                oid: OWNER_OID, rolname: OWNER, rolsuper: false, rolinherit: true, rolcreaterole: false, rolcreatedb: false,
                rolcanlogin: true, rolreplication: false, rolconnlimit: -1, rolbypassrls: false,
            }],
            "pg_user" => vec![row! {
                usename: OWNER, usesysid: OWNER_OID, usecreatedb: false, usesuper: false, userepl: false, usebypassrls: false,
            }],
            "pg_description" => self.descriptions(),
            "pg_tables" => self.of_tables(|relation| row! {
                schemaname: &*relation.schema, tablename: &*relation.name, tableowner: OWNER, hasindexes: false,
                hasrules: false, hastriggers: false, rowsecurity: false,
            }),
            "pg_views" => self.of_views(|relation| row! {
                schemaname: &*relation.schema, viewname: &*relation.name, viewowner: OWNER,
            }),
            "pg_am" => vec![row! { oid: HEAP_OID, amname: "heap", amhandler: "heap_tableam_handler", amtype: "t" }],
            "pg_tablespace" => vec![row! { oid: 1663, spcname: "pg_default", spcowner: OWNER_OID }],
            "pg_settings" => Settings::default()
                .all()
                .map(|(name, value)| row! {
                    name: name, setting: value, context: "user", vartype: "string", source: "default", boot_val: value,
                    reset_val: value, pending_restart: false, category: "Lockgate", short_desc: "",
                })
                .collect(),
            "pg_stat_user_tables" => self.of_tables(|relation| row! {
                relid: i64::from(relation.oid), schemaname: &*relation.schema, relname: &*relation.name,
                n_live_tup: i64::try_from(relation.rows).unwrap_or(i64::MAX), n_dead_tup: 0,
            }),
            "tables" => self
                .relations
                .iter()
                .map(|relation| row! {
                    table_catalog: self.database, table_schema: &*relation.schema, table_name: &*relation.name,
                    table_type: if relation.is_view { "VIEW" } else { "BASE TABLE" }, is_insertable_into: "NO", is_typed: "NO",
                })
                .collect(),
            "columns" => self.each_column(|relation, number, column| self.column(relation, number, column)),
            "schemata" => self
                .namespaces()
                .into_iter()
                .filter_map(|row| row.into_iter().find(|(name, _)| *name == "nspname"))
                .map(|(_, name)| vec![
                    ("catalog_name", Cell::from(self.database)),
                    ("schema_name", name),
                    ("schema_owner", Cell::from(OWNER)),
                ])
                .collect(),
            "views" => self.of_views(|relation| row! {
                table_catalog: self.database, table_schema: &*relation.schema, table_name: &*relation.name,
                check_option: "NONE", is_updatable: "NO", is_insertable_into: "NO", is_trigger_updatable: "NO",
                is_trigger_deletable: "NO", is_trigger_insertable_into: "NO",
            }),
            "information_schema_catalog_name" => vec![row! { catalog_name: self.database }],
            _ => Vec::new(),
        }
    }

    fn of_tables(&self, row: impl Fn(&Relation) -> Row) -> Vec<Row> {
        self.relations.iter().filter(|relation| !relation.is_view).map(row).collect()
    }

    fn of_views(&self, row: impl Fn(&Relation) -> Row) -> Vec<Row> {
        self.relations.iter().filter(|relation| relation.is_view).map(row).collect()
    }

    fn each_column(&self, row: impl Fn(&Relation, i64, &Column) -> Row) -> Vec<Row> {
        let each = self
            .relations
            .iter()
            .flat_map(|relation| (1..).zip(&relation.columns).map(move |column| (relation, column)));
        each.map(|(relation, (number, column))| row(relation, number, column)).collect()
    }

    fn namespaces(&self) -> Vec<Row> {
        let own = [(PG_CATALOG, PG_CATALOG_OID), (INFORMATION_SCHEMA, INFORMATION_SCHEMA_OID)];
        let schemas = self.schemas.iter().map(|(name, oid)| (name.as_str(), i64::from(*oid)));
        own.into_iter()
            .chain(schemas)
            .map(|(name, oid)| row! { oid: oid, nspname: name, nspowner: OWNER_OID })
            .collect()
    }

    fn namespace(&self, schema: &str) -> i64 {
        self.schemas.iter().find(|(name, _)| name == schema).map_or(0, |(_, oid)| i64::from(*oid))
    }

    fn class(&self, relation: &Relation) -> Row {
        row! {
            oid: i64::from(relation.oid), relname: &*relation.name, relnamespace: self.namespace(&relation.schema), reltype: 0,
            reloftype: 0, relowner: OWNER_OID, relam: if relation.is_view { 0 } else { HEAP_OID }, relfilenode: 0,
            reltablespace: 0, relpages: 0, reltuples: i64::try_from(relation.rows).unwrap_or(i64::MAX), relallvisible: 0,
            reltoastrelid: 0, relhasindex: false, relisshared: false, relpersistence: "p",
            relkind: if relation.is_view { "v" } else { "r" },
            relnatts: i64::try_from(relation.columns.len()).unwrap_or(0), relchecks: 0, relhasrules: false,
            relhastriggers: false, relhassubclass: false, relrowsecurity: false, relforcerowsecurity: false,
            relispopulated: true, relreplident: "n", relispartition: false, relrewrite: 0, relfrozenxid: 0, relminmxid: 0,
            relhasoids: false,
        }
    }

    fn descriptions(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        let of = |relation: &Relation, number: i64, text: &str| {
            row! { objoid: i64::from(relation.oid), classoid: 1259, objsubid: number, description: text }
        };
        for relation in self.relations {
            rows.extend(relation.description.as_deref().map(|text| of(relation, 0, text)));
            for (number, column) in (1..).zip(&relation.columns) {
                rows.extend(column.description.as_deref().map(|text| of(relation, number, text)));
            }
        }
        rows
    }

    fn column(&self, relation: &Relation, number: i64, column: &Column) -> Row {
        let data_type = type_of(column);
        let (precision, radix, scale) = match &data_type {
            Type::Int2 => (Some(16), Some(2), Some(0)),
            Type::Int4 => (Some(32), Some(2), Some(0)),
            Type::Int8 => (Some(64), Some(2), Some(0)),
            Type::Float8 => (Some(53), Some(2), None),
            Type::Numeric(precision, scale) => (Some(i64::from(*precision)), Some(10), Some(i64::from(*scale))),
            _ => (None, None, None),
        };
        let datetime = match data_type {
            Type::Date => Some(0),
            Type::Timestamp | Type::Timestamptz => Some(6),
            _ => None,
        };
        let long = long_name(data_type.oid(), -1).unwrap_or_default();
        row! {
            table_catalog: self.database, table_schema: &*relation.schema, table_name: &*relation.name,
            column_name: &*column.name, ordinal_position: number, is_nullable: if column.required { "NO" } else { "YES" },
            data_type: if long.ends_with("[]") { "ARRAY" } else { &*long }, numeric_precision: precision,
            numeric_precision_radix: radix, numeric_scale: scale, datetime_precision: datetime, udt_catalog: self.database,
            udt_schema: PG_CATALOG, udt_name: short_name(data_type.oid()), dtd_identifier: &*number.to_string(),
            is_self_referencing: "NO", is_identity: "NO", identity_cycle: "NO", is_generated: "NEVER", is_updatable: "NO",
        }
    }
}

fn type_of(column: &Column) -> Type {
    Type::of(&column.data_type.to_field(&column.name, true))
}

fn attribute(relation: &Relation, number: i64, column: &Column) -> Row {
    let data_type = type_of(column);
    let size = i64::from(data_type.size());
    row! {
        attrelid: i64::from(relation.oid), attname: &*column.name, atttypid: i64::from(data_type.oid()), attstattarget: -1,
        attlen: size, attnum: number, attndims: i64::from(matches!(data_type, Type::Array(_))), attcacheoff: -1,
        atttypmod: i64::from(data_type.modifier()), attbyval: (1..=8).contains(&size), attalign: "i", attstorage: "p",
        attcompression: "", attnotnull: column.required, atthasdef: false, atthasmissing: false, attidentity: "",
        attgenerated: "", attisdropped: false, attislocal: true, attinhcount: 0,
        attcollation: if data_type == Type::Text { 100 } else { 0 },
    }
}

/// A type: its number, that of its arrays, its name, how SQL calls it, its bytes, its category.
type Known = (i64, i64, &'static str, &'static str, i64, &'static str);

const TYPES: &[Known] = &[
    (16, 1000, "bool", "boolean", 1, "B"),
    (17, 1001, "bytea", "bytea", -1, "U"),
    (18, 1002, "char", "\"char\"", 1, "Z"),
    (19, 1003, "name", "name", 64, "S"),
    (20, 1016, "int8", "bigint", 8, "N"),
    (21, 1005, "int2", "smallint", 2, "N"),
    (22, 1006, "int2vector", "int2vector", -1, "A"),
    (23, 1007, "int4", "integer", 4, "N"),
    (24, 1008, "regproc", "regproc", 4, "N"),
    (25, 1009, "text", "text", -1, "S"),
    (26, 1028, "oid", "oid", 4, "N"),
    (30, 1013, "oidvector", "oidvector", -1, "A"),
    (114, 199, "json", "json", -1, "U"),
    (700, 1021, "float4", "real", 4, "N"),
    (701, 1022, "float8", "double precision", 8, "N"),
    (705, 0, "unknown", "unknown", -2, "X"),
    (1042, 1014, "bpchar", "character", -1, "S"),
    (1043, 1015, "varchar", "character varying", -1, "S"),
    (1082, 1182, "date", "date", 4, "D"),
    (1083, 1183, "time", "time without time zone", 8, "D"),
    (1114, 1115, "timestamp", "timestamp without time zone", 8, "D"),
    (1184, 1185, "timestamptz", "timestamp with time zone", 8, "D"),
    (1186, 1187, "interval", "interval", 16, "T"),
    (1700, 1231, "numeric", "numeric", -1, "N"),
    (2205, 2210, "regclass", "regclass", 4, "N"),
    (2206, 2211, "regtype", "regtype", 4, "N"),
    (2950, 2951, "uuid", "uuid", 16, "U"),
    (3802, 3807, "jsonb", "jsonb", -1, "U"),
    (4089, 4090, "regnamespace", "regnamespace", 4, "N"),
];

fn types() -> Vec<Row> {
    let mut rows = Vec::new();
    for &(oid, array, name, _, size, category) in TYPES {
        let of = |oid: i64, name: &str, size: i64, category: &str, element: i64, array: i64| {
            let io = if element == 0 { name.trim_start_matches('_') } else { "array_" };
            row! {
                oid: oid, typname: name, typnamespace: PG_CATALOG_OID, typowner: OWNER_OID, typlen: size,
                typbyval: (1..=8).contains(&size), typtype: if name == "unknown" { "p" } else { "b" }, typcategory: category,
                typispreferred: ["bool", "text", "float8", "timestamptz", "interval"].contains(&name), typisdefined: true,
                typdelim: ",", typrelid: 0, typelem: element, typarray: array, typinput: &*format!("{io}in"),
                typoutput: &*format!("{io}out"), typreceive: &*format!("{io}recv"), typsend: &*format!("{io}send"),
                typmodin: "-", typmodout: "-", typanalyze: "-", typalign: "i", typstorage: "p", typnotnull: false,
                typbasetype: 0, typtypmod: -1, typndims: 0, typcollation: if category == "S" { 100 } else { 0 },
            }
        };
        rows.push(of(oid, name, size, category, 0, array));
        if array > 0 {
            rows.push(of(array, &format!("_{name}"), -1, "A", oid, 0));
        }
    }
    rows
}

/// As `pg_type` calls a type.
pub(super) fn short_name(oid: u32) -> &'static str {
    let oid = i64::from(oid);
    // The arrays of what columns have.
    const ARRAYS: &[(i64, &str)] = &[
        (1000, "_bool"),
        (1001, "_bytea"),
        (1009, "_text"),
        (1016, "_int8"),
        (1007, "_int4"),
        (1022, "_float8"),
        (1182, "_date"),
        (1115, "_timestamp"),
        (1185, "_timestamptz"),
        (1231, "_numeric"),
        (199, "_json"),
    ];
    TYPES
        .iter()
        .find(|known| known.0 == oid)
        .map(|known| known.2)
        .or_else(|| ARRAYS.iter().find(|known| known.0 == oid).map(|known| known.1))
        .unwrap_or("text")
}

/// As `format_type` writes a type; `None` when there is none of that number.
pub(super) fn long_name(oid: u32, modifier: i64) -> Option<String> {
    let oid = i64::from(oid);
    let known = TYPES.iter().find(|known| known.0 == oid || (known.1 == oid && oid > 0))?;
    let mut name = known.3.to_owned();
    if known.2 == "numeric" && modifier >= 4 {
        let packed = modifier - 4;
        name = format!("numeric({},{})", packed >> 16, packed & 0x7ff);
    }
    if known.1 == oid {
        name.push_str("[]");
    }
    Some(name)
}

/// A type by either of its names.
pub(super) fn type_oid(name: &str) -> Option<i64> {
    let name = name.trim().to_lowercase();
    let (name, is_array) = match name.strip_suffix("[]") {
        Some(item) => (item.to_owned(), true),
        None => (name, false),
    };
    let name = name.strip_prefix("pg_catalog.").unwrap_or(&name);
    // Types that no column has.
    let pseudo = match name {
        "record" => Some(2249),
        "cstring" => Some(2275),
        "any" => Some(2276),
        "anyarray" => Some(2277),
        "void" => Some(2278),
        "trigger" => Some(2279),
        "internal" => Some(2281),
        "event_trigger" => Some(3838),
        _ => None,
    };
    if pseudo.is_some() {
        return pseudo;
    }
    let known =
        TYPES.iter().find(|known| known.2 == name || known.3 == name || (name == "int" && known.2 == "int4"))?;
    Some(if is_array { known.1 } else { known.0 })
}
