//! The events of `--json`, as a page and as a JSON schema. Keys are only ever added.

use serde_json::{Map, Value as Json, json};

/// One event.
struct Event {
    name: &'static str,
    text: &'static str,
    /// Its own fields, in groups that several events share, beside those of [`COMMON`].
    fields: &'static [Fields],
}

/// Fields of one group.
type Fields = &'static [Field];

/// Name, JSON type, meaning.
type Field = (&'static str, &'static str, &'static str);

const FACTS: Fields = &[
    ("rows", "integer", "rows of the version"),
    ("size_bytes", "integer", "bytes of its files"),
    ("build_ms", "integer", "how long its build took"),
    ("audit_ms", "integer", "how long its checks and profile took"),
    ("rejected_rows", "integer", "rows in its rejects table"),
    ("checks", "object", "how many checks came out how: passed, warned, known, suppressed, failed"),
];

const ENDED: Fields = &[
    ("message", "string", "why, in one sentence"),
    ("diagnostics", "array", "what went wrong: code, level, message, place, expected, hint"),
    ("duration_ms", "integer", "how long it took"),
];

const TESTED: Fields = &[
    ("test", "string", "the file's name without `.yml`, and `: NAME` of a test under `tests`"),
    ("description", "string", "what the test shows, as its file says"),
    ("file", "string", "its file"),
    ("line", "integer", "the line on which it begins"),
    ("rows", "integer", "how many rows came out"),
    ("duration_ms", "integer", "how long it took"),
];

const EVENTS: &[Event] = &[
    Event {
        name: "run_started",
        text: "A run begins.",
        fields: &[&[
            ("as_of", "string", "its logical time"),
            ("assets", "array", "the assets that it works on"),
            ("retry_of", "string", "with `--retry`: the run whose unfinished tasks it takes up"),
        ]],
    },
    Event {
        name: "task_started",
        text: "Work on an asset begins, at each attempt.",
        fields: &[&[
            ("reasons", "array", "why it runs, as in `plan --json`"),
            ("attempt", "integer", "which attempt it is, from 1"),
        ]],
    },
    Event {
        name: "retrying",
        text: "An attempt failed with a fault that may pass, and another one is made after a wait.",
        fields: &[&[
            ("kind", "string", "transient or throttled"),
            ("attempt", "integer", "which attempt comes next"),
            ("attempts", "integer", "how many there are at most"),
            ("wait_ms", "integer", "how long until then"),
            ("message", "string", "what went wrong, in one sentence"),
        ]],
    },
    Event {
        name: "warned",
        text: "Something about a build is worth telling and stops nothing.",
        fields: &[&[
            ("message", "string", "what it is, in one sentence"),
            ("diagnostics", "array", "the same with code and place"),
        ]],
    },
    Event { name: "audited", text: "A version was checked.", fields: &[FACTS] },
    Event { name: "published", text: "A version became what readers see.", fields: &[FACTS] },
    Event {
        name: "held",
        text: "A version was held, or still is.",
        fields: &[
            FACTS,
            &[
                ("message", "string", "what holds it, in one sentence"),
                ("failing", "array", "the checks that hold it: check, message"),
                ("readers_see", "integer", "the version that stays live; null when there is none"),
            ],
        ],
    },
    Event {
        name: "failed",
        text: "An asset could not be built.",
        fields: &[ENDED, &[("attempts", "integer", "how many were made")]],
    },
    Event { name: "skipped", text: "An input was not published, so the asset stays behind.", fields: &[ENDED] },
    Event { name: "unchanged", text: "There was nothing new to publish.", fields: &[ENDED] },
    Event { name: "interrupted", text: "Ctrl-C stopped it.", fields: &[ENDED] },
    Event {
        name: "late",
        text: "The `fresh` check of a live version fails against the run's logical time.",
        fields: &[&[
            ("message", "string", "what was measured"),
            ("newest", "string", "the newest value of its column"),
        ]],
    },
    Event {
        name: "run_ended",
        text: "A run ended.",
        fields: &[&[
            ("state", "string", "done, held, failed or interrupted"),
            ("duration_ms", "integer", "how long it took"),
        ]],
    },
    Event {
        name: "summary",
        text: "The last line of `run --json`.",
        fields: &[&[
            ("state", "string", "as in run_ended"),
            ("as_of", "string", "the run's logical time"),
            ("duration_ms", "integer", "how long it took"),
            ("assets", "array", "how each ended: asset, state, version, live, rows, duration_ms, message"),
            ("fresh", "array", "assets that were up to date"),
            ("late", "array", "assets that are late"),
        ]],
    },
    Event {
        name: "diagnostic",
        text: "An error or a warning, from any command.",
        fields: &[&[
            ("code", "string", "such as LG0103"),
            ("level", "string", "error or warning"),
            ("message", "string", "one sentence"),
            ("place", "object", "file, line, column, length, source_line; null when there is none"),
            ("expected", "string", "what would have been right"),
            ("hint", "string", "what to do about it"),
        ]],
    },
    Event { name: "test_passed", text: "`test`: the rows that came are those that were expected.", fields: &[TESTED] },
    Event {
        name: "test_failed",
        text: "`test`: they are not, or the SQL could not be run over the given rows.",
        fields: &[
            TESTED,
            &[
                ("code", "string", "LG0742"),
                ("message", "string", "how they differ, in one sentence"),
                (
                    "diff",
                    "object",
                    "columns; same, the number of rows as expected; changed (expected, came, differ: the columns that do, from \
                     0); missing; unexpected; moved (expected_at, came_at, row); null when the SQL could not be run",
                ),
                ("diagnostics", "array", "why the SQL could not be run"),
            ],
        ],
    },
    Event {
        name: "tests_ended",
        text: "The last line of `test --json`.",
        fields: &[&[
            ("passed", "integer", "how many tests passed"),
            ("failed", "integer", "how many failed"),
            ("duration_ms", "integer", "how long they took together"),
        ]],
    },
    Event {
        name: "test_recorded",
        text: "`test --record` wrote a file.",
        fields: &[&[
            ("file", "string", "the file"),
            ("inputs", "array", "for each input: asset, version, rows (how many were taken)"),
            ("rows", "integer", "how many rows the test expects"),
            ("masked", "array", "columns whose values were replaced, being personal data: asset, column"),
            ("left_out", "array", "columns of the result that hold secrets"),
        ]],
    },
    Event { name: "written", text: "`init` wrote files.", fields: &[&[("files", "array", "their paths")]] },
];

const COMMON: Fields = &[
    ("event", "string", "which of these it is"),
    ("at", "string", "when it happened, RFC 3339"),
    ("run", "string", "the run, if it belongs to one"),
    ("asset", "string", "the asset, if it is about one"),
    ("version", "integer", "the version, if it is about one"),
];

pub(super) fn page() -> String {
    let mut page = "# Events\n\n`lockgate run --json` prints one JSON object a line on stdout. Every key below may come \
                    to have company; none is taken away. A field that does not apply is null or missing. `lockgate test --json` does \
                    the same for its tests. The other commands print one JSON document, and \
                    `diagnostic` events when something is wrong.\n\nEvery event of a run has:\n\n"
        .to_owned();
    page.push_str(&list(COMMON.iter()));
    for event in EVENTS {
        page.push_str(&format!(
            "\n## `{}`\n\n{}\n\n{}",
            event.name,
            event.text,
            list(event.fields.iter().copied().flatten())
        ));
    }
    page
}

fn list<'a>(fields: impl Iterator<Item = &'a Field>) -> String {
    fields.map(|(name, kind, text)| format!("* `{name}` ({kind}) {text}\n")).collect()
}

pub(super) fn schema() -> Json {
    let one_of: Vec<Json> = EVENTS
        .iter()
        .map(|event| {
            let mut properties = properties(COMMON.iter());
            properties.insert("event".to_owned(), json!({ "const": event.name }));
            properties.extend(self::properties(event.fields.iter().copied().flatten()));
            json!({ "description": event.text, "properties": properties, "required": ["event"] })
        })
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An event of lockgate --json",
        "type": "object",
        "oneOf": one_of,
    })
}

fn properties<'a>(fields: impl Iterator<Item = &'a Field>) -> Map<String, Json> {
    let property =
        |(name, kind, text): &Field| ((*name).to_owned(), json!({ "type": [kind, "null"], "description": text }));
    fields.map(property).collect()
}
