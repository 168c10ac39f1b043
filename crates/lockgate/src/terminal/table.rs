//! Tables: columns two spaces apart, numbers to the right, cut to the terminal's width.

use super::style::{Paint, Style};
use super::text;

/// Between two columns.
const GAP: usize = 2;
/// Behind a column of marks.
const GAP_OF_MARKS: usize = 1;
/// A column of data is cut to no less than this.
const NARROWEST: usize = 6;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    /// Numbers, with their units.
    Right,
}

#[derive(Clone, Debug)]
struct Column {
    title: String,
    align: Align,
    when_narrow: Narrow,
}

/// What becomes of a column when the terminal is narrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Narrow {
    Stays,
    IsCut,
    /// Half of it would say nothing.
    Goes,
}

/// One cell; control characters are made visible.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    style: Option<Style>,
}

impl Cell {
    pub(crate) fn new(text: impl AsRef<str>) -> Self {
        Cell { text: text::harmless(text.as_ref()), style: None }
    }

    pub(crate) fn styled(style: Style, text: impl AsRef<str>) -> Self {
        Cell { style: Some(style), ..Cell::new(text) }
    }

    /// A value of a row: null is told from the text `NULL` by its style, and in files by the format.
    pub(crate) fn value(text: Option<&str>) -> Self {
        match text {
            Some(text) => Cell::new(text),
            None => Cell::styled(Style::Faint, "NULL"),
        }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Cell::new(text)
    }
}

/// A table being made. Cheap: it holds what it shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    indent: usize,
    ruled: bool,
}

/// A table as text, and what of it did not fit.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub(crate) text: String,
    /// Columns left out on the right.
    pub(crate) hidden_columns: usize,
}

impl Table {
    /// Titles may be empty: a table without any has no head.
    pub(crate) fn new() -> Self {
        Table::default()
    }

    /// Rows of data: a rule under the head, every column may be cut.
    pub(crate) fn ruled(mut self) -> Self {
        self.ruled = true;
        self
    }

    pub(crate) fn indent(mut self, columns: usize) -> Self {
        self.indent = columns;
        self
    }

    pub(crate) fn left(mut self, title: &str) -> Self {
        self.columns.push(Column { title: text::harmless(title), align: Align::Left, when_narrow: Narrow::Stays });
        self
    }

    pub(crate) fn right(mut self, title: &str) -> Self {
        self.columns.push(Column { title: text::harmless(title), align: Align::Right, when_narrow: Narrow::Stays });
        self
    }

    /// A left column that is cut first.
    pub(crate) fn prose(mut self, title: &str) -> Self {
        self.columns.push(Column { title: text::harmless(title), align: Align::Left, when_narrow: Narrow::IsCut });
        self
    }

    /// A last column, shown whole or not at all.
    pub(crate) fn remark(mut self, title: &str) -> Self {
        self.columns.push(Column { title: text::harmless(title), align: Align::Left, when_narrow: Narrow::Goes });
        self
    }

    /// A column of data, which may be cut.
    pub(crate) fn data(mut self, title: &str, align: Align) -> Self {
        self.columns.push(Column { title: text::harmless(title), align, when_narrow: Narrow::IsCut });
        self
    }

    /// Missing cells at the end are empty.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// `terminal` is its width in columns; without one nothing is cut.
    pub(crate) fn render(&self, paint: Paint, terminal: Option<usize>) -> Rendered {
        let natural: Vec<usize> = (0..self.columns.len()).map(|index| self.natural_width(index)).collect();
        let (widths, hidden_columns) = match terminal {
            Some(terminal) => self.fit(natural, terminal.saturating_sub(self.indent)),
            None => (natural, 0),
        };
        let mut out = String::new();
        if self.columns.iter().any(|column| !column.title.is_empty()) {
            let head: Vec<Cell> = self.columns.iter().map(|c| Cell::styled(Style::Strong, &c.title)).collect();
            self.line(&mut out, &head, &widths, paint);
            if self.ruled {
                let rule: Vec<Cell> = widths.iter().map(|w| Cell::styled(Style::Faint, "─".repeat(*w))).collect();
                self.line(&mut out, &rule, &widths, paint);
            }
        }
        for row in &self.rows {
            self.line(&mut out, row, &widths, paint);
        }
        Rendered { text: out, hidden_columns }
    }

    fn natural_width(&self, index: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(index)).map(|cell| text::width(&cell.text));
        cells.chain([text::width(&self.columns[index].title)]).max().unwrap_or(0)
    }

    /// Cuts the widest flexible columns until the line fits, then leaves columns out from the right.
    fn fit(&self, mut widths: Vec<usize>, room: usize) -> (Vec<usize>, usize) {
        let line = |widths: &[usize]| {
            let gaps = (1..widths.len()).map(|index| self.gap_before(index, widths)).sum::<usize>();
            widths.iter().sum::<usize>() + gaps
        };
        let mut hidden = 0;
        loop {
            while line(&widths) > room {
                let widest = (0..widths.len())
                    .filter(|index| self.columns[*index].when_narrow == Narrow::IsCut && widths[*index] > NARROWEST)
                    .max_by_key(|index| widths[*index]);
                match widest {
                    Some(index) => widths[index] -= 1,
                    None => break,
                }
            }
            if line(&widths) > room && self.columns[widths.len() - 1].when_narrow == Narrow::Goes {
                widths.pop();
                continue;
            }
            // Data may lose columns, which is told; what Lockgate says of itself may not.
            if line(&widths) <= room || !self.ruled || widths.len() == 1 {
                return (widths, hidden);
            }
            hidden += 1;
            let kept = widths.len() - 1;
            widths = (0..kept).map(|index| self.natural_width(index)).collect();
        }
    }

    /// A mark stands close to what it marks.
    fn gap_before(&self, index: usize, widths: &[usize]) -> usize {
        let is_marks = index == 1 && widths[0] == 1 && self.columns[0].title.is_empty();
        if is_marks { GAP_OF_MARKS } else { GAP }
    }

    fn line(&self, out: &mut String, cells: &[Cell], widths: &[usize], paint: Paint) {
        let mut line = " ".repeat(self.indent);
        let last = cells.iter().take(widths.len()).rposition(|cell| !cell.text.is_empty()).unwrap_or(0);
        for (index, cell) in cells.iter().take(last + 1).enumerate() {
            if index > 0 {
                line.push_str(&" ".repeat(self.gap_before(index, widths)));
            }
            let shown = text::cut(&cell.text, widths[index]);
            let space = " ".repeat(widths[index].saturating_sub(text::width(&shown)));
            let shown = cell.style.map_or_else(|| shown.clone(), |style| paint.paint(style, &shown));
            match self.columns[index].align {
                Align::Right => line.push_str(&format!("{space}{shown}")),
                Align::Left if index == last => line.push_str(&shown),
                Align::Left => line.push_str(&format!("{shown}{space}")),
            }
        }
        out.push_str(&line);
        out.push('\n');
    }
}

#[cfg(test)]
mod tests;
