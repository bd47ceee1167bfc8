//! Metrics for Prometheus: runs workflows, and shows what they do at `/metrics`.
//!
//! ```text
//! cargo run --bin metrics
//! curl http://127.0.0.1:9464/metrics
//! ```
//!
//! The names are those in the table of `refluxo::observer::metrics`.

use std::{net::Ipv4Addr, time::Duration};

use clap::Parser;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use refluxo::{observer::MetricsObserver, prelude::*};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// Fails the first time for every third order.
#[step(retry(attempts = 2, initial = "10ms"))]
async fn charge(#[inject] cx: &StepContext, order: u32) -> Result<u32, String> {
    if order.is_multiple_of(3) && cx.attempt() == 1 {
        Err("the bank is closed".into())
    } else {
        Ok(order * 10)
    }
}

#[step]
async fn ship(order: u32) -> String {
    format!("parcel {order}")
}

/// Refuses every tenth order.
#[workflow]
async fn sale(order: u32) -> Result<String, String> {
    charge(order).await?;
    if order.is_multiple_of(10) {
        return Err(format!("order {order} is not for sale"));
    }
    Ok(ship(order).await)
}

/// Has what is counted in this process kept for Prometheus, durations in buckets.
fn install() -> Result<PrometheusHandle, BuildError> {
    let buckets = [0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0, 3_600.0];
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &buckets)?
        .install_recorder()
}

/// Answers every request with the metrics. A service that has an HTTP server adds a route to it that does this.
async fn serve(listener: TcpListener, metrics: PrometheusHandle) -> std::io::Result<()> {
    loop {
        let (connection, _) = listener.accept().await?;
        metrics.run_upkeep();
        if let Err(error) = answer(connection, &metrics.render()).await {
            eprintln!("a scrape was not answered: {error}");
        }
    }
}

async fn answer(mut connection: TcpStream, body: &str) -> std::io::Result<()> {
    let mut lines = BufReader::new(&mut connection).lines();
    while lines.next_line().await?.is_some_and(|line| !line.is_empty()) {}
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).await?;
    connection.write_all(body.as_bytes()).await?;
    connection.shutdown().await
}

/// Sells things and counts.
#[derive(Parser)]
struct Args {
    /// Where the metrics are shown.
    #[arg(long, default_value_t = 9464)]
    port: u16,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Args { port } = Args::parse();
    let metrics = install()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    println!("see http://{}/metrics", listener.local_addr()?);
    tokio::spawn(serve(listener, metrics));

    let store = MemoryStore::new();
    let engine = Engine::builder(store).register::<Sale>().observe(MetricsObserver::new()).build().await?;
    let mut orders = 1..;
    let mut pause = tokio::time::interval(Duration::from_millis(200));
    loop {
        tokio::select! {
            _ = pause.tick() => {}
            _ = tokio::signal::ctrl_c() => break,
        }
        if let Some(order) = orders.next() {
            engine.start(format!("order-{order}"), sale(order)).await?;
        }
    }
    engine.shutdown().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    async fn scrape(address: std::net::SocketAddr) -> String {
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn what_runs_do_is_scraped() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve(listener, install().unwrap()));
        let builder = Engine::builder(MemoryStore::new()).register::<Sale>();
        let engine = builder.observe(MetricsObserver::new()).concurrency(16).build().await.unwrap();
        for order in 1..=10 {
            let run = engine.start(format!("order-{order}"), sale(order)).await.unwrap();
            let _ = run.result().await.unwrap();
        }
        engine.shutdown().await;
        let scraped = scrape(address).await;
        server.abort();
        assert!(scraped.starts_with("HTTP/1.1 200 OK\r\n"), "{scraped}");
        for line in [
            "# TYPE refluxo_runs_started_total counter",
            "# HELP refluxo_runs_ended_total Runs that are over",
            r#"refluxo_runs_started_total{workflow="sale"} 10"#,
            r#"refluxo_runs_ended_total{workflow="sale",status="completed"} 9"#,
            r#"refluxo_runs_ended_total{workflow="sale",status="failed"} 1"#,
            r#"refluxo_run_duration_seconds_count{workflow="sale",status="completed"} 9"#,
            r#"refluxo_step_attempts_total{workflow="sale",step="charge",outcome="failed"} 3"#,
            r#"refluxo_step_attempts_total{workflow="sale",step="charge",outcome="returned"} 10"#,
            r#"refluxo_step_attempt_duration_seconds_bucket{workflow="sale",step="ship",outcome="returned",le="+Inf"} 9"#,
            r#"refluxo_step_retries_total{workflow="sale",step="charge"} 3"#,
            "refluxo_runs_held 0",
            "refluxo_slots 16",
        ] {
            assert!(scraped.lines().any(|scraped| scraped == line), "no line `{line}` in:\n{scraped}");
        }
    }
}
