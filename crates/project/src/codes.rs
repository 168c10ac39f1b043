//! The diagnostics of project files, LG01xx.

use lockgate_types::Code;

/// Every code of this crate, in order.
pub const CODES: &[&Code] = &[
    &INVALID_YAML,
    &DUPLICATE_KEY,
    &UNKNOWN_KEY,
    &WRONG_TYPE,
    &CUT_BY_COMMA,
    &MISSING_KEY,
    &WRONG_VALUE,
    &TAB,
    &UNREADABLE,
    &NOT_BUILT,
    &BAD_NAME,
    &TWO_FILES,
    &TWO_PLACES,
    &HEADER,
    &NOT_READ,
    &VARIABLE,
    &SYMLINK,
    &NOT_UTF8,
    &NO_PROJECT,
    &UNKNOWN_ENVIRONMENT,
    &CONTRACT,
    &DOES_NOT_FIT,
    &NOTHING_SELECTED,
    &SELECTION,
    &KNOWN_FAILURE,
    &GROUP,
    &CHECK,
    &SCHEDULE,
    &ALERT,
    &UNIT_TEST,
];

pub static INVALID_YAML: Code = Code {
    id: "LG0101",
    title: "the file is not YAML",
    text: r#"The file, or the settings block at the head of a `.sql` file, cannot be read as YAML 1.2. The parser stops at
the first such place, so there may be more behind it.

Most often a value holds something that YAML reads as its own: `: `, `{`, `[`, or a first `>`, `*`, `&`, `%`, `@`.
Put such a value in quotes. In double quotes `\` starts an escape; in single quotes it is itself, which
suits regular expressions.

```yaml
checks:
  - expect: "status = 'open: late'"
  - matches: { code: '^\d{3}$' }
    error: "> 0.1%"
```

Tags (`!!str`), merge keys (`<<`), lists as keys and several documents in one file are refused. Anchors and
aliases work."#,
};

pub static DUPLICATE_KEY: Code = Code {
    id: "LG0102",
    title: "a key stands twice",
    text: "A map has the same key twice. Other readers of YAML silently take the last; which one was meant is not \
           known, so it is refused. Remove one.\n\n```yaml\nowner: grid-team\nowner: ops          # LG0102\n```",
};

pub static UNKNOWN_KEY: Code = Code {
    id: "LG0103",
    title: "an unknown key",
    text: "No setting of this name exists here. Unknown keys are never ignored: a misspelt `tags` or `gate` would \
           otherwise change nothing and say nothing. The message offers the nearest known key, or lists them.\n\n\
           ```yaml\ndescripton: Hourly load        # LG0103: did you mean `description`?\n```",
};

pub static WRONG_TYPE: Code = Code {
    id: "LG0104",
    title: "a value of another type",
    text: r#"The value is not of the type that its key takes. By the rules of YAML 1.2 a value without quotes is a
number if it looks like one, `true` and `false` are booleans, and everything else is text: also `yes`, `no`, `on`
and `off`. A text that looks like a number needs quotes.

```yaml
owner: 4711            # LG0104: a number; write owner: "4711"
columns:
  id: { type: bigint, required: yes }     # LG0104: text; write true
```"#,
};

pub static CUT_BY_COMMA: Code = Code {
    id: "LG0105",
    title: "a comma cuts a value in two",
    text: r#"Inside `{ }` and `[ ]` a comma divides entries, so a type or a call with a comma is cut in two there. Quote it.

```yaml
columns:
  amount: { type: decimal(15,2) }        # LG0105: reads as `type: decimal(15` and a key `2)`
  amount: { type: "decimal(15,2)" }      # right
  amount: decimal(15,2)                  # right: no brackets around it
```"#,
};

pub static MISSING_KEY: Code = Code {
    id: "LG0106",
    title: "a key is missing",
    text: "A key that is needed here is not given: `name` in `lockgate.yml`, `kind` in a `.yml` asset (a `.sql` file \
           is a `transform`), `type` in a column's long form, and what the kind or the check itself needs.",
};

pub static WRONG_VALUE: Code = Code {
    id: "LG0107",
    title: "a value that is not allowed",
    text: "The value has the right type, but is not one that its key takes: a word that is none of those listed, a size \
           without a unit, a share above 100 %, a day that no calendar has.\n\n\
           Sizes are written `512MB`, `4GB` (powers of ten) or `4GiB` (powers of two).",
};

pub static TAB: Code = Code {
    id: "LG0108",
    title: "a tab where YAML wants spaces",
    text: "YAML is indented with spaces only; a tab there is refused by its specification. Replace it with spaces. Tabs \
           inside quoted values and in SQL are fine.",
};

pub static UNREADABLE: Code = Code {
    id: "LG0109",
    title: "a file or folder cannot be read",
    text: "The operating system did not let Lockgate read a file or folder of the project; the message carries its \
           reason. Mend the permissions, or remove the file.",
};

pub static NOT_BUILT: Code = Code {
    id: "LG0110",
    title: "planned, but not built yet",
    text: "This is part of Lockgate's design, and this version does not have it yet. It is refused and not ignored, so \
           that nobody relies on a schedule or an alert that never comes. Remove it for now.",
};

pub static BAD_NAME: Code = Code {
    id: "LG0111",
    title: "a path that gives no name",
    text: "An asset's name comes from its path: the first folder under `assets/` is the schema, the file's stem the \
           table, and folders between them only organise. `assets/raw/ops/orders.yml` is `raw.orders`.\n\n\
           Both parts start with a lowercase letter, followed by lowercase letters, digits and `_`. `__` is kept for \
           tables that belong to an asset (`raw.orders__rejects`). The schemas `lockgate`, `information_schema` and \
           `pg_catalog` are taken. Rename the file or the folder.",
};

pub static TWO_FILES: Code = Code {
    id: "LG0112",
    title: "two files give one name",
    text: "Folders below the schema's only organise, so `raw/a/orders.yml` and `raw/b/orders.yml` are both `raw.orders`. \
           Rename one. (`NAME.yml` beside `NAME.sql` in the same folder is one asset: settings and SQL.)",
};

pub static TWO_PLACES: Code = Code {
    id: "LG0113",
    title: "settings in two places",
    text: "The settings of a `.sql` file stand either in its settings block (between `/*` and `*/` at its head) or in \
           `NAME.yml` beside it, not in both: it would not be clear which one wins. Move them into one.",
};

pub static HEADER: Code = Code {
    id: "LG0114",
    title: "a settings block that is not one",
    text: r"A block comment at the head of a `.sql` file is always settings: its first line is `/*` alone and is the first
line of the file, and it ends with the first line that is only `*/`. Prose goes into `--` comments, or into
`description`.

```sql
/*
owner: grid-team
*/
-- one row per region and hour
select …
```",
};

pub static NOT_READ: Code = Code {
    id: "LG0115",
    title: "a file that is not read",
    text: "Under `assets/` Lockgate reads `.yml` and `.sql` files, under `functions/` `.sql` files, under `tests/` \
           `.yml` files. Anything else there has no effect. A file that was probably meant as an asset (`.yaml`, `.YML`) is an error, others a warning; \
           names that start with `.` are passed over.",
};

pub static VARIABLE: Code = Code {
    id: "LG0116",
    title: "a variable that cannot be resolved",
    text: r#"`${NAME}` in a value stands for a variable of the environment that Lockgate runs in, `${file:path}` for the
content of a file (relative to the project, without its last line break). The variable is not set, the file cannot be read, or
the `${` is not closed. A `${` that is meant as text is written `$${`.

```yaml
catalog: "${CATALOG_URL}"
password: "${file:/run/secrets/shop}"
```

What they resolve to is treated as secret and replaced by `***` in everything that is shown. Only the settings of the
chosen environment are resolved."#,
};

pub static SYMLINK: Code = Code {
    id: "LG0117",
    title: "a symbolic link",
    text: "Symbolic links under `assets/` and `functions/` are not followed: a project is the files in its folder, so that \
           a commit says all that there is. Put the file itself there.",
};

pub static NOT_UTF8: Code = Code {
    id: "LG0118",
    title: "a file or name that is not UTF-8",
    text: "Files of a project, and their names, are UTF-8. The message names the first byte that is not. Save the file \
           as UTF-8, for example with `iconv -f latin1 -t utf-8`.",
};

pub static NO_PROJECT: Code = Code {
    id: "LG0119",
    title: "no project, or one without assets",
    text: "A project is a folder with a `lockgate.yml`. Go to it, name it with `-C DIR`, or make one with \
           `lockgate init`.",
};

pub static UNKNOWN_ENVIRONMENT: Code = Code {
    id: "LG0120",
    title: "an unknown environment",
    text: "`--env NAME` takes one of the `environments` of `lockgate.yml`. Without it, or with `default`, the settings of \
           the top level hold.",
};

pub static CONTRACT: Code = Code {
    id: "LG0121",
    title: "a contract that cannot be",
    text: r#"`columns` maps each column to its type, or to a map with `type` and perhaps `required`, `description` and `pii`.
Types are `boolean int bigint double decimal(p,s) string binary date timestamp timestamptz json list<…> struct<…>`. Names
of columns differ ignoring case.

```yaml
columns:
  ts: timestamp
  amount: { type: "decimal(18,2)", required: true, description: Net of tax }
```"#,
};

pub static DOES_NOT_FIT: Code = Code {
    id: "LG0122",
    title: "settings that do not fit together",
    text: "Two settings exclude each other. `load: inline` stores nothing and has no versions, so it takes no checks, no \
           `partition_by` and no `cluster_by`, and only SQL can be inlined. A `.sql` file is a transform.",
};

pub static NOTHING_SELECTED: Code = Code {
    id: "LG0123",
    title: "a selection matches nothing",
    text: "A word of the selection names no asset, schema, tag or kind of this project, so it was probably mistyped. \
           `changed` may match nothing without being wrong.",
};

pub static SELECTION: Code = Code {
    id: "LG0124",
    title: "a selection that cannot be read",
    text: "Selections are made of words: `mart.daily` (an asset), `mart` or `mart.*` (a schema), `mart.daily_*`, `*` \
           (everything), `tag:x`, `kind:source`, `changed`. `+x` adds all ancestors, `x+` all descendants. A space \
           is union, a comma (without spaces) intersection: `tag:finance,changed+`.",
};

pub static KNOWN_FAILURE: Code = Code {
    id: "LG0125",
    title: "an entry of lockgate.known.yml that cannot be used",
    text: "Each entry of `lockgate.known.yml` names an asset and one of its checks, once. An entry for an asset that is \
           gone is only a warning: `lockgate baseline` drops it.",
};

pub static GROUP: Code = Code {
    id: "LG0126",
    title: "a group that cannot be",
    text: "The assets of a group switch together, so each belongs to one group at most, stores something (not `load: \
           inline`), and the group is not empty. Members are names, schemas, `schema.*`, `tag:x` and `kind:x`; not \
           `changed`, `+x` or `x+`, which differ from run to run.",
};

pub static CHECK: Code = Code {
    id: "LG0127",
    title: "a check that cannot be read",
    text: r#"`checks` is a list. Each entry is a map with the check's kind as one key, and perhaps the options that every check
takes: `name`, `where`, `section`, `severity`, `error`, `warn`, `action`.

```yaml
checks:
  - not_null: [region, ts]
  - range: { load_mw: { min: 0 } }
    where: region <> 'test'
    error: "> 0.1%"
    warn: "> 0"
```"#,
};

pub static SCHEDULE: Code = Code {
    id: "LG0128",
    title: "a schedule that cannot be",
    text: r#"Each entry of `schedules` has a name of its own and says in `cron` when it is due, in the time zone `timezone` (UTC
unless said otherwise): minute, hour, day of the month, month, day of the week.

```yaml
schedules:
  - { name: nightly, cron: "0 5 * * *", timezone: Europe/Berlin, select: mart }
  - { name: month_end, cron: "30 6 L * *", select: "tag:finance", catch_up: all }
  - { name: workdays, cron: "*/15 8-18 * * mon-fri", jitter: 2m }
```

Quote it: a value that begins with `*` means something else in YAML. Seconds, years and `@daily` are not taken, and what
never comes (`0 0 30 2 *`) is refused. As in every cron, a day is right when the day of the month or the day of the week
fits, if both are given."#,
};

pub static ALERT: Code = Code {
    id: "LG0129",
    title: "an alert that cannot be",
    text: r#"Each entry of `alerts` says where it goes (`to`, an `http` or `https` URL), and may say of what it tells (`when`), in which form
(`type`), and about which assets (`select`: names, `schema`, `schema.*`, `tag:x` and `kind:x`; not `changed`, `+x` or `x+`,
which differ from run to run).

```yaml
alerts:
  - { to: "${SLACK_URL}", type: slack }
  - { when: [held, late], to: "https://example.com/hooks/lockgate", select: [mart, "tag:finance"] }
```

Whoever knows the URL of a webhook can post there, so it belongs into a variable or a file (`${NAME}`, `${file:path}`), and
Lockgate never shows it."#,
};

pub static UNIT_TEST: Code = Code {
    id: "LG0140",
    title: "a unit test that cannot be read",
    text: r#"`tests/NAME.yml` holds unit tests of the asset NAME; `tests/NAME.anything.yml` holds more of them. The file is one
test, or several under `tests:`, and not both at once. Rows are maps of columns to values.

```yaml
given:
  raw.load:
    - { ts: "2013-01-01T00:00:00", region: north, load_mw: 10.5 }
expect:
  - { day: 2013-01-01, region: north, peak_mw: 10.5 }
```

`lockgate test --record NAME` writes such a file from real rows."#,
};
