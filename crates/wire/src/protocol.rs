//! Messages of the Postgres protocol 3, as bytes.
//!
//! What comes in is read defensively: nothing is believed that was not counted, and a message has a longest length, a
//! short one until its sender has signed in.
//!
//! Source: PostgreSQL's documentation, "Frontend/Backend Protocol", "Message Formats".

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use crate::failure::Failure;
use crate::values::Column;

/// A message before its sender is known.
const FIRST_BYTES_MAX: usize = 10_000;
const BYTES_MAX: usize = 16 << 20;
/// What may lie in the buffer of a client that sends ahead while a statement is at work.
const AHEAD_BYTES_MAX: usize = 64 << 10;
/// What is gathered before it is sent.
pub(crate) const CHUNK_BYTES: usize = 64 << 10;

/// The first message of a connection.
#[derive(Debug)]
pub(crate) enum First {
    Startup {
        minor: u16,
        parameters: Vec<(String, String)>,
    },
    Cancel {
        process: i32,
        secret: Bytes,
    },
    /// `SSLRequest` or `GSSENCRequest`.
    Encrypt,
}

#[derive(Debug)]
pub(crate) enum Message {
    Query(String),
    Parse { name: String, sql: String, types: Vec<u32> },
    Bind { portal: String, statement: String, formats: Vec<i16>, values: Vec<Option<Bytes>>, results: Vec<i16> },
    Describe { what: Named, name: String },
    Execute { portal: String, max_rows: usize },
    Close { what: Named, name: String },
    Flush,
    Sync,
    Password(String),
    Terminate,
    Other(u8),
}

impl Message {
    /// Whether an error in it is followed by silence until `Sync`.
    pub(crate) fn is_extended(&self) -> bool {
        matches!(
            self,
            Message::Parse { .. }
                | Message::Bind { .. }
                | Message::Describe { .. }
                | Message::Execute { .. }
                | Message::Close { .. }
                | Message::Flush
        )
    }
}

/// What `Describe` and `Close` are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    Statement,
    Portal,
}

/// What the client sends.
#[derive(Debug)]
pub(crate) struct Input {
    socket: OwnedReadHalf,
    buffer: BytesMut,
    longest: usize,
}

impl Input {
    pub(crate) fn new(socket: OwnedReadHalf) -> Self {
        Input { socket, buffer: BytesMut::new(), longest: FIRST_BYTES_MAX }
    }

    /// The sender is known from here on.
    pub(crate) fn trust(&mut self) {
        self.longest = BYTES_MAX;
    }

    /// `None` at the end.
    async fn fill(&mut self, bytes: usize) -> Result<Option<()>, Failure> {
        while self.buffer.len() < bytes {
            match self.socket.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return Ok(None),
                Ok(_) => {}
            }
        }
        Ok(Some(()))
    }

    /// Takes the body of a message whose head is `head` bytes, of which the last four are its length.
    async fn body(&mut self, head: usize) -> Result<Option<Body>, Failure> {
        if self.fill(head).await?.is_none() {
            return Ok(None);
        }
        let length = (&self.buffer[head - 4..head]).get_i32();
        let length = usize::try_from(length).ok().and_then(|length| length.checked_sub(4));
        let Some(length) = length.filter(|length| *length <= self.longest) else {
            return Err(Failure::protocol(format!(
                "a message is longer than {} bytes, or has no length",
                self.longest
            )));
        };
        if self.fill(head + length).await?.is_none() {
            return Ok(None);
        }
        self.buffer.advance(head);
        Ok(Some(Body(self.buffer.split_to(length).freeze())))
    }

    /// `None` when the client went.
    pub(crate) async fn first(&mut self) -> Result<Option<First>, Failure> {
        let Some(mut body) = self.body(4).await? else { return Ok(None) };
        Ok(Some(match body.i32()? {
            80_877_103 | 80_877_104 => First::Encrypt,
            80_877_102 => First::Cancel { process: body.i32()?, secret: body.0 },
            code if code >> 16 == 3 => {
                let mut parameters = Vec::new();
                while body.0.first().is_some_and(|byte| *byte != 0) {
                    parameters.push((body.text()?, body.text()?));
                }
                First::Startup { minor: u16::try_from(code & 0xffff).unwrap_or(0), parameters }
            }
            _ => return Err(Failure::protocol("this port speaks version 3 of the protocol")),
        }))
    }

    /// `None` when the client went.
    pub(crate) async fn next(&mut self) -> Result<Option<Message>, Failure> {
        if self.fill(1).await?.is_none() {
            return Ok(None);
        }
        let kind = self.buffer[0];
        let Some(mut body) = self.body(5).await? else { return Ok(None) };
        Ok(Some(match kind {
            b'Q' => Message::Query(body.text()?),
            b'P' => Message::Parse {
                name: body.text()?,
                sql: body.text()?,
                types: body.list(|body| Ok(body.i32()?.cast_unsigned()))?,
            },
            b'B' => Message::Bind {
                portal: body.text()?,
                statement: body.text()?,
                formats: body.list(Body::i16)?,
                values: body.list(Body::value)?,
                results: body.list(Body::i16)?,
            },
            b'D' => Message::Describe { what: body.named()?, name: body.text()? },
            b'E' => Message::Execute { portal: body.text()?, max_rows: usize::try_from(body.i32()?).unwrap_or(0) },
            b'C' => Message::Close { what: body.named()?, name: body.text()? },
            b'H' => Message::Flush,
            b'S' => Message::Sync,
            b'p' => Message::Password(body.text()?),
            b'X' => Message::Terminate,
            other => Message::Other(other),
        }))
    }

    /// Ends when the client is gone; reads ahead to know it.
    pub(crate) async fn gone(&mut self) {
        while self.buffer.len() < AHEAD_BYTES_MAX {
            match self.socket.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        // A client that sends so much ahead is there.
        std::future::pending().await
    }
}

/// What is left of a message.
struct Body(Bytes);

impl Body {
    fn take(&mut self, bytes: usize) -> Result<Bytes, Failure> {
        if self.0.len() < bytes {
            return Err(Failure::protocol("a message ends too early"));
        }
        Ok(self.0.split_to(bytes))
    }

    fn i16(&mut self) -> Result<i16, Failure> {
        Ok(self.take(2)?.get_i16())
    }

    fn i32(&mut self) -> Result<i32, Failure> {
        Ok(self.take(4)?.get_i32())
    }

    /// Up to a zero byte.
    fn text(&mut self) -> Result<String, Failure> {
        let Some(end) = self.0.iter().position(|byte| *byte == 0) else {
            return Err(Failure::protocol("a text in a message has no end"));
        };
        let text = self.take(end + 1)?;
        String::from_utf8(text[..end].to_vec()).map_err(|_| Failure::protocol("a text in a message is not UTF-8"))
    }

    fn value(&mut self) -> Result<Option<Bytes>, Failure> {
        match usize::try_from(self.i32()?) {
            Ok(bytes) => self.take(bytes).map(Some),
            Err(_) => Ok(None),
        }
    }

    fn list<T>(&mut self, each: impl Fn(&mut Self) -> Result<T, Failure>) -> Result<Vec<T>, Failure> {
        let count = self.i16()?.cast_unsigned();
        (0..count).map(|_| each(self)).collect()
    }

    fn named(&mut self) -> Result<Named, Failure> {
        match self.take(1)?[0] {
            b'S' => Ok(Named::Statement),
            b'P' => Ok(Named::Portal),
            _ => Err(Failure::protocol("neither a statement nor a portal")),
        }
    }
}

/// How a transaction stands, as `ReadyForQuery` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Idle,
    Open,
    Failed,
}

/// What the client is sent. Every method appends a whole message, so that what is gathered can be sent at any time.
#[derive(Debug)]
pub(crate) struct Output {
    socket: OwnedWriteHalf,
    pub(crate) buffer: BytesMut,
}

impl Output {
    pub(crate) fn new(socket: OwnedWriteHalf) -> Self {
        Output { socket, buffer: BytesMut::new() }
    }

    pub(crate) async fn flush(&mut self) -> Result<(), Failure> {
        match self.socket.write_all_buf(&mut self.buffer).await {
            Ok(()) => Ok(()),
            Err(_) => Err(Failure::protocol("the client is gone")),
        }
    }

    /// Sends what is gathered when it is much.
    pub(crate) async fn flush_some(&mut self) -> Result<(), Failure> {
        if self.buffer.len() >= CHUNK_BYTES { self.flush().await } else { Ok(()) }
    }

    pub(crate) async fn close(&mut self) {
        // The client may be gone already.
        let _ = self.flush().await;
        let _ = self.socket.shutdown().await;
    }

    /// The answer to a wish for encryption, which is no message.
    pub(crate) fn no_encryption(&mut self) {
        self.buffer.put_u8(b'N');
    }

    fn message(&mut self, kind: u8, write: impl FnOnce(&mut BytesMut)) {
        message(&mut self.buffer, kind, write);
    }

    pub(crate) fn authentication_ok(&mut self) {
        self.message(b'R', |body| body.put_i32(0));
    }

    pub(crate) fn ask_password(&mut self) {
        self.message(b'R', |body| body.put_i32(3));
    }

    /// Says that only 3.0 is spoken.
    pub(crate) fn older_protocol(&mut self, unknown: &[&str]) {
        self.message(b'v', |body| {
            body.put_i32(0);
            body.put_i32(i32::try_from(unknown.len()).unwrap_or(0));
            for name in unknown {
                text(body, name);
            }
        });
    }

    pub(crate) fn key(&mut self, process: i32, secret: &[u8]) {
        self.message(b'K', |body| {
            body.put_i32(process);
            body.put_slice(secret);
        });
    }

    pub(crate) fn parameter(&mut self, name: &str, value: &str) {
        self.message(b'S', |body| {
            text(body, name);
            text(body, value);
        });
    }

    pub(crate) fn ready(&mut self, standing: Standing) {
        let letter = match standing {
            Standing::Idle => b'I',
            Standing::Open => b'T',
            Standing::Failed => b'E',
        };
        self.message(b'Z', |body| body.put_u8(letter));
    }

    pub(crate) fn parse_complete(&mut self) {
        self.message(b'1', |_| {});
    }

    pub(crate) fn bind_complete(&mut self) {
        self.message(b'2', |_| {});
    }

    pub(crate) fn close_complete(&mut self) {
        self.message(b'3', |_| {});
    }

    pub(crate) fn empty_query(&mut self) {
        self.message(b'I', |_| {});
    }

    pub(crate) fn portal_suspended(&mut self) {
        self.message(b's', |_| {});
    }

    pub(crate) fn no_data(&mut self) {
        self.message(b'n', |_| {});
    }

    pub(crate) fn complete(&mut self, tag: &str) {
        self.message(b'C', |body| text(body, tag));
    }

    pub(crate) fn parameter_types(&mut self, types: &[u32]) {
        self.message(b't', |body| {
            body.put_u16(u16::try_from(types.len()).unwrap_or(u16::MAX));
            for oid in types {
                body.put_u32(*oid);
            }
        });
    }

    /// `binary` says for each column how its values will come.
    pub(crate) fn row_description(&mut self, columns: &[Column], binary: impl Fn(usize) -> bool) {
        self.message(b'T', |body| {
            body.put_u16(u16::try_from(columns.len()).unwrap_or(u16::MAX));
            for (index, column) in columns.iter().enumerate() {
                text(body, &column.name);
                body.put_u32(0);
                body.put_i16(0);
                body.put_u32(column.data_type.oid());
                body.put_i16(column.data_type.size());
                body.put_i32(column.data_type.modifier());
                body.put_i16(i16::from(binary(index)));
            }
        });
    }

    pub(crate) fn failure(&mut self, failure: &Failure) {
        let severity = if failure.fatal { "FATAL" } else { "ERROR" };
        self.message(b'E', |body| {
            let mut field = |letter: u8, value: &str| {
                body.put_u8(letter);
                text(body, value);
            };
            field(b'S', severity);
            field(b'V', severity);
            field(b'C', failure.sqlstate);
            field(b'M', &failure.message);
            if let Some(detail) = &failure.detail {
                field(b'D', detail);
            }
            if let Some(hint) = &failure.hint {
                field(b'H', hint);
            }
            if let Some(position) = failure.position {
                field(b'P', &position.to_string());
            }
            body.put_u8(0);
        });
    }
}

/// A message; its length is written when its body is known.
pub(crate) fn message(out: &mut BytesMut, kind: u8, write: impl FnOnce(&mut BytesMut)) {
    out.put_u8(kind);
    counted(out, true, write);
}

/// Four bytes of length, then what is written; `own` counts the four bytes too.
pub(crate) fn counted(out: &mut BytesMut, own: bool, write: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    out.put_i32(0);
    write(out);
    let length = out.len() - start - if own { 0 } else { 4 };
    let length = i32::try_from(length).unwrap_or(i32::MAX);
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

/// A text and its zero byte. A zero inside would end it early, and has no place in the protocol.
fn text(out: &mut BytesMut, text: &str) {
    out.extend(text.bytes().filter(|byte| *byte != 0));
    out.put_u8(0);
}
