//! A file being read: counted, hashed, unpacked, and compared with itself afterwards.

use std::fs::{File, Metadata};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::error::{ConnectError, system_words};

/// A file on this machine and the name people know it by (relative to the project, or a URL without its query).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalFile {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// What a cheap look at a file tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    pub(crate) size_bytes: u64,
    /// Nanoseconds since 1970.
    pub(crate) modified_ns: i64,
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let modified_ns = metadata
            .modified()
            .ok()
            .and_then(|at| match at.duration_since(UNIX_EPOCH) {
                Ok(since) => i64::try_from(since.as_nanos()).ok(),
                Err(before) => i64::try_from(before.duration().as_nanos()).ok().map(|ns| -ns),
            })
            .unwrap_or(0);
        Stamp { size_bytes: metadata.len(), modified_ns }
    }

    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        Ok(Stamp::of(&std::fs::metadata(path)?))
    }
}

/// How a text file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Compression {
    #[default]
    None,
    Gzip,
    Zstd,
}

/// A file's bytes as they lie on the disk, counted and hashed as they pass.
#[derive(Debug)]
pub(crate) struct Raw {
    file: File,
    hasher: blake3::Hasher,
    count: u64,
}

impl Read for Raw {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        self.count += count as u64;
        Ok(count)
    }
}

#[allow(clippy::large_enum_variant)] // one a file
enum Unpacked {
    Plain(Raw),
    Gzip(flate2::bufread::MultiGzDecoder<BufReader<Raw>>),
    Zstd(zstd::stream::read::Decoder<'static, BufReader<Raw>>),
}

/// An open file; reads its text.
pub(crate) struct Input {
    file: LocalFile,
    before: Stamp,
    unpacked: Unpacked,
}

/// What is known of a file that was read whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Whole {
    pub(crate) stamp: Stamp,
    /// BLAKE3 of its bytes as they lie on the disk, in hex.
    pub(crate) hash: String,
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input").field("file", &self.file).field("before", &self.before).finish_non_exhaustive()
    }
}

impl Input {
    pub(crate) fn open(file: &LocalFile, compression: Compression) -> Result<Self, ConnectError> {
        let failed = |error| ConnectError::unreadable(&file.name, error);
        let opened = File::open(&file.path).map_err(failed)?;
        let metadata = opened.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(failed(io::Error::from(io::ErrorKind::IsADirectory)));
        }
        let raw = Raw { file: opened, hasher: blake3::Hasher::new(), count: 0 };
        let buffered = |raw| BufReader::with_capacity(256 * 1024, raw);
        let unpacked = match compression {
            Compression::None => Unpacked::Plain(raw),
            Compression::Gzip => Unpacked::Gzip(flate2::bufread::MultiGzDecoder::new(buffered(raw))),
            Compression::Zstd => {
                Unpacked::Zstd(zstd::stream::read::Decoder::with_buffer(buffered(raw)).map_err(failed)?)
            }
        };
        Ok(Input { file: file.clone(), before: Stamp::of(&metadata), unpacked })
    }

    pub(crate) fn file(&self) -> &LocalFile {
        &self.file
    }

    /// What a failed read means. A packed stream that ends before its end mark is a file cut short.
    pub(crate) fn failed(&self, error: io::Error, line: u64) -> ConnectError {
        let file = self.file.name.clone();
        let packed = match &self.unpacked {
            Unpacked::Plain(_) => return ConnectError::unreadable(&file, error),
            Unpacked::Gzip(_) => "gzip",
            Unpacked::Zstd(_) => "zstd",
        };
        // Errors of the operating system carry its number, those of the decoders do not.
        if error.raw_os_error().is_some() {
            return ConnectError::unreadable(&file, error);
        }
        if error.kind() == io::ErrorKind::UnexpectedEof {
            let what = format!("its {packed} stream ends before its end mark, after line {line}");
            return ConnectError::CutShort { file, line, what };
        }
        let what = format!("its {packed} stream is damaged after line {line}: {}", system_words(&error));
        ConnectError::Corrupt { file, what }
    }

    fn raw(&mut self) -> &mut Raw {
        match &mut self.unpacked {
            Unpacked::Plain(raw) => raw,
            Unpacked::Gzip(decoder) => decoder.get_mut().get_mut(),
            Unpacked::Zstd(decoder) => decoder.get_mut().get_mut(),
        }
    }

    /// To be called once the text is at its end: the file must be what it was when it was opened.
    pub(crate) fn finish(&mut self) -> Result<Whole, ConnectError> {
        // A decoder stops behind its end mark; what follows still belongs to the file.
        let mut rest = [0u8; 4096];
        while self.raw().read(&mut rest).map_err(|error| ConnectError::unreadable(&self.file.name, error))? > 0 {}
        let (count, hash) = (self.raw().count, self.raw().hasher.finalize().to_hex().to_string());
        let stamp = unchanged(&self.file, self.before)?;
        if count != stamp.size_bytes {
            let what = format!("{count} bytes were read of {}", stamp.size_bytes);
            return Err(ConnectError::ChangedMeanwhile { file: self.file.name.clone(), what });
        }
        Ok(Whole { stamp, hash })
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.unpacked {
            Unpacked::Plain(raw) => raw.read(buffer),
            Unpacked::Gzip(decoder) => {
                // An empty file is no gzip stream; the decoder takes it for an empty text.
                if decoder.get_mut().get_mut().count == 0 && decoder.get_mut().fill_buf()?.is_empty() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                decoder.read(buffer)
            }
            Unpacked::Zstd(decoder) => {
                if decoder.get_mut().get_mut().count == 0 && decoder.get_mut().fill_buf()?.is_empty() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                decoder.read(buffer)
            }
        }
    }
}

/// Compares a file's stamp with the one it had before it was read.
pub(crate) fn unchanged(file: &LocalFile, before: Stamp) -> Result<Stamp, ConnectError> {
    let changed = |what: String| ConnectError::ChangedMeanwhile { file: file.name.clone(), what };
    let after = match Stamp::at(&file.path) {
        Ok(after) => after,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(changed("it is gone".to_owned())),
        Err(error) => return Err(ConnectError::unreadable(&file.name, error)),
    };
    if after.size_bytes != before.size_bytes {
        return Err(changed(format!("it had {} bytes and now has {}", before.size_bytes, after.size_bytes)));
    }
    if after != before {
        return Err(changed("its modification time moved".to_owned()));
    }
    Ok(after)
}

/// The hash of a file's bytes, for formats that read it in no order.
pub(crate) fn hash(file: &LocalFile) -> Result<Whole, ConnectError> {
    let mut input = Input::open(file, Compression::None)?;
    let mut block = vec![0u8; 1 << 20];
    while input.read(&mut block).map_err(|error| ConnectError::unreadable(&file.name, error))? > 0 {}
    input.finish()
}
