//! Types and schemas, and their one mapping to and from Arrow.

use std::fmt;
use std::sync::Arc;

use arrow_schema::{DataType as Arrow, Field, Fields, TimeUnit};
use serde::{Deserialize, Serialize};

/// The types a column may have. Timestamps are microseconds: `timestamp` without a zone, `timestamptz` in UTC.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DataType {
    Boolean,
    /// 32 bits.
    Int,
    /// 64 bits.
    Bigint,
    Double,
    /// Precision 1 to 38, scale 0 to precision.
    Decimal(u8, i8),
    String,
    Binary,
    Date,
    Timestamp,
    Timestamptz,
    /// UTF-8 text that is JSON; an Arrow string whose field says `lockgate.type = json`.
    Json,
    List(Box<DataType>),
    Struct(Vec<(String, DataType)>),
}

/// The key of the Arrow field metadata that tells `json` from `string`.
pub const TYPE_KEY: &str = "lockgate.type";

impl DataType {
    /// Reads `decimal(15,2)`, `list<int>`, `struct<a: int, b: list<string>>`, any case, any spaces.
    pub fn parse(text: &str) -> Result<DataType, String> {
        let mut parser = Parser { rest: text.trim() };
        let parsed = parser.data_type()?;
        if parser.rest.is_empty() { Ok(parsed) } else { Err(format!("unexpected `{}` after the type", parser.rest)) }
    }

    /// The names that `parse` knows, for messages.
    pub const NAMES: [&'static str; 13] = [
        "boolean",
        "int",
        "bigint",
        "double",
        "decimal(p,s)",
        "string",
        "binary",
        "date",
        "timestamp",
        "timestamptz",
        "json",
        "list<…>",
        "struct<…>",
    ];

    pub fn to_arrow(&self) -> Arrow {
        match self {
            DataType::Boolean => Arrow::Boolean,
            DataType::Int => Arrow::Int32,
            DataType::Bigint => Arrow::Int64,
            DataType::Double => Arrow::Float64,
            DataType::Decimal(precision, scale) => Arrow::Decimal128(*precision, *scale),
            DataType::String | DataType::Json => Arrow::Utf8,
            DataType::Binary => Arrow::Binary,
            DataType::Date => Arrow::Date32,
            DataType::Timestamp => Arrow::Timestamp(TimeUnit::Microsecond, None),
            DataType::Timestamptz => Arrow::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            DataType::List(item) => Arrow::List(Arc::new(item.to_field("element", true))),
            DataType::Struct(fields) => {
                Arrow::Struct(fields.iter().map(|(name, kind)| kind.to_field(name, true)).collect::<Fields>())
            }
        }
    }

    /// An Arrow field of this type.
    pub fn to_field(&self, name: &str, nullable: bool) -> Field {
        let field = Field::new(name, self.to_arrow(), nullable);
        match self {
            DataType::Json => field.with_metadata([(TYPE_KEY.to_owned(), "json".to_owned())].into()),
            _ => field,
        }
    }

    /// The type that holds every value of an engine's output field; narrower integers, floats and time units
    /// widen. `Err` says what to cast to when no type does. A 64-bit unsigned becomes a bigint; the cast that
    /// follows is checked.
    pub fn from_arrow(field: &Field) -> Result<DataType, String> {
        if field.metadata().get(TYPE_KEY).is_some_and(|kind| kind == "json") {
            return Ok(DataType::Json);
        }
        Ok(match field.data_type() {
            Arrow::Boolean => DataType::Boolean,
            Arrow::Int8 | Arrow::Int16 | Arrow::Int32 | Arrow::UInt8 | Arrow::UInt16 => DataType::Int,
            Arrow::Int64 | Arrow::UInt32 | Arrow::UInt64 => DataType::Bigint,
            Arrow::Float16 | Arrow::Float32 | Arrow::Float64 => DataType::Double,
            Arrow::Decimal32(p, s) | Arrow::Decimal64(p, s) | Arrow::Decimal128(p, s) => DataType::Decimal(*p, *s),
            Arrow::Decimal256(p, s) if *p <= 38 => DataType::Decimal(*p, *s),
            Arrow::Utf8 | Arrow::LargeUtf8 | Arrow::Utf8View => DataType::String,
            Arrow::Binary | Arrow::LargeBinary | Arrow::BinaryView | Arrow::FixedSizeBinary(_) => DataType::Binary,
            Arrow::Date32 | Arrow::Date64 => DataType::Date,
            Arrow::Timestamp(_, None) => DataType::Timestamp,
            Arrow::Timestamp(_, Some(_)) => DataType::Timestamptz,
            Arrow::Dictionary(_, value) => DataType::from_arrow(&Field::new(field.name(), (**value).clone(), true))?,
            Arrow::List(item) | Arrow::LargeList(item) | Arrow::ListView(item) | Arrow::FixedSizeList(item, _) => {
                DataType::List(Box::new(DataType::from_arrow(item)?))
            }
            Arrow::Struct(fields) => DataType::Struct(
                fields
                    .iter()
                    .map(|field| Ok((field.name().clone(), DataType::from_arrow(field)?)))
                    .collect::<Result<_, String>>()?,
            ),
            Arrow::Null => return Err("a column that is only null has no type: cast it, `null::string`".to_owned()),
            other => return Err(format!("{other} has no place in a table: cast it")),
        })
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DataType::Boolean => f.write_str("boolean"),
            DataType::Int => f.write_str("int"),
            DataType::Bigint => f.write_str("bigint"),
            DataType::Double => f.write_str("double"),
            DataType::Decimal(precision, scale) => write!(f, "decimal({precision},{scale})"),
            DataType::String => f.write_str("string"),
            DataType::Binary => f.write_str("binary"),
            DataType::Date => f.write_str("date"),
            DataType::Timestamp => f.write_str("timestamp"),
            DataType::Timestamptz => f.write_str("timestamptz"),
            DataType::Json => f.write_str("json"),
            DataType::List(item) => write!(f, "list<{item}>"),
            DataType::Struct(fields) => {
                f.write_str("struct<")?;
                for (index, (name, kind)) in fields.iter().enumerate() {
                    write!(f, "{}{name}: {kind}", if index > 0 { ", " } else { "" })?;
                }
                f.write_str(">")
            }
        }
    }
}

impl Serialize for DataType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DataType {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DataType::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn word(&mut self) -> String {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        word.to_owned()
    }

    fn eat(&mut self, token: char) -> Result<(), String> {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest.trim_start();
                Ok(())
            }
            None => Err(format!("expected `{token}` before `{}`", self.rest)),
        }
    }

    fn number(&mut self) -> Result<u8, String> {
        let word = self.word();
        word.parse().map_err(|_| format!("`{word}` is not a number of digits"))
    }

    fn data_type(&mut self) -> Result<DataType, String> {
        let word = self.word().to_lowercase();
        Ok(match word.as_str() {
            "boolean" => DataType::Boolean,
            "int" => DataType::Int,
            "bigint" => DataType::Bigint,
            "double" => DataType::Double,
            "decimal" => {
                self.eat('(')?;
                let precision = self.number()?;
                self.eat(',')?;
                let scale = self.number()?;
                self.eat(')')?;
                if !(1..=38).contains(&precision) || scale > precision {
                    return Err(format!(
                        "decimal({precision},{scale}) is out of range: precision is 1 to 38, scale 0 to precision"
                    ));
                }
                DataType::Decimal(precision, i8::try_from(scale).unwrap_or(0))
            }
            "string" => DataType::String,
            "binary" => DataType::Binary,
            "date" => DataType::Date,
            "timestamp" => DataType::Timestamp,
            "timestamptz" => DataType::Timestamptz,
            "json" => DataType::Json,
            "list" => {
                self.eat('<')?;
                let item = self.data_type()?;
                self.eat('>')?;
                DataType::List(Box::new(item))
            }
            "struct" => {
                self.eat('<')?;
                let mut fields = Vec::new();
                loop {
                    let name = self.word();
                    self.eat(':')?;
                    fields.push((name, self.data_type()?));
                    if self.eat(',').is_err() {
                        break;
                    }
                }
                self.eat('>')?;
                DataType::Struct(fields)
            }
            "" => return Err("a type is missing".to_owned()),
            _ => return Err(format!("unknown type `{word}`")),
        })
    }
}

/// One column of a version or of a contract.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    #[serde(rename = "type")]
    pub data_type: DataType,
    /// Null is refused on the way in.
    #[serde(default)]
    pub required: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Personal data.
    #[serde(default)]
    pub pii: bool,
}

impl Column {
    pub fn new(name: impl Into<String>, data_type: DataType) -> Self {
        Column { name: name.into(), data_type, required: false, description: None, pii: false }
    }
}

/// Columns in order. Names differ ignoring case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Schema {
    pub columns: Vec<Column>,
}

impl Schema {
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Every column is nullable in Arrow: `required` is a check on the way in, and a table's files must stay
    /// readable when it is lifted.
    pub fn to_arrow(&self) -> arrow_schema::SchemaRef {
        Arc::new(arrow_schema::Schema::new(
            self.columns.iter().map(|column| column.data_type.to_field(&column.name, true)).collect::<Fields>(),
        ))
    }

    /// `Err` names the first column that has no type here, with the reason.
    pub fn from_arrow(schema: &arrow_schema::Schema) -> Result<Schema, String> {
        let columns = schema
            .fields()
            .iter()
            .map(|field| match DataType::from_arrow(field) {
                Ok(data_type) => Ok(Column::new(field.name().clone(), data_type)),
                Err(reason) => Err(format!("column `{}`: {reason}", field.name())),
            })
            .collect::<Result<_, _>>()?;
        Ok(Schema { columns })
    }
}
