//! Feature flags over HTTP. Every process answers from its own copy of the flags, also while the server is away.
//!
//! `REDIS_URL` names the server, `LISTEN` the address, `STORE` a file for the flags; see the README.

mod api;
mod flag;
mod ops;
#[cfg(test)]
mod tests;

use std::env;
use std::error::Error;
use std::process::ExitCode;

use axum::Router;
use axum::routing::get;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use rmap_client::typed::Json;
use rmap_client::{Client, Store, TypedMap, WhenLost};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::flag::Flag;

/// State that the handlers share.
#[derive(Clone)]
struct App {
    client: Client,
    flags: TypedMap<String, Flag>,
    metrics: PrometheusHandle,
}

#[tokio::main]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let metrics = PrometheusBuilder::new().install_recorder()?;
    let url = env::var("REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1:6379".to_owned());
    let client = Client::builder().connect_in_background(url)?;
    let flags = join(&client, env::var("STORE").ok().map(Store::at))?;

    let address = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    let mut terminate = signal(SignalKind::terminate())?;
    let service = router(App { client: client.clone(), flags, metrics });
    let serving = axum::serve(listener, service).with_graceful_shutdown(async move {
        terminate.recv().await;
        // The end of the map ends the streams of changes, so that their connections can close.
        client.close().await;
    });
    Ok(serving.await?)
}

/// Joins without waiting for the server. What was stored is there at once, a value that is no flag keeps the last good one,
/// and a server that lost the flags leaves them as they were.
fn join(client: &Client, store: Option<Store>) -> Result<TypedMap<String, Flag>, rmap_client::Error> {
    let flags = client.map("flags").when_lost(WhenLost::Keep);
    let flags = match store {
        Some(store) => flags.store(store),
        None => flags,
    };
    flags.typed::<Flag>(Json).accept(|_name, flag: &Flag| flag.check()).join_in_background()
}

fn router(app: App) -> Router {
    api::routes()
        .route("/healthz", get(async || "alive"))
        .route("/readyz", get(ops::readyz))
        .route("/metrics", get(ops::metrics))
        .with_state(app)
}
