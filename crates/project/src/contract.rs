//! A contract: the columns that an asset promises.

use lockgate_types::diagnostic::did_you_mean;
use lockgate_types::{Column, DataType};

use crate::yaml::{Node, Span, Value};
use crate::{Fields, codes};

/// Nested deeper, a type is refused: reading one recurses.
const MAX_TYPE_DEPTH: usize = 32;

/// One column of a contract.
#[derive(Clone, Debug)]
pub struct ContractColumn {
    pub column: Column,
    /// Of its name.
    pub span: Span,
}

/// Reads `columns`.
pub(crate) fn read(fields: &mut Fields<'_>) -> Option<Vec<ContractColumn>> {
    let node = fields.node("columns")?;
    if node.as_map().is_none() {
        let error = fields.wrong_type("columns", node, "a map of columns to types");
        error.hint = Some("write `columns:` and below it lines such as `amount: decimal(18,2)`".to_owned());
        return None;
    }
    let mut columns = fields.inside("columns")?;
    let mut contract = Vec::with_capacity(columns.map().entries.len());
    for (key, node) in &columns.map().entries {
        if key.text.trim().is_empty() {
            columns.error(key.span, &codes::CONTRACT, "a column needs a name");
        } else if let Some(column) = column(&mut columns, &key.text, key.span, node) {
            contract.push(ContractColumn { column, span: key.span });
        }
    }
    same_ignoring_case(&mut columns);
    Some(contract)
}

fn column(columns: &mut Fields<'_>, name: &str, name_span: Span, node: &Node) -> Option<Column> {
    if matches!(node.value, Value::Map(_)) {
        let mut long = columns.inside(name)?;
        let kind = long.required("type", name_span);
        let data_type = kind.and_then(|kind| data_type(&mut long, kind));
        let required = long.boolean("required").unwrap_or(false);
        let description = long.node("description").and_then(|_| long.string("description"));
        let pii = long.boolean("pii").unwrap_or(false);
        long.finish();
        return Some(Column { name: name.to_owned(), data_type: data_type?, required, description, pii });
    }
    if node.is_null() {
        columns.error(name_span, &codes::CONTRACT, format!("the column `{name}` has no type")).expected = Some(types());
        return None;
    }
    data_type(columns, node).map(|data_type| Column::new(name, data_type))
}

fn data_type(fields: &mut Fields<'_>, node: &Node) -> Option<DataType> {
    let Some(text) = node.as_str() else {
        fields.error(node.span, &codes::CONTRACT, format!("{} is no type", node.describe())).expected = Some(types());
        return None;
    };
    if text.matches('<').count() > MAX_TYPE_DEPTH {
        let message = format!("this type is nested more than {MAX_TYPE_DEPTH} deep");
        fields.error(node.span, &codes::CONTRACT, message);
        return None;
    }
    match DataType::parse(text) {
        Ok(data_type) => Some(data_type),
        Err(reason) => {
            let is_bare_decimal = text.trim().eq_ignore_ascii_case("decimal");
            let message = if is_bare_decimal { "`decimal` needs its precision and scale".to_owned() } else { reason };
            let is_unknown = is_bare_decimal || message.starts_with("unknown type");
            let hint = if is_unknown { other_name(text) } else { None };
            let error = fields.error(node.span, &codes::CONTRACT, message);
            if is_unknown && hint.is_none() {
                error.expected = Some(types());
            }
            error.hint = hint;
            None
        }
    }
}

/// What a type of another system is called here.
fn other_name(text: &str) -> Option<String> {
    let word: String = text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let ours = match word.to_lowercase().as_str() {
        "varchar" | "text" | "char" | "character" | "str" | "utf8" | "nvarchar" | "uuid" | "enum" => "string",
        "integer" | "int4" | "int32" | "smallint" | "tinyint" | "int2" | "int16" | "int8" => "int",
        "long" | "int64" | "biginteger" | "hugeint" | "uint32" | "uint64" | "serial" => "bigint",
        "float" | "real" | "float4" | "float8" | "float64" | "float32" => "double",
        "bool" => "boolean",
        "decimal" | "numeric" | "number" | "money" => "decimal(18,2)",
        "datetime" | "timestamp_ntz" => "timestamp",
        "timestamp_tz" | "timestamp_ltz" => "timestamptz",
        "bytes" | "bytea" | "blob" | "varbinary" => "binary",
        "jsonb" | "variant" | "super" => "json",
        "array" => "list<…>",
        "object" | "record" | "row" => "struct<…>",
        other => did_you_mean(other, DataType::NAMES)?,
    };
    Some(format!("write `{ours}`"))
}

fn types() -> String {
    format!("one of {}", DataType::NAMES.join(", "))
}

fn same_ignoring_case(columns: &mut Fields<'_>) {
    let mut names: Vec<(String, &crate::yaml::Key)> =
        columns.map().entries.iter().map(|(key, _)| (key.text.to_lowercase(), key)).collect();
    // Stable: of two equal names the earlier in the file comes first.
    names.sort_by(|a, b| a.0.cmp(&b.0));
    for pair in names.windows(2) {
        if let [(first_name, first), (second_name, second)] = pair
            && first_name == second_name
        {
            let message = format!("the columns `{}` and `{}` differ only in case", first.text, second.text);
            columns.error(second.span, &codes::CONTRACT, message).hint =
                Some("names of columns differ ignoring case: rename one".to_owned());
        }
    }
}
