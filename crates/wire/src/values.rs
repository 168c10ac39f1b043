//! Types and values as PostgreSQL has them.

mod binary;
mod numeric;
mod parameter;
mod text;
mod write;

use arrow::datatypes::{DataType as Arrow, Field, IntervalUnit};
use lockgate_types::schema::TYPE_KEY;

pub(crate) use parameter::literal;
pub(crate) use write::{Writer, writer};

/// The key of field metadata that says which Postgres type a column of the catalogue has, where Arrow's does not tell.
pub(crate) const POSTGRES_TYPE: &str = "lockgate.postgres";

/// A type of PostgreSQL's, as far as Lockgate's values come in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Bool,
    Int2,
    Int4,
    Int8,
    Oid,
    Float4,
    Float8,
    /// Precision and scale.
    Numeric(u8, i8),
    Text,
    Name,
    Char,
    Bytea,
    Date,
    Time,
    Timestamp,
    Timestamptz,
    Interval,
    Json,
    Array(Box<Type>),
}

/// A column of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) data_type: Type,
}

impl Column {
    pub(crate) fn of(field: &Field) -> Self {
        Column { name: field.name().clone(), data_type: Type::of(field) }
    }
}

impl Type {
    /// What has no type of its own there is told as JSON.
    pub(crate) fn of(field: &Field) -> Type {
        if field.metadata().get(TYPE_KEY).is_some_and(|kind| kind == "json") {
            return Type::Json;
        }
        match field.metadata().get(POSTGRES_TYPE).map(String::as_str) {
            Some("oid") => return Type::Oid,
            Some("name") => return Type::Name,
            Some("char") => return Type::Char,
            _ => {}
        }
        match field.data_type() {
            Arrow::Boolean => Type::Bool,
            Arrow::Int8 | Arrow::Int16 | Arrow::UInt8 => Type::Int2,
            Arrow::Int32 | Arrow::UInt16 => Type::Int4,
            Arrow::Int64 | Arrow::UInt32 | Arrow::UInt64 => Type::Int8,
            Arrow::Float16 | Arrow::Float32 => Type::Float4,
            Arrow::Float64 => Type::Float8,
            Arrow::Decimal32(p, s) | Arrow::Decimal64(p, s) | Arrow::Decimal128(p, s) | Arrow::Decimal256(p, s) => {
                Type::Numeric(*p, *s)
            }
            Arrow::Binary | Arrow::LargeBinary | Arrow::BinaryView | Arrow::FixedSizeBinary(_) => Type::Bytea,
            Arrow::Date32 | Arrow::Date64 => Type::Date,
            Arrow::Time32(_) | Arrow::Time64(_) => Type::Time,
            Arrow::Timestamp(_, None) => Type::Timestamp,
            Arrow::Timestamp(_, Some(_)) => Type::Timestamptz,
            Arrow::Interval(IntervalUnit::YearMonth | IntervalUnit::DayTime | IntervalUnit::MonthDayNano)
            | Arrow::Duration(_) => Type::Interval,
            Arrow::List(item) | Arrow::LargeList(item) => match Type::of(item) {
                // PostgreSQL's arrays of arrays are rectangles; lists of lists are not.
                Type::Array(_) => Type::Json,
                Type::Json if matches!(item.data_type(), Arrow::Struct(_) | Arrow::Map(..)) => Type::Json,
                item => Type::Array(Box::new(item)),
            },
            Arrow::Dictionary(_, value) => Type::of(&Field::new("", (**value).clone(), true)),
            Arrow::Struct(_) | Arrow::Map(..) => Type::Json,
            _ => Type::Text,
        }
    }

    pub(crate) fn oid(&self) -> u32 {
        match self {
            Type::Bool => 16,
            Type::Bytea => 17,
            Type::Char => 18,
            Type::Name => 19,
            Type::Int8 => 20,
            Type::Int2 => 21,
            Type::Int4 => 23,
            Type::Text => 25,
            Type::Oid => 26,
            Type::Json => 114,
            Type::Float4 => 700,
            Type::Float8 => 701,
            Type::Date => 1082,
            Type::Time => 1083,
            Type::Timestamp => 1114,
            Type::Timestamptz => 1184,
            Type::Interval => 1186,
            Type::Numeric(..) => 1700,
            Type::Array(item) => match &**item {
                Type::Bool => 1000,
                Type::Bytea => 1001,
                Type::Char => 1002,
                Type::Name => 1003,
                Type::Int2 => 1005,
                Type::Int4 => 1007,
                Type::Text | Type::Array(_) => 1009,
                Type::Int8 => 1016,
                Type::Oid => 1028,
                Type::Json => 199,
                Type::Float4 => 1021,
                Type::Float8 => 1022,
                Type::Date => 1182,
                Type::Time => 1183,
                Type::Timestamp => 1115,
                Type::Timestamptz => 1185,
                Type::Interval => 1187,
                Type::Numeric(..) => 1231,
            },
        }
    }

    /// A parameter's type by its number; `None` when it is unknown here, or left to us (0).
    pub(crate) fn by_oid(oid: u32) -> Option<Type> {
        let scalars = [
            Type::Bool,
            Type::Bytea,
            Type::Char,
            Type::Name,
            Type::Int8,
            Type::Int2,
            Type::Int4,
            Type::Text,
            Type::Oid,
            Type::Json,
            Type::Float4,
            Type::Float8,
            Type::Date,
            Type::Time,
            Type::Timestamp,
            Type::Timestamptz,
            Type::Interval,
            Type::Numeric(0, 0),
        ];
        match oid {
            // varchar, bpchar, unknown, uuid, xml and their like come as their text.
            1042 | 1043 | 705 => return Some(Type::Text),
            1014 | 1015 => return Some(Type::Array(Box::new(Type::Text))),
            3802 => return Some(Type::Json),
            _ => {}
        }
        scalars.into_iter().find_map(|scalar| {
            if scalar.oid() == oid {
                return Some(scalar);
            }
            let array = Type::Array(Box::new(scalar));
            (array.oid() == oid).then_some(array)
        })
    }

    /// Bytes of a value, or -1 when they differ.
    pub(crate) fn size(&self) -> i16 {
        match self {
            Type::Bool | Type::Char => 1,
            Type::Int2 => 2,
            Type::Int4 | Type::Oid | Type::Float4 | Type::Date => 4,
            Type::Int8 | Type::Float8 | Type::Time | Type::Timestamp | Type::Timestamptz => 8,
            Type::Interval => 16,
            Type::Name => 64,
            Type::Numeric(..) | Type::Text | Type::Bytea | Type::Json | Type::Array(_) => -1,
        }
    }

    /// `atttypmod`: precision and scale of a `numeric`, -1 of everything else.
    pub(crate) fn modifier(&self) -> i32 {
        match self {
            Type::Numeric(precision, scale) if *precision > 0 => {
                ((i32::from(*precision) << 16) | (i32::from(*scale) & 0x7ff)) + 4
            }
            _ => -1,
        }
    }

    /// As SQL casts to it.
    pub(crate) fn sql(&self) -> String {
        match self {
            Type::Bool => "boolean".to_owned(),
            Type::Int2 => "smallint".to_owned(),
            Type::Int4 => "int".to_owned(),
            Type::Int8 | Type::Oid => "bigint".to_owned(),
            Type::Float4 => "real".to_owned(),
            Type::Float8 => "double".to_owned(),
            Type::Numeric(0, _) => "decimal(38, 10)".to_owned(),
            Type::Numeric(precision, scale) => format!("decimal({precision}, {scale})"),
            Type::Text | Type::Name | Type::Char | Type::Json => "string".to_owned(),
            Type::Bytea => "bytea".to_owned(),
            Type::Date => "date".to_owned(),
            Type::Time => "time".to_owned(),
            Type::Timestamp => "timestamp".to_owned(),
            Type::Timestamptz => "timestamptz".to_owned(),
            Type::Interval => "interval".to_owned(),
            Type::Array(item) => format!("{}[]", item.sql()),
        }
    }
}

#[cfg(test)]
mod tests;
