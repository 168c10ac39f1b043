//! A line over time in the terminal: history, then a forecast with its bands.
//!
//! A character holds two steps of four heights each, as Braille has dots. Where no line passes, a band is shaded: the inner one
//! more densely.

use std::fmt::Write as _;

use super::number;
use super::style::Paint;

/// Rows of characters.
const HEIGHT: usize = 14;
/// Dots of a character, across and down.
const DOTS: (usize, usize) = (2, 4);

/// What is drawn. All parts have finite values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plot {
    /// Oldest first; as much of its end as fits is shown.
    pub(crate) history: Vec<f64>,
    pub(crate) forecast: Vec<f64>,
    /// Low and high end for each step of the forecast; the widest band last.
    pub(crate) bands: Vec<Vec<(f64, f64)>>,
}

impl Plot {
    /// Lines of at most `width` characters.
    pub(crate) fn draw(&self, width: usize, paint: Paint) -> Vec<String> {
        let (low, high) = self.range();
        let labels = [number::measured(high), number::measured((low + high) / 2.0), number::measured(low)];
        let margin = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0) + 2;
        let columns = width.saturating_sub(margin).max(8);
        let ahead = self.forecast.len().min(columns * DOTS.0);
        let past = self.history.len().min(columns * DOTS.0 - ahead);
        let history = &self.history[self.history.len() - past..];
        let canvas = Canvas { low, high, width: (past + ahead).div_ceil(DOTS.0).max(1) };
        let mut lines = Vec::with_capacity(HEIGHT);
        for row in 0..HEIGHT {
            let label = match row {
                0 => &labels[0],
                _ if row == HEIGHT / 2 => &labels[1],
                _ if row == HEIGHT - 1 => &labels[2],
                _ => "",
            };
            let mut line = format!("{label:>pad$} ", pad = margin - 2);
            line.push(if label.is_empty() { '│' } else { '┤' });
            for column in 0..canvas.width {
                let _ = write!(line, "{}", self.cell(&canvas, history, row, column, paint));
            }
            lines.push(line);
        }
        lines
    }

    /// The lowest and the highest of all that is drawn; they differ.
    pub(crate) fn range(&self) -> (f64, f64) {
        let ends = self.bands.iter().flatten().flat_map(|(low, high)| [*low, *high]);
        let all = self.history.iter().chain(&self.forecast).copied().chain(ends).filter(|value| value.is_finite());
        let (low, high) =
            all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        match low < high {
            true => (low, high),
            false if low.is_finite() => (low - 1.0, low + 1.0),
            false => (0.0, 1.0),
        }
    }

    /// One character: dots of the line, else the shade of a band, else nothing.
    fn cell(&self, canvas: &Canvas, history: &[f64], row: usize, column: usize, paint: Paint) -> String {
        // The dots of a Braille character, by column and row.
        const BITS: [[u32; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
        let (mut dots, mut is_forecast) = (0, false);
        for (across, bits) in BITS.iter().enumerate() {
            let step = column * DOTS.0 + across;
            let at = |step: usize| match step.checked_sub(history.len()) {
                None => history.get(step),
                Some(ahead) => self.forecast.get(ahead),
            };
            let Some(value) = at(step) else { continue };
            // A steep line leaves no hole: it goes down to where it came from.
            let before = step.checked_sub(1).and_then(at).unwrap_or(value);
            let (here, there) = (canvas.height_of(*value), canvas.height_of(*before));
            let (top, bottom) = (
                here.min(there + usize::from(there < here)),
                here.max(there.saturating_sub(usize::from(there > here))),
            );
            for (down, bit) in bits.iter().enumerate() {
                if (top..=bottom).contains(&(row * DOTS.1 + down)) {
                    dots |= bit;
                    is_forecast |= step >= history.len();
                }
            }
        }
        if dots > 0 {
            let dot = char::from_u32(0x2800 + dots).unwrap_or(' ');
            return if is_forecast { paint.good(&dot.to_string()) } else { dot.to_string() };
        }
        let step = (column * DOTS.0 + 1).saturating_sub(history.len());
        let begins = column * DOTS.0 + 1 >= history.len();
        let covers = |band: &[(f64, f64)]| {
            band.get(step).is_some_and(|(low, high)| {
                let middle = row * DOTS.1 + DOTS.1 / 2;
                (canvas.height_of(*high)..=canvas.height_of(*low)).contains(&middle)
            })
        };
        match self.bands.iter().position(|band| begins && covers(band)) {
            Some(0) if self.bands.len() > 1 => paint.faint("▒"),
            Some(_) => paint.faint("░"),
            None => " ".to_owned(),
        }
    }
}

struct Canvas {
    low: f64,
    high: f64,
    /// In characters.
    width: usize,
}

impl Canvas {
    /// In dots from the top.
    fn height_of(&self, value: f64) -> usize {
        let dots = (HEIGHT * DOTS.1 - 1) as f64;
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        ((1.0 - share) * dots).round() as usize
    }
}
