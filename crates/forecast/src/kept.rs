//! What a build that was killed had forecast, so that the next one goes on from there.
//!
//! Forecasts of chunks are kept in pieces beside the table while it is built, each under the hash of the rows it was made of, and thrown away
//! with the build's end. A run that comes after a killed one takes up what was made of the same rows by the same settings: the same bits,
//! whatever a time budget had decided. What it cannot read it makes anew.

use std::collections::VecDeque;

use lockgate_kind::{BuildContext, KindError};
use lockgate_lake::Table;
use lockgate_types::{Effects, Instant};
use serde::{Deserialize, Serialize};

use crate::told::Told;

/// Of the pieces. Raised when their shape changes.
const FORMAT: u32 = 2;
/// Series after which a piece is written.
const SERIES_OF_A_PIECE: usize = 256;
/// Seconds after which a piece is written, however few series it has: so much work is lost at most.
const SECONDS_OF_A_PIECE: u64 = 5;

/// The hash of a chunk's rows.
type Mark = [u8; 32];

/// A chunk that was forecast.
#[derive(Serialize, Deserialize)]
struct Piece {
    mark: Mark,
    told: Vec<Told>,
}

/// Where a build keeps what it has made.
pub(crate) struct Kept {
    table: Table,
    key: String,
    /// The number of the next piece.
    next: usize,
    pieces: Vec<Piece>,
    since: Instant,
    effects: Effects,
}

impl Kept {
    /// `of` says what forecasts depend on beside the rows of their series.
    pub(crate) async fn open(cx: &BuildContext, of: &str) -> Result<Kept, KindError> {
        let version = env!("CARGO_PKG_VERSION");
        let key = blake3::hash(format!("{FORMAT} {version} {of}").as_bytes()).to_hex()[..16].to_owned();
        let next = cx.table.kept(&key).await?;
        let effects = cx.effects.clone();
        let since = effects.clock.monotonic();
        Ok(Kept { table: cx.table.clone(), key, next, pieces: Vec::new(), since, effects })
    }

    /// What a build before this one left, in the order of its chunks.
    pub(crate) fn found(&self) -> Found {
        let (table, key) = (self.table.clone(), self.key.clone());
        Found { table, key, next: 0, end: self.next, pieces: VecDeque::new(), has_begun: false }
    }

    /// Remembers a chunk. On disk it is after the next piece is full. That spares work and decides nothing: failing at it fails nobody.
    pub(crate) async fn add(&mut self, mark: Mark, told: &[Told]) {
        self.pieces.push(Piece { mark, told: told.to_vec() });
        let series: usize = self.pieces.iter().map(|piece| piece.told.len()).sum();
        let gone = self.effects.clock.monotonic().saturating_sub(self.since);
        if series < SERIES_OF_A_PIECE && gone.as_secs() < SECONDS_OF_A_PIECE {
            return;
        }
        // What the library hands out serializes; what does not is forecast again.
        if let Ok(bytes) = postcard::to_allocvec(&self.pieces) {
            match self.table.keep(&self.key, self.next, bytes).await {
                Ok(()) => self.next += 1,
                Err(error) => tracing::warn!(asset = %self.table.asset(), %error, "a piece of a forecast is not kept"),
            }
        }
        self.pieces.clear();
        self.since = self.effects.clock.monotonic();
    }

    /// Throws everything away, also what builds of other rows left.
    pub(crate) async fn discard(self) {
        if let Err(error) = self.table.discard_kept().await {
            tracing::warn!(asset = %self.table.asset(), %error, "pieces of a forecast stay");
        }
    }
}

/// Reads what was kept, piece by piece.
pub(crate) struct Found {
    table: Table,
    key: String,
    next: usize,
    end: usize,
    pieces: VecDeque<Piece>,
    /// Whether a chunk was found.
    has_begun: bool,
}

impl Found {
    /// The forecasts of the chunk of this mark. Chunks come in the order in which they were kept; in front may lie those of older rows.
    pub(crate) async fn next(&mut self, mark: &Mark) -> Result<Option<Vec<Told>>, KindError> {
        loop {
            while self.pieces.is_empty() && self.next < self.end {
                let bytes = self.table.kept_piece(&self.key, self.next).await?;
                self.next += 1;
                let pieces: Option<VecDeque<Piece>> = bytes.and_then(|bytes| postcard::from_bytes(&bytes).ok());
                self.pieces = pieces.unwrap_or_default();
            }
            if let Some(piece) = self.pieces.pop_front_if(|piece| piece.mark == *mark) {
                self.has_begun = true;
                return Ok(Some(piece.told));
            }
            if self.has_begun || self.pieces.pop_front().is_none() {
                return Ok(None);
            }
        }
    }
}
