//! What the code says while it works, for whoever looks into it: on stderr, off unless `LOCKGATE_LOG` asks.

use std::io::{self, Write};
use std::sync::Arc;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::terminal::Terminal;

/// Errors always; more with `LOCKGATE_LOG=info`, `LOCKGATE_LOG=lockgate_run=debug`, …
pub(crate) fn start(terminal: &Arc<Terminal>) {
    let filter = EnvFilter::try_from_env("LOCKGATE_LOG").unwrap_or_else(|_| EnvFilter::new("error"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(terminal.note_paint.is_on())
        .with_writer(Redacting(Arc::clone(terminal)))
        .finish();
    // Only a test could have set another one.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Writes lines on stderr without the project's secrets.
#[derive(Clone)]
struct Redacting(Arc<Terminal>);

impl<'a> MakeWriter<'a> for Redacting {
    type Writer = Redacting;

    fn make_writer(&'a self) -> Redacting {
        self.clone()
    }
}

impl Write for Redacting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stderr().lock().write_all(self.0.redacted(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}
