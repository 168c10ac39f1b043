//! A few rows of each input that lead to something.
//!
//! The inputs are shrunk one after the other, the largest first, while the others stay as they are. What is asked of the
//! SELECT each time is only how much comes out, so that rows are found that join and pass filters without knowing why:
//!
//! * Of an input that only few rows matter of, those are found by taking out ever smaller ranges that nothing is lost by.
//! * Of others the half is kept that leads to more, down to so few rows that each can be tried alone.
//! * Where a row alone leads to nothing (`having count(*) > 2`), ever smaller parts are taken out (Zeller's ddmin).
//!
//! The cost is the SELECT over the pool, [`PROBES`] times for each way and input at most.

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use lockgate_types::AssetName;

use super::{Over, cells};
use crate::{RunError, Workspace};

/// How many rows of each input are looked at; the second only when the first lead to nothing.
pub(crate) const POOLS: [usize; 2] = [4_096, 262_144];
/// How often the SELECT is run for one input, by each of the three ways.
const PROBES: usize = 120;
/// So many times the rows that are wanted are tried one by one.
const TRIED_ALONE: usize = 8;
/// Of results with more rows only nulls are told from values.
const LOOKED_AT: usize = 10_000;

/// What comes out of a SELECT.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Score {
    pub(crate) rows: usize,
    /// Values that say something: neither null nor zero nor empty.
    pub(crate) values: usize,
}

pub(crate) async fn score(workspace: &Workspace, over: &Over) -> Result<Score, RunError> {
    let batches = workspace.rows_of(over).await?;
    let rows = batches.iter().map(RecordBatch::num_rows).sum::<usize>();
    if rows > LOOKED_AT {
        let values = |batch: &RecordBatch| batch.columns().iter().map(|c| c.len() - c.null_count()).sum::<usize>();
        return Ok(Score { rows, values: batches.iter().map(values).sum() });
    }
    let columns: Vec<usize> = (0..over.output.columns.len()).collect();
    let cells = cells(&over.output, &batches, &columns);
    Ok(Score { rows, values: cells.iter().flatten().filter(|cell| cell.says_something()).count() })
}

/// Cuts every table to `rows` rows or fewer. The result stays as telling as that allows.
pub(crate) async fn shrink(workspace: &Workspace, over: &mut Over, rows: usize) -> Result<(), RunError> {
    let mut names: Vec<(usize, AssetName)> =
        over.tables.iter().map(|(name, (_, batch))| (batch.num_rows(), name.clone())).collect();
    names.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    for (_, name) in names {
        let Some((_, all)) = over.tables.get(&name).cloned() else { continue };
        let kept = Shrinking { workspace, over, name: &name, all: &all, probes: PROBES }.down_to(rows).await?;
        put(over, &name, &all, &kept)?;
    }
    Ok(())
}

/// Replaces a table by some rows of `all`.
fn put(over: &mut Over, name: &AssetName, all: &RecordBatch, rows: &[u32]) -> Result<(), RunError> {
    let taken = take_record_batch(all, &UInt32Array::from(rows.to_vec()))
        .map_err(|error| lockgate_engine::EngineError::Execution(error.to_string()))?;
    if let Some((_, batch)) = over.tables.get_mut(name) {
        *batch = taken;
    }
    Ok(())
}

struct Shrinking<'a> {
    workspace: &'a Workspace,
    over: &'a mut Over,
    name: &'a AssetName,
    all: &'a RecordBatch,
    probes: usize,
}

impl Shrinking<'_> {
    /// `rows` rows at most, in their order.
    async fn down_to(&mut self, rows: usize) -> Result<Vec<u32>, RunError> {
        let all: Vec<u32> = (0..u32::try_from(self.all.num_rows()).unwrap_or(u32::MAX)).collect();
        if all.len() <= rows {
            return Ok(all);
        }
        let full = self.probe(&all).await?;
        // More rows come out than are wanted of this input: surely more than a few matter.
        let needed = if full.rows > rows { None } else { self.needed(full.values, rows).await? };
        self.probes = PROBES;
        let mut kept = match needed {
            Some(needed) => needed,
            None => self.halves(all, rows).await?,
        };
        kept.truncate(rows);
        self.filled(kept, rows).await
    }

    /// The rows that nothing may be lost of, when they are `rows` at most. Rows at the start are kept rather than later ones.
    async fn needed(&mut self, full: usize, rows: usize) -> Result<Option<Vec<u32>>, RunError> {
        let mut kept: Vec<u32> = (0..u32::try_from(self.all.num_rows()).unwrap_or(u32::MAX)).collect();
        let mut needed = 0;
        let mut open = vec![(0, u32::try_from(self.all.num_rows()).unwrap_or(u32::MAX))];
        while let Some((start, end)) = open.pop() {
            if self.probes == 0 || needed > rows {
                return Ok(None);
            }
            let rest: Vec<u32> = kept.iter().copied().filter(|row| *row < start || *row >= end).collect();
            if self.probe(&rest).await?.values >= full {
                kept = rest;
            } else if end - start == 1 {
                needed += 1;
            } else {
                let middle = start + (end - start) / 2;
                open.extend([(start, middle), (middle, end)]);
            }
        }
        Ok((kept.len() <= rows).then_some(kept))
    }

    /// Halves, then rows alone, then ever smaller parts; more than `rows` when fewer lead to nothing.
    async fn halves(&mut self, mut kept: Vec<u32>, rows: usize) -> Result<Vec<u32>, RunError> {
        let (mut parts, mut tried_alone) = (2, false);
        while kept.len() > rows && self.probes > 0 {
            if kept.len() <= rows * TRIED_ALONE && !tried_alone {
                tried_alone = true;
                let alone = self.alone(&kept, rows).await?;
                if !alone.is_empty() {
                    return Ok(alone);
                }
                self.probes = PROBES;
            }
            let chunks: Vec<Vec<u32>> = kept.chunks(kept.len().div_ceil(parts)).map(<[u32]>::to_vec).collect();
            if let Some(best) = self.best(chunks.clone(), false).await? {
                kept = best;
                parts = 2;
                continue;
            }
            // With two parts the rest is the other part.
            let rests = (0..chunks.len()).map(|out| {
                chunks.iter().enumerate().filter(|(index, _)| *index != out).flat_map(|(_, c)| c.clone()).collect()
            });
            let rest = if parts > 2 { self.best(rests.collect(), true).await? } else { None };
            match rest {
                Some(rest) => {
                    kept = rest;
                    parts = (parts - 1).max(2);
                }
                None if parts < kept.len() => parts = (parts * 2).min(kept.len()),
                None => break,
            }
        }
        Ok(kept)
    }

    /// The first `rows` rows of these that lead to something alone.
    async fn alone(&mut self, among: &[u32], rows: usize) -> Result<Vec<u32>, RunError> {
        let mut alone = Vec::new();
        for row in among {
            if alone.len() == rows || self.probes == 0 {
                break;
            }
            if self.probe(&[*row]).await?.values > 0 {
                alone.push(*row);
            }
        }
        Ok(alone)
    }

    /// Of these choices the one that leads to most, or the first that leads to anything.
    async fn best(&mut self, choices: Vec<Vec<u32>>, any: bool) -> Result<Option<Vec<u32>>, RunError> {
        let mut best: Option<(usize, Vec<u32>)> = None;
        for choice in choices {
            if self.probes == 0 {
                break;
            }
            let values = self.probe(&choice).await?.values;
            if values > best.as_ref().map_or(0, |(most, _)| *most) {
                best = Some((values, choice));
                if any {
                    break;
                }
            }
        }
        Ok(best.map(|(_, choice)| choice))
    }

    /// With rows from the start in the places that are free, unless less comes out then.
    async fn filled(&mut self, kept: Vec<u32>, rows: usize) -> Result<Vec<u32>, RunError> {
        let others = (0..u32::try_from(self.all.num_rows()).unwrap_or(u32::MAX)).filter(|row| !kept.contains(row));
        let mut filled: Vec<u32> = kept.iter().copied().chain(others.take(rows - kept.len())).collect();
        filled.sort_unstable();
        let is_less = self.probe(&filled).await?.values < self.probe(&kept).await?.values;
        Ok(if is_less { kept } else { filled })
    }

    /// What comes out when only these rows are there.
    async fn probe(&mut self, rows: &[u32]) -> Result<Score, RunError> {
        self.probes = self.probes.saturating_sub(1);
        put(self.over, self.name, self.all, rows)?;
        // Rows that the SQL fails over (a division by a sum that is 0 now) lead to nothing.
        Ok(score(self.workspace, self.over).await.unwrap_or_default())
    }
}
