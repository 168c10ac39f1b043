//! The keys of a forecast's file, for the reference and for messages.

use lockgate_project::KeyDoc;

pub(crate) const KEYS: &[KeyDoc] = &[
    KeyDoc { key: "of", kind: "string", default: "", text: "The asset whose rows are the history of the series." },
    KeyDoc {
        key: "series",
        kind: "string | list of strings",
        default: "",
        text: "The columns that tell one series from another. Without them the table is one series.",
    },
    KeyDoc {
        key: "time",
        kind: "string",
        default: "",
        text: "The column that says when: a timestamp, a date or an integer.",
    },
    KeyDoc {
        key: "value",
        kind: "string",
        default: "",
        text: "The column to forecast, a number. A null is a missing value. Several rows of one step become one: \
               `hygiene.duplicates`.",
    },
    KeyDoc {
        key: "step",
        kind: "string | integer",
        default: "",
        text: "How far apart two values are: `15m`, `1h`, `1d`, `1w`, `1mo`, `1q`, `1y`; a bare number when `time` is an integer.",
    },
    KeyDoc {
        key: "horizon",
        kind: "string | integer",
        default: "",
        text: "How far to forecast: steps (`48`), or a span that is a whole number of them (`48h`, `14d`).",
    },
    KeyDoc {
        key: "intervals",
        kind: "list",
        default: "`[80, 95]`",
        text: "Percents: the interval of 80 is meant to hold 80 of 100 values. Widths come from the errors of the backtest.",
    },
    KeyDoc {
        key: "models",
        kind: "string | list | map",
        default: "`auto`",
        text: "`auto` tries what suits each series and combines what did best in the backtest; a list allows these alone; `boosted` \
               among them is one set of trees that learns from all series. `{ python: \
               models/mine.py }` is a model of yours in the same backtest, a file that defines `forecast(values, horizon, seasons)`: \
               alone it joins those of `auto`. It runs in processes of its own; its PEP 723 header says which packages it needs (with `uv`).",
    },
    KeyDoc {
        key: "seasons",
        kind: "list",
        default: "those of the step",
        text: "Lengths of the seasons in steps: `[24, 168]` for hours. Without them those that the step may have: a day and a week of hours, a week and a year of \
               days, a year of months. A season counts once there are two of it.",
    },
    KeyDoc {
        key: "timezone",
        kind: "string",
        default: "`UTC`",
        text: "The clock by which days and hours are counted, so that a daily pattern stays where it is over daylight saving.",
    },
    KeyDoc { key: "calendar", kind: "map", default: "", text: "Days that are not like others." },
    KeyDoc {
        key: "calendar.country",
        kind: "string",
        default: "",
        text: "Public holidays of this country (`US`, `GB`, `DE`, `FR`, `CA`, `IT`, `ES`, `NL`) are known in advance.",
    },
    KeyDoc {
        key: "hygiene",
        kind: "map",
        default: "",
        text: "What is done to raw series. What was done is recorded in `treatments`.",
    },
    KeyDoc {
        key: "hygiene.duplicates",
        kind: "sum | mean | last",
        default: "`mean`",
        text: "What several values of one step become.",
    },
    KeyDoc {
        key: "hygiene.gaps",
        kind: "auto | season | linear | previous | zero",
        default: "`auto`",
        text: "What a step without a value is given; `auto` takes zero where most steps are empty, else the season's usual value.",
    },
    KeyDoc {
        key: "hygiene.outliers",
        kind: "boolean",
        default: "`true`",
        text: "Wild values are replaced for fitting.",
    },
    KeyDoc {
        key: "hygiene.level_shifts",
        kind: "boolean",
        default: "`true`",
        text: "Only what comes after the last lasting jump is fitted, when that is enough.",
    },
    KeyDoc {
        key: "hygiene.partial",
        kind: "boolean",
        default: "`true`",
        text: "A last step that is not over is left out.",
    },
    KeyDoc {
        key: "time_budget",
        kind: "string",
        default: "",
        text: "How long choosing may take (`20m`). Past half of it dear models are asked no more, past all of it only cheap ones, so that \
               there is a forecast on time. What is chosen then goes by the machine's speed.",
    },
    KeyDoc {
        key: "regressors",
        kind: "string | list of strings",
        default: "",
        text: "Number columns that are known in advance: a price, a planned promotion, a weather forecast. Rows of future steps hold them beside \
               a null `value`. One that is not known over a series' whole horizon is done without there, and `choice` says so.",
    },
    KeyDoc {
        key: "hierarchy",
        kind: "list",
        default: "",
        text: "Sums that are forecast beside the series, each by the columns of `series` it keeps: `[[], [origin]]` is the whole and each origin. \
               All are made to add up, weighed by how much each errs; a sum's row has null in the columns it does not keep, and \
               its name in `hierarchy`. All forecasts are held in memory meanwhile.",
    },
    KeyDoc {
        key: "refit",
        kind: "map",
        default: "",
        text: "When models are searched anew; in between they go on with the parameters they have. New models take the place of the old only \
               where they err less in the backtest. Without it they are searched at every build.",
    },
    KeyDoc { key: "refit.every", kind: "string", default: "", text: "When the last search is this long ago: `7d`." },
    KeyDoc {
        key: "refit.when_error",
        kind: "string | number",
        default: "",
        text: "When the errors of what has arrived since are more than so many times those of the backtest at the same steps: `1.3x`.",
    },
];
