//! The types of a CSV file's columns, from all of its rows.

use std::sync::{Mutex, PoisonError};

use super::cells::CsvCells;
use super::index::Index;
use super::{Block, CsvFile, Fed, failed};
use crate::error::ConnectError;
use crate::infer::{Guess, look};
use crate::work::across;

impl CsvFile {
    /// Reads the rows and guesses the types of `wanted` columns; `columns` is how many fields a row has. Rows of
    /// another length will be rejects and say nothing.
    pub(crate) fn guess(self, columns: usize, wanted: &[usize], threads: usize) -> Result<Vec<Guess>, ConnectError> {
        let options = self.options.clone();
        let feed = Mutex::new(self.feed);
        let parts = across(threads, |_| {
            let mut guesses = vec![Guess::default(); wanted.len()];
            let (mut block, mut index) = (Block::default(), Index::default());
            loop {
                let fed = {
                    let mut feed = feed.lock().unwrap_or_else(PoisonError::into_inner);
                    feed.next(&mut block).map_err(|error| failed(&feed, error))?
                };
                match fed {
                    Fed::End => return Ok(guesses),
                    Fed::TooLong { .. } => continue,
                    Fed::Records => {}
                }
                index.fill(options.dialect, block.text(), columns, options.max_line, block.last);
                look(&CsvCells::new(block.text(), &index.fields, columns, &options), wanted, &mut guesses);
            }
        })?;
        let mut guesses = vec![Guess::default(); wanted.len()];
        for part in parts {
            guesses.iter_mut().zip(part).for_each(|(guess, other)| guess.join(other));
        }
        Ok(guesses)
    }
}
