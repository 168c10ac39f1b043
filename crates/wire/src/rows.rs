//! An answer on its way to the client: batches, row by row, in text or binary.

use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::BufMut;
use futures::{Stream, StreamExt};
use lockgate_run::Workspace;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::failure::Failure;
use crate::protocol::{Output, message};
use crate::values::{Column, Writer, writer};

/// The rows that are left of an answer. Two batches are computed ahead; dropping it stops the work.
pub(crate) struct Rows {
    pub(crate) columns: Arc<Vec<Column>>,
    batches: mpsc::Receiver<Result<RecordBatch, Failure>>,
    batch: Option<Batch>,
    /// Who computes them; ends when this is dropped.
    _work: JoinSet<()>,
    /// Keeps the files that are read.
    _reader: Option<Arc<Workspace>>,
}

struct Batch {
    batch: RecordBatch,
    writers: Vec<Writer>,
    /// What the writers write.
    binary: Vec<bool>,
    /// The first row that was not sent.
    next: usize,
}

/// Which columns go in binary, as `Bind` says it: for none, for all, for each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Formats(pub(crate) Vec<i16>);

impl Formats {
    pub(crate) fn is_binary(&self, column: usize) -> bool {
        match &self.0[..] {
            [] => false,
            [all] => *all == 1,
            each => each.get(column) == Some(&1),
        }
    }
}

impl Rows {
    pub(crate) fn new(
        columns: Vec<Column>,
        batches: impl Stream<Item = Result<RecordBatch, Failure>> + Send + 'static,
        reader: Option<Arc<Workspace>>,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(1);
        let mut work = JoinSet::new();
        // A task of its own, so that who waits for rows can be told to stop while they are computed.
        work.spawn(async move {
            let mut batches = std::pin::pin!(batches);
            while let Some(batch) = batches.next().await {
                if sender.send(batch).await.is_err() {
                    return;
                }
            }
        });
        Rows { columns: Arc::new(columns), batches: receiver, batch: None, _work: work, _reader: reader }
    }

    /// Sends up to so many rows; how many, and whether there may be more.
    pub(crate) async fn send(
        &mut self,
        most: Option<usize>,
        formats: &Formats,
        output: &mut Output,
    ) -> Result<(usize, bool), Failure> {
        let binary: Vec<bool> = (0..self.columns.len()).map(|column| formats.is_binary(column)).collect();
        let mut sent = 0;
        loop {
            if most.is_some_and(|most| sent >= most) {
                return Ok((sent, true));
            }
            if !self.fill().await? {
                return Ok((sent, false));
            }
            let Some(batch) = &mut self.batch else { continue };
            batch.prepare(&self.columns, &binary)?;
            let left = most.map_or(usize::MAX, |most| most - sent);
            let end = batch.batch.num_rows().min(batch.next.saturating_add(left));
            while batch.next < end {
                batch.row(output)?;
                sent += 1;
                output.flush_some().await?;
            }
        }
    }

    /// Passes over up to so many rows.
    pub(crate) async fn skip(&mut self, most: Option<usize>) -> Result<usize, Failure> {
        let mut passed = 0;
        while most.is_none_or(|most| passed < most) && self.fill().await? {
            let Some(batch) = &mut self.batch else { break };
            let left = batch.batch.num_rows() - batch.next;
            let step = most.map_or(left, |most| left.min(most - passed));
            batch.next += step;
            passed += step;
        }
        Ok(passed)
    }

    /// Makes sure that there is a row at hand; `false` at the end.
    async fn fill(&mut self) -> Result<bool, Failure> {
        while self.batch.as_ref().is_none_or(|batch| batch.next >= batch.batch.num_rows()) {
            self.batch = None;
            match self.batches.recv().await {
                Some(batch) => {
                    self.batch = Some(Batch { batch: batch?, writers: Vec::new(), binary: Vec::new(), next: 0 });
                }
                None => return Ok(false),
            }
        }
        Ok(true)
    }
}

impl Batch {
    fn prepare(&mut self, columns: &[Column], binary: &[bool]) -> Result<(), Failure> {
        if self.writers.len() == columns.len() && self.binary == binary {
            return Ok(());
        }
        let each = self.batch.columns().iter().zip(columns).zip(binary);
        self.writers = each
            .map(|((array, column), binary)| writer(array, &column.data_type, *binary))
            .collect::<Result<_, _>>()?;
        self.binary = binary.to_vec();
        Ok(())
    }

    /// A message is whole or not there.
    fn row(&mut self, output: &mut Output) -> Result<(), Failure> {
        let (row, start) = (self.next, output.buffer.len());
        let mut written = Ok(());
        message(&mut output.buffer, b'D', |body| {
            body.put_u16(u16::try_from(self.writers.len()).unwrap_or(u16::MAX));
            written = self.writers.iter_mut().try_for_each(|writer| writer.field(row, body));
        });
        if written.is_err() {
            output.buffer.truncate(start);
        }
        self.next += 1;
        written
    }
}
