//! The answers that every service on rmap gives: to an orchestrator, to Prometheus, and when a write fails.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use rmap_client::{Error, Health, Outcome};

use crate::App;

/// The service is not ready while its flags were last proven current longer ago.
pub(crate) const MAX_STALENESS: Duration = Duration::from_secs(60);

pub(crate) async fn readyz(State(app): State<App>) -> (StatusCode, Json<Health>) {
    let health = app.flags.health(MAX_STALENESS);
    let code = if health.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(health))
}

pub(crate) async fn metrics(State(app): State<App>) -> String {
    app.client.record_metrics();
    app.metrics.render()
}

/// The answer when a write failed. The code says whether the caller may simply retry.
pub(crate) fn failed(error: Error) -> (StatusCode, String) {
    let code = match error.outcome() {
        Some(Outcome::Rejected) if error.is_bad_input() => StatusCode::BAD_REQUEST,
        Some(Outcome::Rejected) | None => StatusCode::SERVICE_UNAVAILABLE,
        Some(Outcome::NotApplied) => StatusCode::CONFLICT,
        // It may have been carried out, or was and is not shown here yet.
        Some(Outcome::Indeterminate | Outcome::Committed) => StatusCode::GATEWAY_TIMEOUT,
    };
    (code, error.to_string())
}
