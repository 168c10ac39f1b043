//! Plans as SQL. Nothing of a request but what [`super::literal`] and [`super::filter`] wrote gets into it: names are the
//! project's, aliases are made here, numbers are numbers.

use lockgate_types::{AssetName, DataType, VersionNumber};

use super::filter::column_sql;
use super::literal::Literal;
use super::model::Table;
use super::plan::{Aggregate, Groups, Rows};
use crate::problem::ApiResult;

/// The rows of a query field: columns `c0`, `c1` ….
pub(super) fn rows(table: &Table, version: VersionNumber, rows: &Rows) -> ApiResult<String> {
    let mut sql = format!("select {} from {}", columns(table, rows)?, from(&table.name, version));
    if let Some(filter) = &rows.filter {
        sql.push_str(&format!(" where {filter}"));
    }
    let order = order(table, rows)?;
    if !order.is_empty() {
        sql.push_str(&format!(" order by {}", order.join(", ")));
    }
    sql.push_str(&format!(" limit {} offset {}", rows.limit, rows.offset));
    Ok(sql)
}

/// The rows that belong to any of `keys`, at most `limit` of each: the columns, then the key as `k0`, `k1` …. Those of one
/// key come in their order.
pub(super) fn nested(
    table: &Table,
    version: VersionNumber,
    rows: &Rows,
    theirs: &[usize],
    keys: &[Vec<Literal>],
) -> ApiResult<String> {
    let key: Vec<String> = theirs.iter().map(|column| column_sql(&table.columns[*column])).collect::<ApiResult<_>>()?;
    let order = order(table, rows)?;
    let order = if order.is_empty() { &key } else { &order };
    let mut from = from(&table.name, version);
    let mut conditions: Vec<String> = rows.filter.iter().cloned().collect();
    if let [key] = &key[..] {
        let values: Vec<String> = keys.iter().flatten().map(Literal::sql).collect();
        conditions.insert(0, format!("{key} in ({})", values.join(", ")));
    } else {
        let values: Vec<String> = keys
            .iter()
            .map(|key| format!("({})", key.iter().map(Literal::sql).collect::<Vec<_>>().join(", ")))
            .collect();
        let names: Vec<String> = (0..key.len()).map(|index| format!("v{index}")).collect();
        let equal: Vec<String> = key.iter().zip(&names).map(|(key, name)| format!("{key} = v.{name}")).collect();
        from.push_str(&format!(
            " join (values {}) as v({}) on {}",
            values.join(", "),
            names.join(", "),
            equal.join(" and ")
        ));
    }
    let filter = if conditions.is_empty() { String::new() } else { format!(" where {}", conditions.join(" and ")) };
    let named: Vec<String> = key.iter().enumerate().map(|(index, key)| format!("{key} as k{index}")).collect();
    let out: Vec<String> = (0..rows.columns.len().max(1))
        .map(|index| format!("r.c{index}"))
        .chain((0..key.len()).map(|index| format!("r.k{index}")))
        .collect();
    Ok(format!(
        "select {} from (select {}, {}, row_number() over (partition by {} order by {}) as rn from {from}{filter}) as r \
         where r.rn > {} and r.rn <= {} order by r.rn",
        out.join(", "),
        columns(table, rows)?,
        named.join(", "),
        key.join(", "),
        order.join(", "),
        rows.offset,
        rows.offset + rows.limit,
    ))
}

/// The groups of a query field, in the order of what they are grouped by.
pub(super) fn groups(table: &Table, version: VersionNumber, groups: &Groups) -> ApiResult<String> {
    let by: Vec<String> =
        groups.by.iter().map(|column| column_sql(&table.columns[*column])).collect::<ApiResult<_>>()?;
    let mut values = by.clone();
    for (aggregate, column) in &groups.values {
        let column = &table.columns[*column];
        let name = if *aggregate == Aggregate::Count { String::new() } else { column_sql(column)? };
        values.push(match aggregate {
            Aggregate::Count => "count(*)".to_owned(),
            Aggregate::Distinct => format!("count(distinct {name})"),
            // 64 bits could overflow in silence.
            Aggregate::Sum if column.data_type == DataType::Bigint => {
                format!("sum(arrow_cast({name}, 'Decimal128(38, 0)'))")
            }
            Aggregate::Sum => format!("sum({name})"),
            Aggregate::Average => format!("avg({name})"),
            Aggregate::Least => format!("min({name})"),
            Aggregate::Greatest => format!("max({name})"),
        });
    }
    let mut selected: Vec<String> =
        values.iter().enumerate().map(|(index, value)| format!("{value} as c{index}")).collect();
    if groups.values.is_empty() {
        selected.push("count(*) as n".to_owned());
    }
    let mut sql = format!("select {} from {}", selected.join(", "), from(&table.name, version));
    if let Some(filter) = &groups.filter {
        sql.push_str(&format!(" where {filter}"));
    }
    if !by.is_empty() {
        sql.push_str(&format!(" group by {0} order by {0}", by.join(", ")));
    }
    sql.push_str(&format!(" limit {} offset {}", groups.limit, groups.offset));
    Ok(sql)
}

fn from(name: &AssetName, version: VersionNumber) -> String {
    format!("version('{name}', {}) as t", version.0)
}

fn columns(table: &Table, rows: &Rows) -> ApiResult<String> {
    if rows.columns.is_empty() {
        return Ok("1 as c0".to_owned());
    }
    let columns = rows.columns.iter().enumerate();
    let columns: Vec<String> = columns
        .map(|(index, column)| Ok(format!("{} as c{index}", column_sql(&table.columns[*column])?)))
        .collect::<ApiResult<_>>()?;
    Ok(columns.join(", "))
}

fn order(table: &Table, rows: &Rows) -> ApiResult<Vec<String>> {
    let order = rows.order.iter();
    order
        .map(|(column, descending)| {
            let direction = if *descending { "desc nulls last" } else { "asc nulls last" };
            Ok(format!("{} {direction}", column_sql(&table.columns[*column])?))
        })
        .collect()
}
