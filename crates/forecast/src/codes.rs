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
    NO_COLUMN = "LG1201", "a forecast of a column that is not there",
        "`series`, `time` and `value` of a forecast name columns of the asset that `of` names. Here one of them is not a column of it, or is not of a type that can be used: `time` is a timestamp, a date or an integer, `value` is a number, and a column of `series` is neither a list nor a struct.";
    BAD_STEP = "LG1202", "a step or a horizon that is none",
        "`step` says how far apart two values of a series are: `15m`, `1h`, `1d`, `1w`, `1mo`, `1q`, `1y`, or a bare number when `time` is an integer. `horizon` is a number of steps, or a span in the same units that is a whole number of steps: `48h`, `14d`, `48`.";
    BAD_SETTING = "LG1203", "a setting of a forecast that cannot be",
        "A setting of `kind: forecast` has a value that it cannot have; the message says which are possible. Levels of `intervals` are percents above 0 and below 100.";
    NAME_TAKEN = "LG1204", "a column that the forecast makes itself",
        "The table of a forecast has columns of its own: `forecast`, `lo_80` and `hi_80` for each level, `model`, and what is recorded of each series. A column of `series` or `time` with such a name has no place beside them. Rename it in the asset that is forecast.";
    BAD_CHECK = "LG1205", "a check of a forecast that says too little or too much",
        "`beats: { model: seasonal_naive, share: 60% }` asks that the forecasts of at least that share of the series make smaller errors in the backtest than the model named. `coverage: { 80: [70, 90] }` asks that the share of values that fell into the interval of 80 %, measured in the backtest over all series, lies between these percents.";
    BAD_VALUE = "LG1207", "a line of a file that is not a point of a series",
        "`lockgate forecast FILE.csv` reads a time and a value from every line. A time is RFC 3339, a day, a day and a time of UTC, or an integer, of the same kind in all lines; a value is a number, or empty where it is missing.";
    BAD_PYTHON = "LG1208", "a model in Python that does not answer",
        "A file under `models: { python: … }` defines `forecast(values, horizon, seasons)`, which answers `horizon` finite numbers. It is loaded in a process of its own, by `python3`, or by `uv` when it has a PEP 723 header. One that cannot be loaded fails the build; one that raises an error, answers something else or takes over a minute has no say about that series, and the others go on without it. `lockgate forecast FILE.csv --models models/mine.py` tries it alone.";
    NOTHING_TO_FORECAST = "LG1206", "a forecast of nothing",
        "The asset that `of` names has no rows with a time, so there is nothing to forecast. The last published forecast stays live. Look at why its input is empty.";
}
