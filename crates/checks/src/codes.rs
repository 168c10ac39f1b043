//! The diagnostics of checks, LG04xx.

use lockgate_types::Code;

macro_rules! codes {
    ($($name:ident = $id:literal, $title:literal, $text:literal;)*) => {
        $(pub(crate) static $name: Code = Code { id: $id, title: $title, text: $text };)*
        /// The diagnostics of this crate.
        pub const CODES: &[&Code] = &[$(&$name),*];
    };
}

codes! {
    UNKNOWN_CHECK = "LG0401", "unknown check",
        "The first key of an entry of `checks` says what kind of check it is. The kinds of this build are listed in the reference of checks.\n\n```yaml\nchecks:\n  - not_nul: customer     # LG0401: did you mean `not_null`?\n```";
    WRONG_BODY = "LG0402", "a check is written in another shape",
        "What stands after a check's kind has another shape than that kind takes: a list where a column is meant, a map that is empty, a number where there should be text. The message says what was expected; the reference shows an example of each kind.\n\n```yaml\nchecks:\n  - not_null: [customer, amount]\n  - accepted: { status: [F, O, P] }\n  - range: { amount: { min: 0 } }\n```";
    UNKNOWN_COLUMN = "LG0403", "a check names a column that does not exist",
        "A check can only be made of columns that the asset (or the asset it compares with) has. Names are compared exactly, with their case. `lockgate show NAME` lists the columns.";
    WRONG_COLUMN_TYPE = "LG0404", "a check does not fit the column's type",
        "Some checks mean something only for some types: `range` needs numbers, days or instants, `matches` needs text, `fresh` needs days or instants, and the columns of `references` need types that compare. Cast the column in the asset, or write an `expect` with the cast that you mean.\n\n```yaml\n- range: { code: { min: 1 } }          # LG0404: code is a string\n- expect: \"cast(code as bigint) >= 1\"\n```";
    WRONG_VALUE = "LG0405", "a check has a value that it cannot use",
        "A bound, an accepted value, a share or a duration is not one: `min: many`, `fresh: { ts: soon }`, `tolerance: 300%`. Numbers are compared at the column's own type, without rounding; days are written `2013-12-30`, instants `2013-12-30T23:00:00Z`, durations `90s`, `15m`, `36h`, `2d`, `1w`, shares `0.1%`.";
    BAD_PATTERN = "LG0406", "a regular expression does not compile",
        "`matches` takes a regular expression in the syntax of Rust's `regex` crate: no look-around and no back-references, so that it always runs in linear time. In YAML, single quotes keep backslashes as they are.\n\n```yaml\n- matches: { code: '^\\d{3}-[A-Z]+$' }\n```";
    DUPLICATE_NAME = "LG0407", "two checks of one name",
        "A check's name is how it is known in `lockgate.known.yml`, in suppressions and in its history, so it is unique within the asset. Without `name`, a check is called by its kind and columns (`not_null_customer`); give one of the two a `name`.";
    NEEDS_NAME = "LG0408", "this check needs a name",
        "The first `expect` and the first `sql` of an asset are called so. A second one has no columns to be told apart by: give it a `name`.\n\n```yaml\n- expect: \"amount >= 0\"\n- expect: \"amount < 1e9\"\n  name: amount_is_sane\n```";
    OPTION_DOES_NOT_FIT = "LG0409", "an option does not fit this check",
        "Some options mean nothing for some checks, and are refused rather than ignored. `rows`, `fresh` and `change` look at the version as a whole, so there are no failing rows to count against `error` and `warn` or to reject: set their own limits, or `severity: warn`. `sql`, `parity` and `anomaly` find no rows of the asset, so nothing can be rejected; and `sql` says itself which rows it looks at. A name belongs to one check, so a list of columns cannot have one; and it has no comma.";
    UNKNOWN_ASSET = "LG0410", "a check names an asset that does not exist",
        "`references` and `parity` compare with another asset of the project, named `schema.table`. `references` adds the column: `raw.planes.tailnum`.";
    NOT_BUILT = "LG0411", "this check is not built yet",
        "The design names this kind of check, but this build does not have it. It is refused rather than ignored, so that nobody believes it runs.";
    DOES_NOT_COMPARE = "LG0412", "a check compares what does not compare",
        "The compared expressions must give the same kind of value on both sides: numbers with numbers, text with text.";
    AUDIT_STOPPED = "LG0420", "an audit stopped",
        "The scan of a candidate ended early: a part of it was cancelled or failed in a way that is no property of the data. Nothing was published. Run again.";
}
