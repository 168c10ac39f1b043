//! The diagnostics of SQL: `LG02xx`.

use lockgate_types::Code;

/// All of this crate's.
pub const CODES: &[&Code] = &[
    &SYNTAX,
    &NOT_ONE_QUERY,
    &NOT_ALLOWED,
    &UNKNOWN_TABLE,
    &TABLE_NAME,
    &UNKNOWN_COLUMN,
    &AMBIGUOUS_COLUMN,
    &TYPE_MISMATCH,
    &UNKNOWN_FUNCTION,
    &UNNAMED_COLUMN,
    &DUPLICATE_COLUMN,
    &NO_TYPE,
    &UNKNOWN_VARIABLE,
    &SQL_FUNCTION,
    &UNPLANNABLE,
    &TOO_LARGE,
    &GROUPING,
    &NOT_BOOLEAN,
    &DOES_NOT_FIT,
    &OUT_OF_MEMORY,
    &EXECUTION,
    &UNREADABLE,
    &ENGINE,
];

pub(crate) static SYNTAX: Code = Code {
    id: "LG0201",
    title: "sql syntax error",
    text: "The SQL cannot be read. The place is where reading stopped; the mistake is there or just before it.

```sql
select region, from raw.load      -- unexpected `from`: an expression was expected after the comma
```",
};

pub(crate) static NOT_ONE_QUERY: Code = Code {
    id: "LG0202",
    title: "not one query",
    text: "An asset's SQL is exactly one `SELECT` (with CTEs, unions and subqueries as you like). Other statements (`insert`, `create`,
`drop`, `copy`, `set`) and several statements in one file are refused: what the query yields is what the asset holds, and nothing else happens.",
};

pub(crate) static NOT_ALLOWED: Code = Code {
    id: "LG0203",
    title: "not allowed in an asset's sql",
    text: "SQL reads assets, and only assets: not files (`from 'data.csv'`, `read_csv(…)`), because then nobody could say
which version of the input a result came from. Describe the file as an asset of kind `source` and read that. Positional parameters (`$1`),
`select … into`, locks and other syntax that writes are refused as well. Of table functions there are `generate_series`, `range` and `unnest`.",
};

pub(crate) static UNKNOWN_TABLE: Code = Code {
    id: "LG0204",
    title: "unknown table",
    text: "The query reads a table that is no asset of this project. The file `assets/raw/orders.yml` is the table
`raw.orders`: the first folder is the schema, the file's stem the table.",
};

pub(crate) static TABLE_NAME: Code = Code {
    id: "LG0205",
    title: "not a table's name",
    text: "A table is written `schema.table`, both in lowercase letters, digits and `_`. A name with one part is only ever a CTE of the same
query.

```sql
select * from orders          -- which schema?
select * from raw.orders
```",
};

pub(crate) static UNKNOWN_COLUMN: Code = Code {
    id: "LG0206",
    title: "unknown column",
    text: "None of the tables in scope has this column. Names without quotes are taken in lowercase; a column that was
created with capitals is written in double quotes.",
};

pub(crate) static AMBIGUOUS_COLUMN: Code = Code {
    id: "LG0207",
    title: "ambiguous column",
    text: "More than one table in scope has this column. Say which one is meant.

```sql
select day from a join b using (id)       -- both have `day`
select a.day from a join b using (id)
```",
};

pub(crate) static TYPE_MISMATCH: Code = Code {
    id: "LG0208",
    title: "types do not match",
    text: "An operator, a function, a `case` or a union meets types that do not go together, such as a number and a
date. Cast one side: `amount::double`, `day::date`.",
};

pub(crate) static UNKNOWN_FUNCTION: Code = Code {
    id: "LG0209",
    title: "unknown function",
    text: "No built-in function and no function of `functions/*.sql` has this name.",
};

pub(crate) static UNNAMED_COLUMN: Code = Code {
    id: "LG0210",
    title: "a column has no name",
    text: "Every column that a query yields has a name that can be stored. An expression needs an alias.

```sql
select count(*) from raw.orders               -- which name?
select count(*) as orders from raw.orders
```",
};

pub(crate) static DUPLICATE_COLUMN: Code = Code {
    id: "LG0211",
    title: "two columns of one name",
    text: "The columns that a query yields differ, also when capitals are ignored: readers of the table outside Lockgate do not tell `Day` from
`day`.",
};

pub(crate) static NO_TYPE: Code = Code {
    id: "LG0212",
    title: "a column has no type that can be stored",
    text: "A column of the result has a type that tables do not have, such as an interval, a time of day, or a column that is
null in every row. Cast it: `null::string`, `extract(epoch from gap)::bigint`.",
};

pub(crate) static UNKNOWN_VARIABLE: Code = Code {
    id: "LG0213",
    title: "unknown variable",
    text: "`$name` stands for a variable of `lockgate.yml` (`vars`), or for `$run_at`, the run's logical time.
Variables are values with a type; they never become part of the SQL's text, so they cannot stand for names of tables or columns.",
};

pub(crate) static SQL_FUNCTION: Code = Code {
    id: "LG0214",
    title: "a sql function is wrong",
    text: "Files under `functions/` hold `create function` statements whose body is one expression over the arguments.

```sql
create function net(gross double, rate double) returns double
return gross / (1 + rate);
```

Arguments have names and types; the body uses nothing but them, other functions and constants; functions do not call themselves.",
};

pub(crate) static UNPLANNABLE: Code = Code {
    id: "LG0215",
    title: "the query cannot be planned",
    text: "The SQL is well formed, but the engine has no plan for it: a feature that it does not have, or a combination that makes no
sense. The message is the engine's own.",
};

pub(crate) static TOO_LARGE: Code = Code {
    id: "LG0216",
    title: "too long or too deep",
    text: "Planning takes memory for every level of nesting. A thousand conditions chained with `or` are better an `in (…)` list or a join with a
table.",
};

pub(crate) static GROUPING: Code = Code {
    id: "LG0217",
    title: "not in group by",
    text: "With `group by`, a column in `select`, `having` or `order by` is either grouped by or inside an aggregate such as `max(…)`.",
};

pub(crate) static NOT_BOOLEAN: Code = Code {
    id: "LG0218",
    title: "not true or false",
    text: "A check's `expect` and `where` are conditions: expressions that are true or false for a row.",
};

pub(crate) static DOES_NOT_FIT: Code = Code {
    id: "LG0220",
    title: "a value does not fit its column",
    text: "While the query ran, a value came that its column's type does not hold: a number beyond 64 bits, a decimal with too many
digits, an instant out of range. Nothing is cut off or turned to null in silence; cast in the query to say what you want.",
};

pub(crate) static OUT_OF_MEMORY: Code = Code {
    id: "LG0221",
    title: "not enough memory",
    text: "The query needs more than `engine.memory` even after spilling to disk and joining by sorting. Raise `engine.memory` in
`lockgate.yml`, or make the query smaller: aggregate before joining, split it into two assets.",
};

pub(crate) static EXECUTION: Code = Code {
    id: "LG0222",
    title: "the query failed while it ran",
    text: "A value made an expression impossible, such as a division by zero or a text that is no number. `try_cast(x as double)` and
`nullif(x, 0)` yield null instead.",
};

pub(crate) static UNREADABLE: Code = Code {
    id: "LG0223",
    title: "a version's file cannot be read",
    text: "A Parquet file that belongs to a version is missing or damaged. Lockgate never changes files of a version, so something else did. `lockgate
doctor` says which versions are affected; `lockgate run --force` builds the asset again.",
};

pub(crate) static SPILL_FULL: Code = Code {
    id: "LG0225",
    title: "no space is left for spilled data",
    text: "What a query cannot hold in `engine.memory` it writes to `.lockgate/spill/` in the project's folder, and the disk is full. Nothing was
published and nothing is lost. Free some space, or raise `engine.memory` in `lockgate.yml` so that less is spilled, and run again.",
};

pub(crate) static ENGINE: Code = Code {
    id: "LG0224",
    title: "the engine cannot start",
    text: "The folder for spilled data cannot be written, or the settings of `engine` make no sense.",
};
