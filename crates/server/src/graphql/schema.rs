//! The schema that GraphQL shows, made from the [`Model`].
//!
//! Its resolvers do nothing: a query field is answered whole by [`super::fetch::Execution`], which is told of it by an
//! extension before they would come to it. The schema validates, describes, and answers introspection.
//!
//! Cost: linear in the columns of the tables in it, some 0.3 ms and 165 KB for a table of 15;
//! [`super::schemas`] keeps it.

use std::collections::BTreeSet;

use async_graphql::Value;
use async_graphql::dynamic::{
    Enum, EnumItem, Field, FieldFuture, InputObject, InputValue, Object, Scalar, Schema, SchemaBuilder, SchemaError,
    TypeRef,
};
use lockgate_types::DataType;

use super::answering::Answering;
use super::model::{Column, Model, Table, suffix};
use super::{NESTED_ROWS, ROWS, ROWS_MAX};

/// The type of query fields.
pub(super) const QUERY: &str = "Query";
const AT: &str = "At";
const DIRECTION: &str = "Direction";

const BIG_INT: &str = "BigInt";
const DOUBLE: &str = "Double";
const DECIMAL: &str = "Decimal";
const DATE: &str = "Date";
const TIMESTAMP: &str = "Timestamp";
const TIMESTAMPTZ: &str = "Timestamptz";
const JSON: &str = "JSON";
const BINARY: &str = "Binary";

/// Of these tables and the relations among them; of all when nobody says.
///
/// # Errors
/// Names that the library does not take; [`Model`] makes none.
pub(super) fn build(model: &Model, only: Option<&BTreeSet<usize>>) -> Result<Schema, SchemaError> {
    let mut query = Object::new(QUERY).description("One field per table, and one for groups of its rows.");
    let mut schema = Schema::build(QUERY, None, None).extension(Answering);
    for scalar in scalars() {
        schema = schema.register(scalar);
    }
    for filter in filters() {
        schema = schema.register(filter);
    }
    schema = schema
        .register(
            Enum::new(DIRECTION)
                .description("Null comes last either way.")
                .items([EnumItem::new("ASC"), EnumItem::new("DESC")]),
        )
        .register(
            InputObject::new(AT)
                .description("What to read instead of the live version.")
                .oneof()
                .field(InputValue::new("time", TypeRef::named(TypeRef::STRING)).description(
                    "The versions that were live then: RFC 3339, or a day (00:00 UTC). Nested fields too.",
                ))
                .field(
                    InputValue::new("version", TypeRef::named(BIG_INT))
                        .description("This version of the table. Nested fields read the live versions of theirs."),
                ),
        );
    let shows = |table: usize| only.is_none_or(|only| only.contains(&table));
    let mut is_empty = true;
    for (_, table) in model.tables.iter().enumerate().filter(|(index, _)| shows(*index)) {
        is_empty = false;
        query = query.field(rows_field(table)).field(groups_field(table));
        schema = table_types(schema, model, table, &shows);
    }
    if is_empty {
        // An object has to have a field.
        let text = nothing("lockgate", TypeRef::named(TypeRef::STRING));
        query = query.field(text.description("Nothing: the project has no tables yet."));
    }
    schema.register(query).finish()
}

/// A field that somebody else answers.
fn nothing(name: impl Into<String>, of: TypeRef) -> Field {
    Field::new(name, of, |_| FieldFuture::Value(None::<async_graphql::dynamic::FieldValue<'_>>))
}

fn rows_field(table: &Table) -> Field {
    let about = match &table.description {
        Some(text) => format!("{text}\n\nRows of `{}`.", table.name),
        None => format!("Rows of `{}`.", table.name),
    };
    let field = nothing(&table.field, TypeRef::named_nn_list(&table.field))
        .description(format!("{about} Without `orderBy` they come in any order, so pages by `offset` need one."));
    list_arguments(field, table, ROWS).argument(at())
}

fn groups_field(table: &Table) -> Field {
    let mut field = nothing(&table.groups, TypeRef::named_nn_list(&table.groups))
        .description(format!("Groups of rows of `{}`, in the order of `groupBy`; one group without it.", table.name))
        .argument(InputValue::new("where", TypeRef::named(table.type_name(suffix::WHERE))));
    if table.columns.iter().any(Column::is_plain) {
        let by = TypeRef::named_nn_list(table.type_name(suffix::COLUMN));
        field = field.argument(InputValue::new("groupBy", by));
    }
    field.argument(limit(ROWS)).argument(offset()).argument(at())
}

fn list_arguments(mut field: Field, table: &Table, rows: u64) -> Field {
    field = field.argument(InputValue::new("where", TypeRef::named(table.type_name(suffix::WHERE))));
    if table.columns.iter().any(Column::is_plain) {
        let order = TypeRef::named_nn_list(table.type_name(suffix::ORDER));
        field = field.argument(InputValue::new("orderBy", order));
    }
    field.argument(limit(rows)).argument(offset())
}

fn limit(rows: u64) -> InputValue {
    InputValue::new("limit", TypeRef::named(TypeRef::INT))
        .default_value(Value::from(rows))
        .description(format!("At most {ROWS_MAX}."))
}

fn offset() -> InputValue {
    InputValue::new("offset", TypeRef::named(TypeRef::INT)).default_value(Value::from(0))
}

fn at() -> InputValue {
    InputValue::new("at", TypeRef::named(AT))
}

fn table_types(
    mut schema: SchemaBuilder,
    model: &Model,
    table: &Table,
    shows: &dyn Fn(usize) -> bool,
) -> SchemaBuilder {
    let mut row = Object::new(&table.field).description(match &table.description {
        Some(text) => format!("A row of `{}`: {text}", table.name),
        None => format!("A row of `{}`.", table.name),
    });
    let mut filter = InputObject::new(table.type_name(suffix::WHERE))
        .description("All that is said has to hold. Null matches `isNull: true` alone, also under `ne` and `not`.");
    for word in ["and", "or"] {
        filter = filter.field(InputValue::new(word, TypeRef::named_nn_list(table.type_name(suffix::WHERE))));
    }
    filter = filter.field(InputValue::new("not", TypeRef::named(table.type_name(suffix::WHERE))));
    for column in &table.columns {
        row = row
            .field(nothing(&column.field, TypeRef::named(scalar_of(&column.data_type))).description(described(column)));
        filter = filter.field(InputValue::new(&column.field, TypeRef::named(filter_of(&column.data_type))));
    }
    for relation in table.relations.iter().filter(|relation| shows(relation.target)) {
        let target = &model.tables[relation.target];
        let columns = |table: &Table, columns: &[usize]| {
            columns.iter().map(|column| format!("`{}`", table.columns[*column].name)).collect::<Vec<_>>().join(", ")
        };
        let (ours, theirs) = (columns(table, &relation.ours), columns(target, &relation.theirs));
        let field = if relation.forward {
            nothing(&relation.field, TypeRef::named(&target.field))
                .description(format!("The row of `{}` whose {theirs} is this row's {ours}.", target.name))
        } else {
            let field = nothing(&relation.field, TypeRef::named_nn_list_nn(&target.field))
                .description(format!("Rows of `{}` whose {theirs} is this row's {ours}.", target.name));
            list_arguments(field, target, NESTED_ROWS)
        };
        row = row.field(field);
    }
    schema = schema.register(row).register(filter);
    if table.columns.iter().any(Column::is_plain) {
        let plain = || table.columns.iter().filter(|column| column.is_plain());
        let mut order = InputObject::new(table.type_name(suffix::ORDER)).oneof();
        let mut columns = Enum::new(table.type_name(suffix::COLUMN));
        for column in plain() {
            order = order.field(InputValue::new(&column.field, TypeRef::named(DIRECTION)));
            columns = columns.item(EnumItem::new(&column.field));
        }
        schema = schema.register(order).register(columns);
    }
    group_types(schema, table)
}

fn group_types(mut schema: SchemaBuilder, table: &Table) -> SchemaBuilder {
    let mut group = Object::new(&table.groups)
        .description(format!("A group of rows of `{}`.", table.name))
        .field(nothing("count", TypeRef::named_nn(BIG_INT)).description("How many rows it has."));
    let plain: Vec<&Column> = table.columns.iter().filter(|column| column.is_plain()).collect();
    let numbers: Vec<&Column> = table.columns.iter().filter(|column| column.is_number()).collect();
    let own = |column: &Column| scalar_of(&column.data_type);
    let sum = |column: &Column| match column.data_type {
        DataType::Int | DataType::Bigint => BIG_INT,
        _ => scalar_of(&column.data_type),
    };
    let average = |column: &Column| match column.data_type {
        DataType::Decimal(..) => DECIMAL,
        _ => DOUBLE,
    };
    let object = |suffix: &'static str, columns: &[&Column], scalar: &dyn Fn(&Column) -> &'static str| {
        let object = Object::new(table.type_name(suffix));
        columns
            .iter()
            .fold(object, |object, column| object.field(nothing(&column.field, TypeRef::named(scalar(column)))))
    };
    if !plain.is_empty() {
        schema =
            schema
                .register(object(suffix::VALUES, &plain, &own))
                .register(object(suffix::COUNTS, &plain, &|_| BIG_INT));
        let values = TypeRef::named_nn(table.type_name(suffix::VALUES));
        group = group
            .field(nothing("group", values.clone()).description("The columns of `groupBy`."))
            .field(
                nothing("countDistinct", TypeRef::named_nn(table.type_name(suffix::COUNTS)))
                    .description("Different values, null left out."),
            )
            .field(nothing("min", values.clone()))
            .field(nothing("max", values));
    }
    if !numbers.is_empty() {
        schema = schema.register(object(suffix::SUMS, &numbers, &sum)).register(object(
            suffix::AVERAGES,
            &numbers,
            &average,
        ));
        group = group
            .field(nothing("sum", TypeRef::named_nn(table.type_name(suffix::SUMS))).description("Null of no values."))
            .field(
                nothing("avg", TypeRef::named_nn(table.type_name(suffix::AVERAGES))).description("Null of no values."),
            );
    }
    schema.register(group)
}

fn described(column: &Column) -> String {
    let mut text = format!("`{}`", column.data_type);
    if column.field != column.name {
        text.push_str(&format!(", the column `{}`", column.name));
    }
    if column.pii {
        text.push_str(", **personal data**");
    }
    if let Some(description) = &column.description {
        text.push_str(&format!(": {description}"));
    }
    text
}

fn scalar_of(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => TypeRef::BOOLEAN,
        DataType::Int => TypeRef::INT,
        DataType::Bigint => BIG_INT,
        DataType::Double => DOUBLE,
        DataType::Decimal(..) => DECIMAL,
        DataType::String => TypeRef::STRING,
        DataType::Date => DATE,
        DataType::Timestamp => TIMESTAMP,
        DataType::Timestamptz => TIMESTAMPTZ,
        DataType::Binary => BINARY,
        DataType::Json | DataType::List(_) | DataType::Struct(_) => JSON,
    }
}

fn filter_of(data_type: &DataType) -> String {
    let scalar = scalar_of(data_type);
    match scalar {
        JSON | BINARY => "Null_where".to_owned(),
        scalar => format!("{scalar}_where"),
    }
}

fn scalars() -> [Scalar; 8] {
    let of = |name: &str, text: &str| Scalar::new(name).description(text);
    [
        of(BIG_INT, "A whole number of 64 bits: a number as far as JSON holds it exactly (2⁵³), beyond that a text."),
        of(DOUBLE, "A number; NaN and the infinities are the texts `NaN`, `inf` and `-inf`."),
        of(DECIMAL, "A decimal number, exact, as a text."),
        of(DATE, "A day: `2026-11-01`."),
        of(TIMESTAMP, "A date and time without a zone: `2026-11-01 06:30:00`, up to microseconds."),
        of(TIMESTAMPTZ, "An instant in UTC: `2026-11-01T06:30:00Z`, up to microseconds."),
        of(JSON, "Any JSON."),
        of(BINARY, "Bytes, as hexadecimal digits."),
    ]
}

/// What a column of each type can be compared by.
fn filters() -> Vec<InputObject> {
    let null = |object: InputObject| object.field(InputValue::new("isNull", TypeRef::named(TypeRef::BOOLEAN)));
    let mut filters = vec![null(InputObject::new("Null_where"))];
    let scalars =
        [TypeRef::BOOLEAN, TypeRef::INT, BIG_INT, DOUBLE, DECIMAL, TypeRef::STRING, DATE, TIMESTAMP, TIMESTAMPTZ];
    for scalar in scalars {
        let mut filter = null(InputObject::new(format!("{scalar}_where")));
        for operator in ["eq", "ne", "lt", "lte", "gt", "gte"] {
            filter = filter.field(InputValue::new(operator, TypeRef::named(scalar)));
        }
        for operator in ["in", "notIn"] {
            filter = filter.field(InputValue::new(operator, TypeRef::named_nn_list(scalar)));
        }
        if scalar == TypeRef::STRING {
            for (operator, text) in [
                ("like", "`%` is any text and `_` any character."),
                ("ilike", "Like `like`, whatever the case of letters."),
                ("startsWith", "Begins with exactly this."),
                ("contains", "Has exactly this in it."),
            ] {
                filter = filter.field(InputValue::new(operator, TypeRef::named(scalar)).description(text));
            }
        }
        filters.push(filter);
    }
    filters
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot go on should say where

    use super::super::model::tests::made_up;
    use super::build;

    #[test]
    fn it_is_made_of_many_tables() {
        let schema = build(&made_up(300, 15), None).unwrap();
        assert!(schema.sdl().contains("type raw__table299_values"));
        let some = build(&made_up(300, 15), Some(&[7, 8].into())).unwrap().sdl();
        assert!(some.contains("raw__table7: raw__table7") && !some.contains("raw__table6"));
    }
}
