//! The diagnostics of this crate.

use lockgate_types::Code;

macro_rules! codes {
    ($($name:ident = $id:literal, $title:literal, $text:literal;)*) => {
        $(pub(crate) static $name: Code = Code { id: $id, title: $title, text: $text };)*
        /// The diagnostics of this crate.
        pub const CODES: &[&Code] = &[$(&$name),*];
    };
}

codes! {
    NO_SQL = "LG0231", "a transform without SQL",
        "A transform is a `.sql` file with one SELECT; its settings stand in a comment at its top or in `NAME.yml` beside it. Here only the settings were found. Write the statement into `NAME.sql` in the same folder.";
    UNKNOWN_VAR = "LG0232", "unknown variable",
        "`$name` in SQL is a variable of `vars:` in `lockgate.yml`, or `$run_at`, the run's logical time. It is bound as a typed value and never pasted into the text.\n\n```yaml\nvars: { since: \"2013-01-01\" }\n```";
    LOAD_COLUMN = "LG0233", "a load that does not fit the SQL",
        "`load` names columns of what the SQL yields: the key of `merge` and `scd2`, the columns of `partitions`, the day or instant of `time_range`, the boolean marker of `deletes`. `scd2` adds `valid_from` and `valid_to` itself. `append` is about one input, which it names when the SQL has several.";
    KEY_STANDS_TWICE = "LG0234", "a key stands twice",
        "`load: merge` and `load: scd2` replace the row of a key. When the SQL yields two rows of one key, nothing says which one is meant, so nothing is built. Keep one of them, for example with `row_number() over (partition by key order by updated_at desc) = 1`.";
    KEY_IS_NULL = "LG0235", "a key is null",
        "`load: merge` and `load: scd2` find the row to replace by its key; a null equals nothing, so such a row would be added again by every build. Leave it out, or give it a key.";
    TIME_IS_NULL = "LG0236", "a row without a time",
        "`load: time_range` replaces the rows of ranges of time. A row whose time is null belongs to none, and would be added again by every build. Leave it out in the SQL, or give it a time.";
    ROWS_TAKEN_OUT = "LG0237", "rows that were appended were taken out of the input",
        "`load: append` reads every row of its input once. Files of the input that were read are no more: it was built anew, rolled back or merged. The rows that were made of them stand here and cannot be told from the others. Build this asset anew (`--full-refresh`), or use a load that replaces rows, such as `merge`.";
    TIME_RUNS_BACK = "LG0238", "a state would end before it began",
        "`load: scd2` ends the state of a key when the next one begins: at the run's logical time, or at `updated_at`. Here that lies before the state's own beginning. A replay with `--as-of` goes forward in time; with `updated_at`, a row that changes gets a later one.";
    NEEDS_REBUILD = "LG0239", "the stored rows do not go with the new columns",
        "With `on_change: forward` the rows that are stored stay, and new ones join them. A column whose type changed, or another `partition_by`, would make the two unlike. Build the asset anew with `--full-refresh`, or give the column another name.";
    HISTORY_LOST = "LG0240", "a rebuild would lose history",
        "A table that is loaded bit by bit may hold rows that its SQL yields no more: their input was cut, replaced or cleaned up. Building it anew would lose them. Nothing was changed. Say `--confirm` if they may go; with `on_change: forward` a change of code lets them stay.";
    NO_RANGE = "LG0241", "no range of time to build",
        "`load: time_range` builds ranges that are over by the run's logical time. `--from` and `--to` name a time in which there is no such range.";
}
