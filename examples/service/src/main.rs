//! Orders over HTTP, with any number of instances on one `PostgreSQL` database. `README.md` tells how to run it.
//!
//! In reading order: `order` is the workflow, `api` are the requests, `view` and `live` what they show of a run, `error` how they
//! say no.

mod api;
mod error;
mod live;
mod order;
mod view;

use std::{env, time::Duration};

use anyhow::Context;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use refluxo::{
    Engine, PostgresStore,
    engine::Retention,
    observer::{LoggingObserver, MetricsObserver},
};
use sqlx::postgres::PgPoolOptions;
use tokio::net::TcpListener;

use crate::{
    api::{App, router},
    live::Live,
    order::Sell,
};

/// How long the requests that are under way may take when the service is told to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// How long the steps in flight may then take: longer than each of them needs, and less than what the service is given to stop.
const GRACE: Duration = Duration::from_secs(15);

const DAY: Duration = Duration::from_hours(24);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let url = env::var("DATABASE_URL")
        .context("DATABASE_URL is not set: postgres://user:password@host/database")?;
    let address = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());

    let metrics = install_metrics()?;
    let live = Live::new();
    // Waiting for a connection must end well before a lease does.
    let pool = PgPoolOptions::new().max_connections(10).acquire_timeout(Duration::from_secs(3));
    let pool = pool.connect(&url).await.context("the database can't be reached")?;
    let store = PostgresStore::builder().pool(pool.clone()).schema("orders").connect().await?;
    let engine = Engine::builder(store)
        .register::<Sell>()
        .observe(LoggingObserver::default())
        .observe(MetricsObserver::new())
        .observe(live.clone())
        .max_payload(1 << 20)
        .retain(Retention::of(30 * DAY).failed(365 * DAY))
        .shutdown_grace(GRACE)
        .build()
        .await?;

    let stop = stop_signal()?;
    let listener =
        TcpListener::bind(&address).await.with_context(|| format!("{address} can't be listened on"))?;
    println!("listening on http://{}", listener.local_addr()?);
    let app = App { engine: engine.clone(), pool, live: live.clone(), metrics };
    let closed = live.closed();
    let server =
        tokio::spawn(axum::serve(listener, router(app)).with_graceful_shutdown(closed).into_future());

    stop.await;
    tracing::info!("stopping");
    // No connection is accepted any more, the streams end, and no run is taken up.
    live.close();
    let (drained, ()) = tokio::join!(tokio::time::timeout(DRAIN, server), engine.shutdown());
    if let Ok(ended) = drained {
        ended??;
    } else {
        tracing::warn!("some requests were cut off");
    }
    Ok(())
}

/// Ready when the service is to stop: on SIGTERM and on Ctrl-C. Signals count from the call on.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    Ok(async move {
        #[cfg(unix)]
        let told = terminate.recv();
        #[cfg(not(unix))]
        let told = std::future::pending::<()>();
        tokio::select! {
            _ = told => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    })
}

/// Has what is counted in this process kept for Prometheus, durations in buckets.
fn install_metrics() -> Result<PrometheusHandle, BuildError> {
    let buckets = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 300.0, 3_600.0];
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &buckets)?
        .install_recorder()
}
