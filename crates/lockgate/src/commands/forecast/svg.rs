//! A forecast as a picture for a report: an SVG that needs nothing beside it.

use std::fmt::Write as _;

use crate::terminal::number::measured;
use crate::terminal::plot::Plot;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 360.0;
/// Left, top, right and bottom of the plot.
const FRAME: (f64, f64, f64, f64) = (72.0, 48.0, 944.0, 320.0);
/// The width of a line.
const USUAL: f64 = 1.6;
/// What the backtest said.
const TESTED: &str = "#c58bb5";
/// Labels along each axis.
const TICKS: usize = 5;

/// What is drawn, and what is written beside it.
pub(super) struct Picture<'a> {
    pub(super) title: &'a str,
    /// What the numbers are.
    pub(super) value: &'a str,
    pub(super) plot: &'a Plot,
    /// Names of the intervals, the narrowest first.
    pub(super) levels: &'a [String],
    /// Of the history and of the forecast.
    pub(super) times: (&'a [String], &'a [String]),
    /// What the backtest said, from which step of the history on.
    pub(super) fan: Vec<(usize, &'a [f64])>,
}

impl Picture<'_> {
    pub(super) fn svg(&self) -> String {
        let (low, high) = self
            .fan
            .iter()
            .flat_map(|(_, said)| said.iter())
            .fold(self.plot.range(), |(low, high), &value| (low.min(value), high.max(value)));
        let past = self.plot.history.len();
        let steps = past + self.plot.forecast.len();
        let x = |step: usize| FRAME.0 + (FRAME.2 - FRAME.0) * step as f64 / (steps.max(2) - 1) as f64;
        let y = |value: f64| FRAME.3 - (FRAME.3 - FRAME.1) * (value - low) / (high - low);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
             font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"#3d4451\">\n<title>{title}</title>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
             <text x=\"{left}\" y=\"24\" font-size=\"15\" font-weight=\"600\" fill=\"#14181f\">{title}</text>\n",
            title = escaped(self.title),
            left = FRAME.0,
        );
        let apart = round_step((high - low) / TICKS as f64);
        let first = (low / apart).ceil();
        for tick in 0..=TICKS {
            let value = (first + tick as f64) * apart;
            if value > high {
                break;
            }
            let at = y(value);
            let _ = writeln!(
                svg,
                "<line x1=\"{}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#e3e6eb\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                FRAME.0,
                FRAME.2,
                FRAME.0 - 8.0,
                at + 4.0,
                escaped(&measured(value)),
            );
        }
        for tick in 0..TICKS {
            let step = tick * steps.saturating_sub(1) / (TICKS - 1);
            let time = if step < past { self.times.0.get(step) } else { self.times.1.get(step - past) };
            let anchor = if tick == 0 {
                "start"
            } else if tick == TICKS - 1 {
                "end"
            } else {
                "middle"
            };
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
                x(step),
                FRAME.3 + 20.0,
                escaped(&short(time.map_or("", |time| time))),
            );
        }
        for (place, bands) in self.plot.bands.iter().enumerate().rev() {
            let above = bands.iter().enumerate().map(|(step, band)| (past + step, band.1));
            let below = bands.iter().enumerate().rev().map(|(step, band)| (past + step, band.0));
            let points: Vec<String> =
                above.chain(below).map(|(step, value)| format!("{:.1},{:.1}", x(step), y(value))).collect();
            let opacity = 0.28 / (place + 1) as f64;
            let level = self.levels.get(place).map_or("", |level| level);
            let _ = writeln!(
                svg,
                "<polygon points=\"{}\" fill=\"#2563eb\" fill-opacity=\"{opacity:.2}\"><title>{} % interval</title></polygon>",
                points.join(" "),
                escaped(&level.replace('_', ".")),
            );
        }
        let line = |values: &mut dyn Iterator<Item = (usize, f64)>, colour: &str, width: f64| {
            let points: Vec<String> = values.map(|(step, value)| format!("{:.1},{:.1}", x(step), y(value))).collect();
            format!(
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" stroke-linejoin=\"round\"/>\n",
                points.join(" ")
            )
        };
        // Below the history and wider, so that both are seen where they agree.
        for (from, said) in &self.fan {
            svg.push_str(&line(&mut said.iter().enumerate().map(|(step, value)| (from + step, *value)), TESTED, 3.2));
        }
        svg.push_str(&line(&mut self.plot.history.iter().copied().enumerate(), "#3d4451", USUAL));
        let last = self.plot.history.last().map(|value| (past - 1, *value));
        let ahead = self.plot.forecast.iter().enumerate().map(|(step, value)| (past + step, *value));
        svg.push_str(&line(&mut last.into_iter().chain(ahead), "#2563eb", USUAL));
        let levels: Vec<String> = self.levels.iter().map(|level| format!("{} %", level.replace('_', "."))).collect();
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"24\" text-anchor=\"end\">{}: measured, <tspan fill=\"#2563eb\" font-weight=\"600\">forecast</tspan>\
             {}{}</text>\n</svg>",
            FRAME.2,
            escaped(self.value),
            escaped(&if levels.is_empty() {
                String::new()
            } else {
                format!(" and intervals of {}", levels.join(", "))
            }),
            match self.fan.is_empty() {
                true => String::new(),
                false => format!("; <tspan fill=\"{TESTED}\">its backtest</tspan>"),
            },
        );
        svg
    }
}

/// The next of 1, 2 and 5 times a power of ten: at most so many of them as there are parts in the range.
fn round_step(at_least: f64) -> f64 {
    let power = 10_f64.powf(at_least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * power).find(|step| *step >= at_least).unwrap_or(at_least)
}

/// `2013-12-14T13:00:00Z` as `2013-12-14 13:00`.
fn short(time: &str) -> String {
    let time = time.trim_end_matches('Z').replace('T', " ");
    time.strip_suffix(":00").filter(|rest| rest.contains(':')).map_or(time.clone(), str::to_owned)
}

/// Text of XML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
