//! The diagnostics of sources, 03xx.

use lockgate_types::Code;

pub(crate) static SETTING: Code = Code {
    id: "LG0301",
    title: "a setting of a source is wrong",
    text: "A key of the source has a value that cannot be used. The message names the key and what was expected.\n\n\
           ```yaml\nread: { path: data/orders.csv, delimiter: \"||\" }   # one ASCII character is expected\n```\n\n\
           `delimiter`, `quote` and `escape` are one ASCII character each and differ from each other (`quote` and \
           `escape` may be the same). A tab is written `\"\\t\"`.",
};

pub(crate) static NO_FILE: Code = Code {
    id: "LG0302",
    title: "no file was found",
    text: "`read.path` names a file that does not exist, or a pattern that no file matches. Paths are relative to the \
           project folder. `*` stands for any characters but `/`, `**` for any folders, `?` for one character, `[ab]` \
           for one of several. Folders are not files: write `data/*.csv`, not `data`.\n\n\
           A source that finds nothing fails: an upload that never came must not look like an empty one.",
};

pub(crate) static UNREADABLE: Code = Code {
    id: "LG0303",
    title: "a file cannot be read",
    text: "The operating system refused to open or to read a file: a missing permission, a broken disk, a folder \
           where a file was expected. The message ends with the system's own words.",
};

pub(crate) static CUT_SHORT: Code = Code {
    id: "LG0304",
    title: "a file is cut short",
    text: "The file ends in the middle of something: its last row has too few fields and no line break, a quote is \
           opened and never closed, or a gzip or zstd stream ends before its end mark. That is what an upload that \
           broke off looks like, so the attempt fails and nothing is published. A good last row without a line break is no fault.\n\n\
           Bring the whole file again, then run again. When a quote is the culprit (`5\" pipe` at the start of a \
           field), say `quote: none` or mend the row.",
};

pub(crate) static CHANGED_MEANWHILE: Code = Code {
    id: "LG0305",
    title: "a file changed while it was read",
    text: "Size or modification time of the file differ before and after it was read, so what was read may be half of \
           something. The attempt fails and is tried again; nothing is published.\n\n\
           Write files under another name and rename them when they are whole (`orders.csv.part` → `orders.csv`): then it cannot happen.",
};

pub(crate) static CORRUPT: Code = Code {
    id: "LG0306",
    title: "a file is corrupt",
    text: "The file is not what its format says: a Parquet footer that is none, an Avro block without its mark, a \
           compressed stream whose checksum is wrong. The message names the place as far as it is known. The attempt \
           fails; nothing of the file is taken.",
};

pub(crate) static COLUMNS: Code = Code {
    id: "LG0307",
    title: "a file has other columns than the source",
    text: "Columns are matched by name. What happens to a column that is new or missing is said by `evolve`:\n\n\
           | `evolve` | new column | missing column |\n| --- | --- | --- |\n\
           | `freeze` (default with a contract) | refused | refused |\n\
           | `add` (default without) | added at the end, its type inferred from the whole file | refused when the contract has it or when no file has it, else null |\n\
           | `any` | added at the end | null; refused when it is `required` |\n\n\
           The order of the columns in a file with a header does not matter. Without a header columns are matched by position.",
};

pub(crate) static HEADER: Code = Code {
    id: "LG0308",
    title: "a header is missing or not usable",
    text: "A CSV file has a header unless `header: false` is said. The first record must exist, and no two of its names may be equal \
           ignoring case. An empty file has no header: an upload that broke off at once must not look like a day without rows. A file \
           with a header and no rows is fine.",
};

pub(crate) static READ_BEFORE: Code = Code {
    id: "LG0309",
    title: "a file changed or vanished after it was read",
    text: "With `load: append` a file is read once. One that was read and now has other content, or is gone, means \
           that rows which are published no longer stand in any file. Lockgate neither reads it again (its rows would be \
           doubled) nor skips it in silence.\n\n\
           Bring the file back as it was; or bring the new rows under a new name; or start over from what is there with \
           `lockgate run NAME --full-refresh`. A file that was only touched (same content, new time) is no change.",
};

pub(crate) static HTTP: Code = Code {
    id: "LG0310",
    title: "a download failed",
    text: "A source with a `http(s)://` path could not be fetched: the server was not reached, answered with an error, or \
           broke off. Errors that may pass (no connection, 5xx, 429) are tried again; others (404, 403) are not. Query strings are not \
           shown, because they often carry a secret.",
};

pub(crate) static ENCODING: Code = Code {
    id: "LG0311",
    title: "a text file is not UTF-8",
    text: "Text files are read as UTF-8, with or without a byte-order mark. This one starts with the mark of another encoding, or \
           its header is not UTF-8. Convert it: `iconv -f UTF-16 -t UTF-8 in.csv > out.csv`. (A single row that is not UTF-8 goes to the rejects.)",
};

pub(crate) static NO_TYPE: Code = Code {
    id: "LG0312",
    title: "a column cannot have this type",
    text: "The format cannot hold the type that the contract asks for (a CSV field is no `list<…>`), or the file's own type has no place in \
           a table, or the two have nothing to do with each other (a Parquet boolean for a date). Change the contract's \
           type; the message names file, column and both types.",
};

pub(crate) static FORMAT: Code = Code {
    id: "LG0313",
    title: "the format of a file is not known",
    text: "The format comes from the extension (`.csv`, `.tsv`, `.json`, `.jsonl`, `.ndjson`, `.parquet`, `.arrow`, \
           `.feather`, `.ipc`, `.arrows`, `.avro`; text formats also with `.gz` or `.zst`) or from `read.format`: `csv`, `jsonl`, \
           `parquet`, `arrow` or `avro`. All files of one source have one format.",
};

pub(crate) static NOT_BUILT: Code = Code {
    id: "LG0314",
    title: "files cannot be read from there yet",
    text: "Sources read local files and `http(s)://` URLs. Object stores (`s3://`, `gs://`, `az://`) and other schemes \
           come later; until then bring the files into a folder, for example with the store's own command line.",
};

pub(crate) static BROKEN: Code = Code {
    id: "LG0315",
    title: "reading a source broke inside Lockgate",
    text: "A decoder stopped in a way that its authors did not foresee, or a thread could not be started. The attempt fails and nothing is \
           published. If the file opens elsewhere, this is a fault of Lockgate: please report it with the message.",
};

pub(crate) const ALL: &[&Code] = &[
    &SETTING,
    &NO_FILE,
    &UNREADABLE,
    &CUT_SHORT,
    &CHANGED_MEANWHILE,
    &CORRUPT,
    &COLUMNS,
    &HEADER,
    &READ_BEFORE,
    &HTTP,
    &ENCODING,
    &NO_TYPE,
    &FORMAT,
    &NOT_BUILT,
    &BROKEN,
];
