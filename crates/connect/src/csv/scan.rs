//! Where records end: the one sequential pass over a file, at the speed of memory.
//!
//! Text is looked at 64 bytes at a time as bit masks. Only quotes are visited one by one, so that a file without them
//! costs two comparisons a block. [`super::index`] follows the same rules; what is a boundary here is one there.

use wide::u8x64;

/// What the bytes of a dialect mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    /// `None`: quotes are letters like any other.
    pub(crate) quote: Option<u8>,
    /// Takes the meaning of the next byte inside quotes. A doubled quote is always one quote.
    pub(crate) escape: Option<u8>,
}

impl Dialect {
    /// Lines of text without quotes, such as JSON lines.
    pub(crate) const LINES: Dialect = Dialect { delimiter: b'\n', quote: None, escape: None };
}

/// One bit for each of 64 bytes.
#[inline]
pub(crate) fn mask(block: u8x64, byte: u8) -> u64 {
    block.simd_eq(u8x64::splat(byte)).to_bitmask()
}

/// The 64 bytes at `base`; zeros stand for what lies behind the end (no byte of a dialect is zero).
#[inline]
pub(crate) fn block_at(text: &[u8], base: usize) -> u8x64 {
    let rest = &text[base..];
    if let Some(block) = rest.first_chunk::<64>() {
        return u8x64::new(*block);
    }
    let mut padded = [0u8; 64];
    padded[..rest.len()].copy_from_slice(rest);
    u8x64::new(padded)
}

/// How far a scan has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scan {
    /// Where to go on when there is more text.
    pub(crate) pos: usize,
    /// Behind the line break of the last whole record (or of the first, when that was asked for).
    pub(crate) end: Option<usize>,
    /// Where the quote stands that is open at `pos`.
    pub(crate) quoted_since: Option<usize>,
}

/// Looks for record ends from `scan.pos` on. `text[0]` starts a record, or is the byte before one that goes on.
/// `all` tells that nothing follows `text`. With `first` it stops at the first record's end.
pub(crate) fn scan(dialect: Dialect, text: &[u8], mut scan: Scan, all: bool, first: bool) -> Scan {
    let Some(quote) = dialect.quote else {
        let rest = &text[scan.pos..];
        let found = if first { memchr::memchr(b'\n', rest) } else { memchr::memrchr(b'\n', rest) };
        scan.end = found.map(|at| scan.pos + at + 1).or(scan.end);
        scan.pos = if first { scan.end.unwrap_or(text.len()) } else { text.len() };
        return scan;
    };
    while scan.pos < text.len() {
        let base = scan.pos & !63;
        let block = block_at(text, base);
        let quotes = mask(block, quote);
        let breaks = mask(block, b'\n');
        let escapes = dialect.escape.map_or(0, |escape| mask(block, escape));
        // Everything from `bit` on is still to be looked at.
        let mut bit = scan.pos - base;
        while bit < 64 {
            let from = !0u64 << bit;
            if scan.quoted_since.is_some() {
                let next = (quotes | escapes) & from;
                if next == 0 {
                    bit = 64;
                    break;
                }
                let at = next.trailing_zeros() as usize;
                let pos = base + at;
                let Some(&after) = text.get(pos + 1) else {
                    if !all {
                        // What it means depends on the byte that follows.
                        scan.pos = pos;
                        return scan;
                    }
                    if quotes >> at & 1 == 1 {
                        scan.quoted_since = None;
                    }
                    bit = at + 1;
                    continue;
                };
                // An escape (which may be the quote itself) or a doubled quote takes the next byte with it.
                if escapes >> at & 1 == 1 && dialect.escape != Some(quote) || after == quote {
                    bit = at + 2;
                } else {
                    scan.quoted_since = None;
                    bit = at + 1;
                }
                continue;
            }
            let next = quotes & from;
            let until = next.trailing_zeros();
            let here = breaks & from & if next == 0 { !0 } else { (1u64 << until) - 1 };
            if here != 0 {
                let at = if first { here.trailing_zeros() } else { 63 - here.leading_zeros() };
                scan.end = Some(base + at as usize + 1);
                if first {
                    scan.pos = base + at as usize + 1;
                    return scan;
                }
            }
            if next == 0 {
                bit = 64;
                break;
            }
            let pos = base + until as usize;
            let opens = pos == 0 || text[pos - 1] == dialect.delimiter || text[pos - 1] == b'\n';
            if opens {
                scan.quoted_since = Some(pos);
            }
            bit = until as usize + 1;
        }
        scan.pos = base + bit;
    }
    scan.pos = scan.pos.min(text.len());
    scan
}
