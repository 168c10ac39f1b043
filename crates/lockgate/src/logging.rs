//! What the code says while it works, for whoever looks into it: on stderr, off unless `LOCKGATE_LOG` asks; and as
//! OpenTelemetry traces, where `OTEL_EXPORTER_OTLP_ENDPOINT` says.

use std::io::{self, Write};
use std::sync::Arc;

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::terminal::Terminal;

/// Where traces go, as OpenTelemetry's specification names it; the second for traces alone.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];

/// Sends the last spans when it is dropped.
#[derive(Debug)]
pub(crate) struct Logging(Option<SdkTracerProvider>);

impl Drop for Logging {
    fn drop(&mut self) {
        if let Some(provider) = self.0.take()
            && let Err(error) = provider.shutdown()
        {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// Errors always; more with `LOCKGATE_LOG=info`, `LOCKGATE_LOG=lockgate_run=debug`, …
pub(crate) fn start(terminal: &Arc<Terminal>) -> Logging {
    let filter = EnvFilter::try_from_env("LOCKGATE_LOG").unwrap_or_else(|_| EnvFilter::new("error"));
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(terminal.note_paint.is_on())
        .with_writer(Redacting(Arc::clone(terminal)))
        .with_filter(filter);
    let (provider, refused) = match tracing_to() {
        Ok(provider) => (provider, None),
        Err(error) => (None, Some(error)),
    };
    let spans = provider.as_ref().map(|provider| {
        let ours = Targets::new()
            .with_target("lockgate", LevelFilter::INFO)
            .with_target("lockgate_run", LevelFilter::INFO)
            .with_target("lockgate_server", LevelFilter::INFO)
            .with_target("lockgate_wire", LevelFilter::INFO);
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("lockgate"));
        // Where in the source a span begins says nothing to who reads traces.
        layer.with_location(false).with_threads(false).with_filter(ours)
    });
    // Only a test could have set another one.
    let _ = tracing::subscriber::set_global_default(Registry::default().with(lines).with(spans));
    if let Some(error) = refused {
        tracing::error!(%error, "no traces are sent");
    }
    Logging(provider)
}

/// Sends traces by OTLP over HTTP, in batches from a thread of its own, when an endpoint is set.
fn tracing_to() -> Result<Option<SdkTracerProvider>, opentelemetry_otlp::ExporterBuildError> {
    if !ENDPOINTS.iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty())) {
        return Ok(None);
    }
    // Another part may have chosen it before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build()?;
    let mut resource = Resource::builder();
    if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name("lockgate");
    }
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    Ok(Some(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build()).build()))
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
