//! A client that sends at a given pace and times each answer to its last byte. HTTP/1.1, kept alive, no compression.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// One connection.
pub(super) struct Client {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
}

impl Client {
    pub(super) fn connect(address: SocketAddr) -> Result<Client> {
        let stream = TcpStream::connect(address).with_context(|| format!("{address} does not answer"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(120)))?;
        Ok(Client { stream: BufReader::with_capacity(1 << 16, stream), address })
    }

    /// Answers how many bytes the body has. Anything but 200 is an error.
    pub(super) fn get(&mut self, path: &str) -> Result<usize> {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.address), path)
    }

    pub(super) fn post(&mut self, path: &str, body: &str) -> Result<usize> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        self.send(&head, path)
    }

    fn send(&mut self, request: &str, path: &str) -> Result<usize> {
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut status = String::new();
        self.stream.read_line(&mut status)?;
        if !status.starts_with("HTTP/1.1 200") {
            bail!("{path}: {}", status.trim());
        }
        let (mut length, mut chunked) = (0, false);
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            chunked |= line == "transfer-encoding: chunked";
        }
        if chunked { self.chunks() } else { self.skip(length) }
    }

    fn chunks(&mut self) -> Result<usize> {
        let mut total = 0;
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let length =
                usize::from_str_radix(line.trim(), 16).with_context(|| format!("`{}` is no length", line.trim()))?;
            self.skip(length + 2)?;
            if length == 0 {
                return Ok(total);
            }
            total += length;
        }
    }

    fn skip(&mut self, length: usize) -> Result<usize> {
        let mut left = length;
        let mut buffer = [0; 1 << 14];
        while left > 0 {
            let part = left.min(buffer.len());
            self.stream.read_exact(&mut buffer[..part])?;
            left -= part;
        }
        Ok(length)
    }
}

/// Sends `paths` in turn, `rate` a second for `seconds`, and answers how long each took, in milliseconds, sorted. Each is
/// timed from the moment at which it was to be sent: a server that falls behind is not excused.
pub(super) fn paced(address: SocketAddr, paths: &[String], rate: u32, seconds: u32) -> Result<Vec<f64>> {
    const CONNECTIONS: u32 = 10;
    let started = Instant::now();
    let total = rate * seconds;
    let each = |number: u32| -> Result<Vec<f64>> {
        let mut client = Client::connect(address)?;
        let mut took = Vec::new();
        for index in (number..total).step_by(CONNECTIONS as usize) {
            let due = Duration::from_secs_f64(f64::from(index) / f64::from(rate));
            std::thread::sleep(due.saturating_sub(started.elapsed()));
            client.get(&paths[index as usize % paths.len()])?;
            took.push((started.elapsed().saturating_sub(due)).as_secs_f64() * 1_000.0);
        }
        Ok(took)
    };
    let mut all = gather(CONNECTIONS, each)?;
    all.sort_by(f64::total_cmp);
    Ok(all)
}

/// Requests a second over some connections that never pause.
pub(super) fn flat_out(address: SocketAddr, paths: &[String], seconds: u32) -> Result<f64> {
    const CONNECTIONS: u32 = 16;
    let started = Instant::now();
    let each = |number: u32| -> Result<Vec<f64>> {
        let mut client = Client::connect(address)?;
        let mut sent = 0;
        while started.elapsed().as_secs() < u64::from(seconds) {
            client.get(&paths[(number as usize * 31 + sent) % paths.len()])?;
            sent += 1;
        }
        Ok(vec![sent as f64])
    };
    let sent: f64 = gather(CONNECTIONS, each)?.iter().sum();
    Ok(sent / started.elapsed().as_secs_f64())
}

fn gather(threads: u32, work: impl Fn(u32) -> Result<Vec<f64>> + Sync) -> Result<Vec<f64>> {
    std::thread::scope(|scope| {
        let work = &work;
        let all: Vec<_> = (0..threads).map(|number| scope.spawn(move || work(number))).collect();
        let mut found = Vec::new();
        for one in all {
            match one.join() {
                Ok(part) => found.extend(part?),
                Err(_) => bail!("a client panicked"),
            }
        }
        Ok(found)
    })
}

/// The value below which a share of sorted values lies.
pub(super) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let index = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len().max(1)) - 1;
    sorted.get(index).copied().unwrap_or(0.0)
}
