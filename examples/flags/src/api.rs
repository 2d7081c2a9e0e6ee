//! The flags over HTTP.

use std::collections::BTreeMap;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};

use crate::App;
use crate::flag::Flag;
use crate::ops::failed;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/flags", get(list))
        .route("/flags/{name}", get(decide).put(put).delete(delete))
        .route("/flags/{name}/changes", get(changes))
}

type Failure = (StatusCode, String);

#[derive(Deserialize)]
struct Who {
    user: String,
}

/// The answer of the service about one user.
#[derive(Serialize)]
struct Decision {
    flag: String,
    user: String,
    on: bool,
}

#[derive(Serialize)]
struct Done {
    revision: Option<String>,
}

/// All flags, at one revision.
async fn list(State(app): State<App>) -> Json<BTreeMap<String, Flag>> {
    let view = app.flags.view();
    Json(view.iter().map(|entry| (entry.key, Flag::clone(entry.value))).collect())
}

/// The decision for a user. It is a read of this process's memory, so it works while the server is away.
async fn decide(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(who): Query<Who>,
) -> Result<Json<Decision>, StatusCode> {
    let flag = app.flags.get(&name).ok_or(StatusCode::NOT_FOUND)?;
    let on = flag.is_on_for(&name, &who.user);
    Ok(Json(Decision { flag: name, user: who.user, on }))
}

/// Sets a flag, and answers when this process shows it.
async fn put(
    State(app): State<App>,
    Path(name): Path<String>,
    Json(flag): Json<Flag>,
) -> Result<Json<Done>, Failure> {
    flag.check().map_err(|reason| (StatusCode::UNPROCESSABLE_ENTITY, reason))?;
    let written = app.flags.set(&name, &flag).visible().await.map_err(failed)?;
    Ok(Json(Done { revision: Some(written.revision.to_string()) }))
}

async fn delete(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<(StatusCode, Json<Done>), Failure> {
    let attempt = app.flags.delete(&name).visible().await.map_err(failed)?;
    let done = Done { revision: attempt.revision.map(|revision| revision.to_string()) };
    let code = if attempt.applied { StatusCode::OK } else { StatusCode::NOT_FOUND };
    Ok((code, Json(done)))
}

/// The flag now and after each change, as server-sent events; `null` where there is none. Slow readers skip what is out of date.
async fn changes(State(app): State<App>, Path(name): Path<String>) -> impl IntoResponse {
    let flag = app.flags.watch(&name);
    Sse::new(flag.map(|flag| Event::default().json_data(flag.as_deref()))).keep_alive(KeepAlive::default())
}
