//! Two sorted versions, merged: every row meets its equals of the other version, or is left over.

use std::cmp::Ordering;

use arrow::array::{Array, AsArray, BinaryArray};
use futures::StreamExt;
use lockgate_engine::{BatchStream, EngineError, Row, Session};

use super::columns::{Columns, Side};
use super::tally::{Of, Tally};

/// One version's rows, in their order.
#[derive(Debug)]
struct Cursor {
    stream: BatchStream,
    /// The batch that is being read, and how far.
    rows: BinaryArray,
    at: usize,
    ended: bool,
}

impl Cursor {
    async fn open(stream: BatchStream) -> Result<Cursor, EngineError> {
        let rows = BinaryArray::from(Vec::<&[u8]>::new());
        let mut cursor = Cursor { stream, rows, at: 0, ended: false };
        cursor.fill().await?;
        Ok(cursor)
    }

    /// Takes the next batch when the last one was read.
    async fn fill(&mut self) -> Result<(), EngineError> {
        while !self.ended && self.at == self.rows.len() {
            match self.stream.next().await {
                Some(batch) => {
                    self.rows = batch?.column(0).as_binary::<i32>().clone();
                    self.at = 0;
                }
                None => self.ended = true,
            }
        }
        Ok(())
    }

    /// `None` at the end, and when the batch was read.
    fn row(&self) -> Option<Row<'_>> {
        (self.at < self.rows.len()).then(|| Row::new(self.rows.value(self.at)))
    }

    /// The row, which there must be, and goes on.
    fn take(&mut self) -> Row<'_> {
        self.at += 1;
        Row::new(self.rows.value(self.at - 1))
    }

    fn needs_batch(&self) -> bool {
        !self.ended && self.at == self.rows.len()
    }
}

/// Without cursors, two versions without rows.
#[derive(Debug, Default)]
pub(super) struct Merge(Option<[Cursor; 2]>);

impl Merge {
    /// Sorts both versions. Until it returns, nobody has seen a row.
    pub(super) async fn open(session: &Session, columns: &Columns, tables: &[String; 2]) -> Result<Merge, EngineError> {
        let cursor = async |side: &Side, table: &str| {
            let layout = &side.layout;
            Cursor::open(session.sorted_rows(&side.sql(table), layout.key, layout.compared).await?).await
        };
        // One after the other: each uses all threads, and two that fill the memory at once would leave neither of them
        // room to merge what it spilled.
        let from = cursor(&columns.from, &tables[0]).await?;
        let to = cursor(&columns.to, &tables[1]).await?;
        Ok(Merge(Some([from, to])))
    }

    /// Compares until a batch is used up or the tally wants to look at what it was given. `false` at the end.
    pub(super) async fn advance(&mut self, tally: &mut Tally) -> Result<bool, EngineError> {
        let Some([from, to]) = &mut self.0 else { return Ok(false) };
        from.fill().await?;
        to.fill().await?;
        while !from.needs_batch() && !to.needs_batch() && !tally.is_full() {
            let order = match (from.row(), to.row()) {
                (Some(before), Some(after)) => before.compared().cmp(after.compared()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => {
                    tally.end();
                    return Ok(false);
                }
            };
            if order == Ordering::Equal {
                tally.same(from.take());
                to.take();
            } else if order == Ordering::Less {
                tally.left_over(Of::From, from.take());
            } else {
                tally.left_over(Of::To, to.take());
            }
        }
        Ok(true)
    }
}
