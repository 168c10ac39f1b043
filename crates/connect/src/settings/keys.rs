//! The documented keys: the reference, the JSON schema and "did you mean" are made from them.

use lockgate_project::KeyDoc;

const fn key(key: &'static str, kind: &'static str, default: &'static str, text: &'static str) -> KeyDoc {
    KeyDoc { key, kind, default, text }
}

pub(crate) const KEYS: &[KeyDoc] = &[
    key("read", "map", "", "Where the rows come from, and how they are written there."),
    key(
        "read.path",
        "string | list of strings",
        "",
        "Files: a path relative to the project, a pattern (`data/load_*.csv`, `data/**/*.parquet`), an `http(s)://` URL, \
         or a list of those. Files are read in the order of their names. That nothing is found is an error.",
    ),
    key(
        "read.format",
        "csv | jsonl | parquet | arrow | avro",
        "by extension",
        "The format of the files. Extensions: `.csv` and `.tsv`; `.json`, `.jsonl` and `.ndjson` (one object a line); \
         `.parquet`; `.arrow`, `.feather`, `.ipc` and `.arrows` (IPC files and streams); `.avro`.",
    ),
    key(
        "read.compression",
        "none | gzip | zstd",
        "by extension",
        "How text files are packed: `.gz` is gzip, `.zst` is zstd. The other formats pack their own parts.",
    ),
    key(
        "read.delimiter",
        "string",
        ",",
        "CSV: the character between fields; in `.tsv` files a tab, written `\"\\t\"`.",
    ),
    key(
        "read.quote",
        "string",
        "\"",
        "CSV: the character around fields that hold delimiters or line breaks. It quotes only at the start of a field; doubled \
         inside, it is itself. `none`: quotes are characters like any other.",
    ),
    key(
        "read.escape",
        "string",
        "none",
        "CSV: inside quotes it takes the meaning of the next character, as in `\\\"`. A doubled quote works beside it.",
    ),
    key(
        "read.header",
        "boolean",
        "true",
        "CSV: whether the first record names the columns. Without a header columns are matched by position and, without a contract, named `column_1`, `column_2`, ….",
    ),
    key(
        "read.nulls",
        "string | list of strings",
        "",
        "CSV: unquoted fields that mean null, such as `NA`, besides the empty one. A quoted empty field is an empty string, \
         unless `\"\"` is in this list.",
    ),
    key(
        "read.max_line",
        "size",
        "16MB",
        "CSV and JSON lines: a longer record goes to the rejects with its head. It bounds the memory that a missing line break can take.",
    ),
    key("read.connection", KeyDoc::NOT_BUILT, "", "A connection of the project to read a table from."),
    key("read.table", KeyDoc::NOT_BUILT, "", "The table to read through a connection."),
    key("read.query", KeyDoc::NOT_BUILT, "", "The query to read through a connection."),
    key("read.poll", KeyDoc::NOT_BUILT, "", "How often a connection is asked for news."),
    key(
        "evolve",
        "freeze | add | any",
        "freeze with a contract, else add",
        "What happens to columns that a file has beyond the contract (or beyond the live version, when there is no contract), and to \
         those it lacks. `freeze` refuses both. `add` adds new ones at the end, their type inferred from the whole files, and refuses \
         the lack of one. `any` also takes null for what is missing, unless it is `required`. The order of columns in a file with a header never matters.",
    ),
    key(
        "rejects",
        "integer | string",
        "0",
        "How many rows may fail to fit (a wrong number of fields, a bad number, null in a `required` column, invalid UTF-8), as a number or a \
         share (`0.1%`) of the rows read. They are in `NAME__rejects` with `_file`, `_line`, `_raw` and `_reason`; more of them hold the version.",
    ),
];
