//! Blocks of whole records out of a file, for several workers.
//!
//! Whoever needs work takes the lock, reads the next block, finds where its last record ends and keeps the rest for the next
//! one. So memory is one block a worker, and nothing waits in queues. A record that does not fit a block makes this one
//! longer, up to `max_line`; a longer one is read over and answered as its head.

use std::io::{self, Read};

use super::scan::{Dialect, Scan, scan};

/// A worker's block, used again and again. Only the first `len` bytes are text; the rest keeps its memory warm.
#[derive(Debug, Default)]
pub(crate) struct Block {
    bytes: Vec<u8>,
    len: usize,
    /// The line, from 1, on which the text starts.
    pub(crate) first_line: u64,
    /// The file ends with it.
    pub(crate) last: bool,
}

impl Block {
    pub(crate) fn text(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Reads until there are `target` bytes or no more come; tells whether the input is at its end.
    fn fill(&mut self, input: &mut dyn Read, target: usize) -> io::Result<bool> {
        if self.bytes.len() < target {
            self.bytes.resize(target, 0);
        }
        while self.len < target {
            match input.read(&mut self.bytes[self.len..target]) {
                Ok(0) => return Ok(true),
                Ok(count) => self.len += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }
}

/// What [`Feed::next`] yields.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fed {
    /// Whole records stand in the block.
    Records,
    /// A record was longer than `max_line`; its head stands in the block, `length` is all of it.
    TooLong { length: u64 },
    /// The input is at its end.
    End,
}

#[derive(Debug)]
pub(crate) enum FeedError {
    Io(io::Error),
    /// The quote that was opened on this line is never closed.
    OpenQuote {
        line: u64,
    },
}

impl From<io::Error> for FeedError {
    fn from(error: io::Error) -> Self {
        FeedError::Io(error)
    }
}

/// How much of an overlong record is kept.
const HEAD_BYTES: usize = 4096;

#[derive(Debug)]
pub(crate) struct Feed<R> {
    pub(crate) input: R,
    dialect: Dialect,
    block_bytes: usize,
    max_line: usize,
    /// Read, but behind the last whole record.
    carry: Vec<u8>,
    at_end: bool,
    line: u64,
}

impl<R: Read> Feed<R> {
    pub(crate) fn new(input: R, dialect: Dialect, block_bytes: usize, max_line: usize) -> Self {
        Feed { input, dialect, block_bytes: block_bytes.max(1), max_line, carry: Vec::new(), at_end: false, line: 1 }
    }

    /// Takes bytes off the front of what comes next: a byte-order mark. Only before anything else was taken.
    pub(crate) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        let mut block = self.take_carry(Block::default());
        self.at_end |= block.fill(&mut self.input, count.max(block.len))?;
        self.carry.extend_from_slice(block.text());
        Ok(&self.carry[..count.min(self.carry.len())])
    }

    pub(crate) fn discard(&mut self, count: usize) {
        self.carry.drain(..count.min(self.carry.len()));
    }

    /// The line, from 1, on which what comes next starts.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Puts the block that was taken last back in front.
    pub(crate) fn give_back(&mut self, block: &Block) {
        self.carry.splice(0..0, block.text().iter().copied());
        self.line = block.first_line;
    }

    /// The next records.
    pub(crate) fn next(&mut self, block: &mut Block) -> Result<Fed, FeedError> {
        self.next_with(block, false)
    }

    /// The next record alone: the header.
    pub(crate) fn next_record(&mut self, block: &mut Block) -> Result<Fed, FeedError> {
        self.next_with(block, true)
    }

    fn take_carry(&mut self, mut block: Block) -> Block {
        block.len = self.carry.len();
        if block.bytes.len() < block.len {
            block.bytes.resize(block.len, 0);
        }
        block.bytes[..block.len].copy_from_slice(&self.carry);
        self.carry.clear();
        block
    }

    fn next_with(&mut self, block: &mut Block, first: bool) -> Result<Fed, FeedError> {
        *block = self.take_carry(std::mem::take(block));
        block.first_line = self.line;
        block.last = false;
        let mut target = self.block_bytes;
        loop {
            if !self.at_end {
                self.at_end = block.fill(&mut self.input, target.max(block.len))?;
            }
            let found = scan(self.dialect, block.text(), Scan::default(), self.at_end, first);
            if let Some(end) = found.end {
                self.carry.extend_from_slice(&block.bytes[end..block.len]);
                block.len = end;
                break;
            }
            if self.at_end {
                if let Some(quote) = found.quoted_since {
                    return Err(FeedError::OpenQuote { line: self.line + count_lines(&block.bytes[..quote]) });
                }
                break;
            }
            if block.len > self.max_line {
                return self.read_over(block, found);
            }
            target = block.len.max(self.block_bytes) * 2;
        }
        self.line += count_lines(block.text());
        block.last = self.at_end && self.carry.is_empty();
        Ok(if block.len == 0 { Fed::End } else { Fed::Records })
    }

    /// Reads to the end of the record in `block`, keeping its head.
    fn read_over(&mut self, block: &mut Block, mut found: Scan) -> Result<Fed, FeedError> {
        let head: Vec<u8> = block.text().iter().take(HEAD_BYTES).copied().collect();
        let opened_on = |line: u64, text: &[u8], at: usize| line + count_lines(&text[..at.min(text.len())]);
        let mut quote_line = found.quoted_since.map(|at| opened_on(self.line, block.text(), at));
        let mut length = 0u64;
        loop {
            if let Some(end) = found.end {
                length += end as u64;
                self.line += count_lines(&block.bytes[..end]);
                self.carry.extend_from_slice(&block.bytes[end..block.len]);
                break;
            }
            if self.at_end {
                if found.quoted_since.is_some() {
                    return Err(FeedError::OpenQuote { line: quote_line.unwrap_or(self.line) });
                }
                length += block.len as u64;
                self.line += count_lines(block.text());
                break;
            }
            // Everything before the last byte that was looked at is done with; that byte says whether a quote opens.
            let keep = found.pos.saturating_sub(1);
            length += keep as u64;
            self.line += count_lines(&block.bytes[..keep]);
            block.bytes.copy_within(keep..block.len, 0);
            block.len -= keep;
            self.at_end = block.fill(&mut self.input, block.len + self.block_bytes)?;
            let resume = Scan { pos: found.pos - keep, end: None, quoted_since: found.quoted_since.map(|_| 0) };
            let was_open = found.quoted_since.is_some();
            found = scan(self.dialect, block.text(), resume, self.at_end, true);
            if let Some(at) = found.quoted_since
                && (!was_open || at > 0)
            {
                quote_line = Some(opened_on(self.line, block.text(), at));
            }
        }
        block.bytes.truncate(self.block_bytes.max(head.len()));
        block.bytes.shrink_to_fit();
        block.len = head.len();
        if block.bytes.len() < block.len {
            block.bytes.resize(block.len, 0);
        }
        block.bytes[..head.len()].copy_from_slice(&head);
        Ok(Fed::TooLong { length })
    }
}

pub(crate) fn count_lines(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64
}
