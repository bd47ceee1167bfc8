//! Traces with OpenTelemetry: the spans of a run's steps belong to the trace of the request that started it, whichever process
//! runs them, and however long the run slept in between.
//!
//! ```text
//! cargo run --bin otel      # prints the spans; stop it with Ctrl-C while the run sleeps, and call it again
//! ```
//!
//! The trace is kept in the run: `trace_context` says which one it is when the run is started, and `instrument` makes it the
//! parent of each step's span. The library itself knows nothing of OpenTelemetry.

use std::{collections::HashMap, path::PathBuf, time::Duration};

use clap::Parser;
use opentelemetry::{propagation::TextMapPropagator, trace::TracerProvider};
use opentelemetry_sdk::{
    propagation::TraceContextPropagator,
    trace::{SdkTracerProvider, SpanExporter},
};
use refluxo::{engine::EngineBuilder, prelude::*, store::Store};
use tracing::{Instrument, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::layer::SubscriberExt;

#[step]
async fn pack(order: &str) -> String {
    tracing::info!("packing");
    format!("the parcel of {order}")
}

#[step]
async fn deliver(parcel: &str) -> String {
    tracing::info!("delivering");
    format!("{parcel} was delivered")
}

/// Packs a parcel, waits for the carrier, and delivers it.
#[workflow]
async fn parcel(order: String, wait: Duration) -> String {
    let parcel = pack(&order).await;
    sleep(wait).await;
    deliver(&parcel).await
}

/// The `traceparent` of the span in which a run is started.
fn trace_context() -> Option<String> {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    carrier.remove("traceparent")
}

/// The span of an attempt, in the trace to which the run belongs.
fn step_span(cx: &StepContext) -> Span {
    let span = tracing::info_span!(
        "step",
        otel.name = cx.step(),
        run = cx.run_id(),
        workflow = cx.workflow(),
        attempt = cx.attempt(),
        outcome = tracing::field::Empty,
    );
    if let Some(parent) = cx.trace_parent() {
        let carrier = HashMap::from([("traceparent".to_owned(), parent.to_owned())]);
        // It fails where nobody exports spans.
        let _ = span.set_parent(TraceContextPropagator::new().extract(&carrier));
    }
    span
}

/// Sends the spans of this process to an exporter: here the terminal's, elsewhere that of OTLP.
fn export(exporter: impl SpanExporter + 'static) -> (SdkTracerProvider, impl Subscriber + Send + Sync) {
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("parcels"));
    (provider, tracing_subscriber::registry().with(layer))
}

fn builder(store: impl Store) -> EngineBuilder {
    Engine::builder(store).register::<Parcel>().trace_context(trace_context).instrument(step_span)
}

/// Delivers a parcel.
#[derive(Parser)]
struct Args {
    /// The order.
    #[arg(default_value = "order-42")]
    order: String,
    /// The database.
    #[arg(long, default_value = "parcels.db")]
    db: PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Args { order, db } = Args::parse();
    let (provider, subscriber) = export(opentelemetry_stdout::SpanExporter::default());
    tracing::subscriber::set_global_default(subscriber)?;
    let engine = builder(SqliteStore::open(db).await?).build().await?;
    // What an HTTP server makes of a request. Called again, it is another request, and the run keeps its trace.
    let request = tracing::info_span!("request", order);
    let starting = engine.start(&order, parcel(order.clone(), Duration::from_secs(5)));
    let run = starting.into_future().instrument(request).await?;
    println!("{}", run.result().await?);
    engine.shutdown().await;
    provider.shutdown()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::SpanId;
    use opentelemetry_sdk::trace::{InMemorySpanExporter, SpanData};
    use refluxo::testing::VirtualClock;
    use refluxo::time::Timestamp;

    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn find<'a>(spans: &'a [SpanData], name: &str) -> &'a SpanData {
        spans
            .iter()
            .find(|span| span.name == name)
            .unwrap_or_else(|| panic!("no span `{name}` in {spans:#?}"))
    }

    /// Two lives, each with an exporter of its own, as two processes have them; a day of sleep between.
    #[tokio::test(start_paused = true)]
    async fn the_spans_of_two_lives_are_of_one_trace() {
        let clock = VirtualClock::starting_at(Timestamp::EPOCH);
        let store = MemoryStore::builder().clock(std::sync::Arc::new(clock)).build();
        let first = {
            let exporter = InMemorySpanExporter::default();
            let (_provider, subscriber) = export(exporter.clone());
            let _guard = tracing::subscriber::set_default(subscriber);
            let engine = builder(store.clone()).build().await.unwrap();
            let request = tracing::info_span!("request");
            let starting = engine.start("a", parcel("a".into(), DAY)).into_future();
            let run = starting.instrument(request).await.unwrap();
            while !matches!(run.state().await.unwrap(), Parcel::Sleep { .. }) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            engine.shutdown().await;
            exporter.get_finished_spans().unwrap()
        };
        let second = {
            let exporter = InMemorySpanExporter::default();
            let (_provider, subscriber) = export(exporter.clone());
            let _guard = tracing::subscriber::set_default(subscriber);
            let engine = builder(store).build().await.unwrap();
            let run = engine.run::<Parcel>("a").await.unwrap();
            assert_eq!(run.result().await.unwrap(), "the parcel of a was delivered");
            engine.shutdown().await;
            exporter.get_finished_spans().unwrap()
        };
        let (request, pack, deliver) =
            (find(&first, "request"), find(&first, "pack"), find(&second, "deliver"));
        assert_eq!(request.parent_span_id, SpanId::INVALID);
        for step in [pack, deliver] {
            assert_eq!(step.span_context.trace_id(), request.span_context.trace_id(), "one trace");
            assert_eq!(step.parent_span_id, request.span_context.span_id(), "under the request");
            assert!(
                step.attributes
                    .iter()
                    .any(|field| field.key.as_str() == "outcome" && field.value.as_str() == "returned")
            );
        }
    }
}
