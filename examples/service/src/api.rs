//! The service's requests. Each may be sent again as it was, to any instance: none is done twice.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::{
        Path, Query, Request, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use metrics_exporter_prometheus::PrometheusHandle;
use refluxo::{
    Engine,
    engine::RunPage,
    store::{ListCursor, Status},
};
use serde::Deserialize;
use sqlx::PgPool;

use crate::{
    error::ApiError,
    live::Live,
    order::{Approval, Order, Sell, sell},
    view::OrderView,
};

/// How long a request may take before the caller is told to send it again.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the requests work with. Clones are handles on the same things.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) engine: Engine,
    pub(crate) pool: PgPool,
    pub(crate) live: Live,
    pub(crate) metrics: PrometheusHandle,
}

pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route("/orders", post(start).get(list))
        .route("/orders/{id}", get(show))
        .route("/orders/{id}/live", get(live))
        .route("/orders/{id}/approval", post(approve))
        .route("/orders/{id}/cancel", post(cancel))
        .route("/healthz", get(health))
        .route("/metrics", get(metrics))
        .fallback(async || {
            ApiError::new(StatusCode::NOT_FOUND, "noRoute", "there is nothing at this address")
        })
        .method_not_allowed_fallback(async || {
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method", "this address takes no such request")
        })
        .layer(middleware::from_fn(in_time))
        .with_state(app)
}

/// Gives up requests that take too long, as while the database is away. Nothing of the library is broken by being dropped.
async fn in_time(request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(PATIENCE, next.run(request)).await;
    answer.unwrap_or_else(|_| ApiError::unavailable().into_response())
}

/// Starts selling an order: `201` if that is new, `200` if the same order came before, `409` if another one did under its id.
async fn start(
    State(app): State<App>,
    order: Result<Json<Order>, JsonRejection>,
) -> Result<impl IntoResponse, ApiError> {
    let Json(order) = order?;
    let (id, customer) = (order.id.clone(), order.customer.clone());
    let (run, is_new) = app.engine.start(id, sell(order)).attribute("customer", customer).created().await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let place = format!("/orders/{}", run.id());
    Ok((status, [(header::LOCATION, place)], Json(OrderView::of(&run).await?)))
}

/// Which orders, and which page of them.
#[derive(Deserialize)]
struct Which {
    status: Option<Status>,
    at: Option<String>,
    customer: Option<String>,
    limit: Option<u32>,
    after: Option<ListCursor>,
}

/// A page of orders, the newest first.
async fn list(
    State(app): State<App>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<RunPage>, ApiError> {
    let Query(Which { status, at, customer, limit, after }) = which?;
    let mut orders = app.engine.runs().of::<Sell>();
    if let Some(status) = status {
        orders = orders.status(status);
    }
    if let Some(at) = at {
        orders = orders.at(at);
    }
    if let Some(customer) = customer {
        orders = orders.attribute("customer", customer);
    }
    Ok(Json(orders.page(limit.unwrap_or(50)).after(after).await?))
}

/// How one order stands.
async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<OrderView>, ApiError> {
    let run = app.engine.run::<Sell>(id).await?;
    Ok(Json(OrderView::of(&run).await?))
}

/// How one order stands, and each change of that, as server-sent events.
async fn live(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let run = app.engine.run::<Sell>(id).await?;
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let view = OrderView::of(&run).await?;
    if view.status.is_ended() && seen == Some(view.revision.to_string().as_str()) {
        // A client that has seen the end comes back all the same, unless it is told that there is nothing more.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(app.live.follow(run).into_response())
}

/// Decides on an order, once for each `Idempotency-Key` of the sender.
async fn approve(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    approval: Result<Json<Approval>, JsonRejection>,
) -> Result<StatusCode, ApiError> {
    let Json(approval) = approval?;
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok());
    let key = key.ok_or_else(|| {
        let message = "give the decision a key in the header `Idempotency-Key`, the same if it is sent again";
        ApiError::new(StatusCode::BAD_REQUEST, "noKey", message)
    })?;
    app.engine.run::<Sell>(id).await?.signal_once(key, approval).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Who wants something, and why: for the run's history.
#[derive(Deserialize)]
struct Wish {
    by: String,
    reason: String,
}

/// Cancels an order, which has its payment refunded.
async fn cancel(
    State(app): State<App>,
    Path(id): Path<String>,
    wish: Result<Json<Wish>, JsonRejection>,
) -> Result<StatusCode, ApiError> {
    let Json(Wish { by, reason }) = wish?;
    app.engine.run::<Sell>(id).await?.cancel().by(by).reason(reason).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Whether requests can be answered: whether the database is there.
async fn health(State(app): State<App>) -> Result<&'static str, ApiError> {
    let asked = tokio::time::timeout(Duration::from_secs(2), sqlx::query("SELECT 1").execute(&app.pool));
    if let Ok(Ok(_)) = asked.await { Ok("ok\n") } else { Err(ApiError::unavailable()) }
}

/// The metrics of this instance, for Prometheus.
async fn metrics(State(app): State<App>) -> String {
    app.metrics.run_upkeep();
    app.metrics.render()
}
