//! The schema as `metaData.schemaString` has it.

use lockgate_types::schema::TYPE_KEY;
use lockgate_types::{DataType, Schema};
use serde_json::{Map, Value, json};

/// Every column is nullable, as in [`Schema::to_arrow`].
pub(crate) fn schema_string(schema: &Schema) -> String {
    let fields: Vec<Value> = schema
        .columns
        .iter()
        .map(|column| field(&column.name, &column.data_type, column.description.as_deref()))
        .collect();
    json!({"type": "struct", "fields": fields}).to_string()
}

fn field(name: &str, data_type: &DataType, comment: Option<&str>) -> Value {
    let mut metadata = Map::new();
    if let Some(comment) = comment {
        metadata.insert("comment".to_owned(), comment.into());
    }
    if *data_type == DataType::Json {
        metadata.insert(TYPE_KEY.to_owned(), "json".into());
    }
    json!({"name": name, "type": type_value(data_type), "nullable": true, "metadata": metadata})
}

fn type_value(data_type: &DataType) -> Value {
    match data_type {
        DataType::Boolean => "boolean".into(),
        DataType::Int => "integer".into(),
        DataType::Bigint => "long".into(),
        DataType::Double => "double".into(),
        DataType::Decimal(precision, scale) => format!("decimal({precision},{scale})").into(),
        DataType::String | DataType::Json => "string".into(),
        DataType::Binary => "binary".into(),
        DataType::Date => "date".into(),
        DataType::Timestamp => "timestamp_ntz".into(),
        DataType::Timestamptz => "timestamp".into(),
        DataType::List(item) => json!({"type": "array", "elementType": type_value(item), "containsNull": true}),
        DataType::Struct(fields) => {
            let fields: Vec<Value> = fields.iter().map(|(name, data_type)| field(name, data_type, None)).collect();
            json!({"type": "struct", "fields": fields})
        }
    }
}

/// Whether a timestamp without a zone is anywhere in it, which needs a table feature.
pub(crate) fn has_timestamp_ntz(schema: &Schema) -> bool {
    fn in_type(data_type: &DataType) -> bool {
        match data_type {
            DataType::Timestamp => true,
            DataType::List(item) => in_type(item),
            DataType::Struct(fields) => fields.iter().any(|(_, data_type)| in_type(data_type)),
            DataType::Boolean
            | DataType::Int
            | DataType::Bigint
            | DataType::Double
            | DataType::Decimal(..)
            | DataType::String
            | DataType::Binary
            | DataType::Date
            | DataType::Timestamptz
            | DataType::Json => false,
        }
    }
    schema.columns.iter().any(|column| in_type(&column.data_type))
}
