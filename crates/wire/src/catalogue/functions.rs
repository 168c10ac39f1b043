//! The functions of `pg_catalog` that tools call. Those of no meaning here answer what changes nothing: nobody owns a
//! constraint's definition, everybody may read.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListBuilder, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType as Arrow;
use datafusion::common::ScalarValue;
use datafusion::error::Result as DfResult;
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use super::listing::{Listing, PUBLIC, Relation};
use super::tables::{OWNER, long_name};
use super::{Who, relations, tables};
use crate::settings::SERVER_VERSION;

/// Given its arguments as texts.
type Body = Arc<dyn Fn(&[Option<&str>]) -> Option<String> + Send + Sync>;

/// A function over texts: what is asked of the catalogue is small.
struct Function {
    name: &'static str,
    signature: Signature,
    returns: Arrow,
    body: Body,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function").field("name", &self.name).finish_non_exhaustive()
    }
}

// One session has one function of a name.
impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[Arrow]) -> DfResult<Arrow> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let constant = call.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { call.number_rows };
        let arguments = call
            .args
            .into_iter()
            .map(|argument| Ok(cast(&argument.into_array(rows)?, &Arrow::Utf8)?))
            .collect::<DfResult<Vec<ArrayRef>>>()?;
        let columns: Vec<_> = arguments.iter().map(|array| array.as_string::<i32>()).collect();
        let mut builder = StringBuilder::new();
        for row in 0..rows {
            let values: Vec<Option<&str>> =
                columns.iter().map(|column| column.is_valid(row).then(|| column.value(row))).collect();
            builder.append_option((self.body)(&values));
        }
        let result = cast(&builder.finish(), &self.returns)?;
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }
}

fn function(
    name: &'static str,
    returns: Arrow,
    body: impl Fn(&[Option<&str>]) -> Option<String> + Send + Sync + 'static,
) -> ScalarUDF {
    let signature = Signature::one_of(vec![TypeSignature::Nullary, TypeSignature::VariadicAny], Volatility::Stable);
    ScalarUDF::from(Function { name, signature, returns, body: Arc::new(body) })
}

/// Those that always say the same: name, type, what they say.
const CONSTANT: &[(&str, Arrow, Option<&str>)] = &[
    ("has_any_column_privilege", Arrow::Boolean, Some("true")),
    ("has_column_privilege", Arrow::Boolean, Some("true")),
    ("has_database_privilege", Arrow::Boolean, Some("true")),
    ("has_function_privilege", Arrow::Boolean, Some("true")),
    ("has_schema_privilege", Arrow::Boolean, Some("true")),
    ("has_sequence_privilege", Arrow::Boolean, Some("true")),
    ("has_table_privilege", Arrow::Boolean, Some("true")),
    ("has_tablespace_privilege", Arrow::Boolean, Some("true")),
    ("has_type_privilege", Arrow::Boolean, Some("true")),
    ("inet_server_addr", Arrow::Utf8, None),
    ("inet_server_port", Arrow::Int32, None),
    ("inet_client_addr", Arrow::Utf8, None),
    ("inet_client_port", Arrow::Int32, None),
    ("pg_client_encoding", Arrow::Utf8, Some("UTF8")),
    ("pg_collation_is_visible", Arrow::Boolean, Some("true")),
    ("pg_conf_load_time", Arrow::Utf8, None),
    ("pg_database_size", Arrow::Int64, None),
    ("pg_encoding_to_char", Arrow::Utf8, Some("UTF8")),
    ("pg_function_is_visible", Arrow::Boolean, Some("true")),
    ("pg_get_constraintdef", Arrow::Utf8, None),
    ("pg_get_expr", Arrow::Utf8, None),
    ("pg_get_function_arguments", Arrow::Utf8, None),
    ("pg_get_function_identity_arguments", Arrow::Utf8, None),
    ("pg_get_function_result", Arrow::Utf8, None),
    ("pg_get_functiondef", Arrow::Utf8, None),
    ("pg_get_indexdef", Arrow::Utf8, None),
    ("pg_get_partition_constraintdef", Arrow::Utf8, None),
    ("pg_get_partkeydef", Arrow::Utf8, None),
    ("pg_get_ruledef", Arrow::Utf8, None),
    ("pg_get_serial_sequence", Arrow::Utf8, None),
    ("pg_get_statisticsobjdef_columns", Arrow::Utf8, None),
    ("pg_get_triggerdef", Arrow::Utf8, None),
    ("pg_get_viewdef", Arrow::Utf8, None),
    ("pg_has_role", Arrow::Boolean, Some("true")),
    ("pg_indexes_size", Arrow::Int64, None),
    ("pg_is_in_recovery", Arrow::Boolean, Some("false")),
    ("pg_is_other_temp_schema", Arrow::Boolean, Some("false")),
    ("pg_my_temp_schema", Arrow::Int64, Some("0")),
    ("pg_opclass_is_visible", Arrow::Boolean, Some("true")),
    ("pg_operator_is_visible", Arrow::Boolean, Some("true")),
    ("pg_postmaster_start_time", Arrow::Utf8, None),
    ("pg_relation_filenode", Arrow::Int64, None),
    ("pg_relation_is_publishable", Arrow::Boolean, Some("false")),
    ("pg_relation_size", Arrow::Int64, None),
    ("pg_size_pretty", Arrow::Utf8, None),
    ("pg_stat_get_numscans", Arrow::Int64, None),
    ("pg_statistics_obj_is_visible", Arrow::Boolean, Some("true")),
    ("pg_table_is_visible", Arrow::Boolean, Some("true")),
    ("pg_table_size", Arrow::Int64, None),
    ("pg_tablespace_location", Arrow::Utf8, Some("")),
    ("pg_total_relation_size", Arrow::Int64, None),
    ("pg_ts_config_is_visible", Arrow::Boolean, Some("true")),
    ("pg_type_is_visible", Arrow::Boolean, Some("true")),
    ("row_security_active", Arrow::Boolean, Some("false")),
    ("shobj_description", Arrow::Utf8, None),
    ("txid_current", Arrow::Int64, Some("1")),
];

/// Those that go by the listing or the session.
const OWN: &[&str] = &[
    "col_description",
    "current_catalog",
    "current_database",
    "current_role",
    "current_schema",
    "current_schemas",
    "current_setting",
    "current_user",
    "format",
    "format_type",
    "obj_description",
    "pg_backend_pid",
    "pg_get_userbyid",
    "quote_ident",
    "quote_literal",
    "session_user",
    "set_config",
    "to_regclass",
    "to_regtype",
    "user",
    "version",
    NAME_OF_RELATION,
    NAME_OF_TYPE,
    NAME_OF_SCHEMA,
];

/// What `oid::regclass` becomes.
pub(super) const NAME_OF_RELATION: &str = "lockgate_relation_name";
/// What `oid::regtype` becomes.
pub(super) const NAME_OF_TYPE: &str = "lockgate_type_name";
/// What `oid::regnamespace` becomes.
pub(super) const NAME_OF_SCHEMA: &str = "lockgate_schema_name";

/// Whether a function of this name is the catalogue's alone.
pub(super) fn is_known(name: &str) -> bool {
    OWN.contains(&name) || CONSTANT.iter().any(|(known, ..)| *known == name)
}

pub(super) fn register_all(state: &mut SessionState) -> DfResult<()> {
    for (name, returns, says) in CONSTANT {
        let says: Option<&'static str> = *says;
        state.register_udf(Arc::new(function(name, returns.clone(), move |_| says.map(str::to_owned))))?;
    }
    state.register_udf(Arc::new(ScalarUDF::from(CurrentSchemas::new())))?;
    Ok(())
}

/// Registers what this session says.
pub(super) fn register_own(state: &mut SessionState, listing: &Arc<Listing>, who: &Who) -> DfResult<()> {
    let mut add = |function: ScalarUDF| state.register_udf(Arc::new(function)).map(|_| ());
    for name in ["current_user", "session_user", "user", "current_role"] {
        let user = who.user.clone();
        add(function(name, Arrow::Utf8, move |_| Some(user.clone())))?;
    }
    for name in ["current_database", "current_catalog"] {
        let database = listing.database.clone();
        add(function(name, Arrow::Utf8, move |_| Some(database.clone())))?;
    }
    add(function("current_schema", Arrow::Utf8, |_| Some(PUBLIC.to_owned())))?;
    add(function("version", Arrow::Utf8, |_| {
        Some(format!("PostgreSQL {SERVER_VERSION} (Lockgate {})", env!("CARGO_PKG_VERSION")))
    }))?;
    let process = who.process;
    add(function("pg_backend_pid", Arrow::Int32, move |_| Some(process.to_string())))?;
    let settings = who.settings.clone();
    add(function("current_setting", Arrow::Utf8, move |arguments| {
        let name = arguments.first().copied().flatten()?;
        settings.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
    }))?;
    // Nothing is set by it: what it would set is told.
    add(function("set_config", Arrow::Utf8, |arguments| arguments.get(1).copied().flatten().map(str::to_owned)))?;
    add(function("pg_get_userbyid", Arrow::Utf8, |_| Some(OWNER.to_owned())))?;
    add(function("quote_ident", Arrow::Utf8, |arguments| arguments.first().copied().flatten().map(quoted)))?;
    add(function("quote_literal", Arrow::Utf8, |arguments| arguments.first().copied().flatten().map(literal)))?;
    add(function("format", Arrow::Utf8, formatted))?;
    let type_name = |arguments: &[Option<&str>]| {
        let oid: u32 = number(arguments, 0)?.try_into().ok()?;
        let modifier = number(arguments, 1).unwrap_or(-1);
        Some(if oid == 0 { "-".to_owned() } else { long_name(oid, modifier).unwrap_or_else(|| "???".to_owned()) })
    };
    add(function("format_type", Arrow::Utf8, type_name))?;
    add(function(NAME_OF_TYPE, Arrow::Utf8, type_name))?;
    let of = Arc::clone(listing);
    add(function("obj_description", Arrow::Utf8, move |arguments| {
        let is_table = arguments.get(1).copied().flatten().is_none_or(|catalogue| catalogue == "pg_class");
        relation(&of, arguments).filter(|_| is_table)?.description.clone()
    }))?;
    let of = Arc::clone(listing);
    add(function("col_description", Arrow::Utf8, move |arguments| {
        let relation = relation(&of, arguments)?;
        let index = usize::try_from(number(arguments, 1)?).ok()?.checked_sub(1)?;
        relation.columns.get(index)?.description.clone()
    }))?;
    let of = Arc::clone(listing);
    add(function(NAME_OF_RELATION, Arrow::Utf8, move |arguments| {
        let oid = number(arguments, 0)?;
        match of.by_oid(oid) {
            Some(relation) => Some(format!("{}.{}", quoted(&relation.schema), quoted(&relation.name))),
            None if oid == 0 => Some("-".to_owned()),
            None => {
                let own = relations::FILLED.iter().chain(relations::EMPTY);
                let mut own = own.filter(|(_, name, _)| relations::oid(name).map(i64::from) == Some(oid));
                Some(own.next().map_or_else(|| oid.to_string(), |(_, name, _)| (*name).to_owned()))
            }
        }
    }))?;
    let of = Arc::clone(listing);
    add(function(NAME_OF_SCHEMA, Arrow::Utf8, move |arguments| {
        let oid = number(arguments, 0)?;
        let known = of.schemas.iter().find(|(_, known)| i64::from(*known) == oid);
        Some(known.map_or_else(
            || if oid == 11 { "pg_catalog".to_owned() } else { oid.to_string() },
            |(name, _)| quoted(name),
        ))
    }))?;
    let of = Arc::clone(listing);
    add(function("to_regclass", Arrow::Int64, move |arguments| {
        relation_oid(&of, arguments.first().copied().flatten()?).map(|oid| oid.to_string())
    }))?;
    add(function("to_regtype", Arrow::Int64, |arguments| {
        tables::type_oid(arguments.first().copied().flatten()?).map(|oid| oid.to_string())
    }))
}

/// The number of a relation by its name, `schema.table`, quoted or not.
pub(super) fn relation_oid(listing: &Listing, name: &str) -> Option<i64> {
    let plain = |part: &str| match part.strip_prefix('"').and_then(|part| part.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => part.to_lowercase(),
    };
    let parts: Vec<String> = name.trim().split('.').map(plain).collect();
    let (schema, table) = match &parts[..] {
        [table] => (None, table),
        [.., schema, table] => (Some(schema.as_str()), table),
        [] => return None,
    };
    if let Some(relation) = listing.by_name(schema, table) {
        return Some(i64::from(relation.oid));
    }
    let own = schema.is_none_or(|schema| schema == super::PG_CATALOG);
    relations::oid(table).filter(|_| own).map(i64::from)
}

/// By its number, or by its name where a cast to `regclass` was taken away.
fn relation<'l>(listing: &'l Listing, arguments: &[Option<&str>]) -> Option<&'l Relation> {
    let by_name = || relation_oid(listing, arguments.first().copied().flatten()?);
    listing.by_oid(number(arguments, 0).or_else(by_name)?)
}

/// `format('%I.%I', schema, table)`.
fn formatted(arguments: &[Option<&str>]) -> Option<String> {
    let (mut text, mut values) = (String::new(), arguments.iter().skip(1));
    let mut characters = arguments.first().copied().flatten()?.chars();
    while let Some(c) = characters.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        match characters.next()? {
            '%' => text.push('%'),
            's' => text.push_str(values.next()?.unwrap_or_default()),
            'I' => text.push_str(&quoted((*values.next()?)?)),
            'L' => text.push_str(&values.next()?.map_or_else(|| "NULL".to_owned(), literal)),
            _ => return None,
        }
    }
    Some(text)
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn number(arguments: &[Option<&str>], index: usize) -> Option<i64> {
    arguments.get(index).copied().flatten()?.parse().ok()
}

fn quoted(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// `current_schemas(implicit)`: the search path, which finds nothing here, as a list.
#[derive(Debug, PartialEq, Eq, Hash)]
struct CurrentSchemas {
    signature: Signature,
}

impl CurrentSchemas {
    fn new() -> Self {
        CurrentSchemas { signature: Signature::exact(vec![Arrow::Boolean], Volatility::Stable) }
    }
}

impl ScalarUDFImpl for CurrentSchemas {
    fn name(&self) -> &'static str {
        "current_schemas"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[Arrow]) -> DfResult<Arrow> {
        Ok(Arrow::new_list(Arrow::Utf8, true))
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let implicit = matches!(call.args.first(), Some(ColumnarValue::Scalar(ScalarValue::Boolean(Some(true)))));
        let mut builder = ListBuilder::new(StringBuilder::new());
        if implicit {
            builder.values().append_value(super::PG_CATALOG);
        }
        builder.values().append_value(PUBLIC);
        builder.append(true);
        Ok(ColumnarValue::Scalar(ScalarValue::List(Arc::new(builder.finish()))))
    }
}
