//! The service on a server in memory, in virtual time. `tests/service.rs` has the program on a real server.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use futures_util::StreamExt as _;
use metrics_exporter_prometheus::PrometheusBuilder;
use rmap_client::{MemoryServer, Phase, Store};
use rmap_testing::must_end;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{App, join, ops, router};

/// One process of the service.
struct Service {
    app: App,
    router: Router,
}

impl Service {
    /// Starts a process, whether or not the server can be reached.
    fn start(server: &MemoryServer) -> Self {
        Self::start_with(server, None)
    }

    fn start_with(server: &MemoryServer, store: Option<Store>) -> Self {
        let client = server.client();
        let flags = join(&client, store).unwrap();
        let metrics = PrometheusBuilder::new().build_recorder().handle();
        let app = App { client, flags, metrics };
        Self { router: router(app.clone()), app }
    }

    async fn live(server: &MemoryServer) -> Self {
        let service = Self::start(server);
        service.app.flags.sync().await.unwrap();
        service
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, String) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(body.into()).unwrap())
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn put(&self, name: &str, flag: Value) -> (StatusCode, String) {
        let request = Request::put(format!("/flags/{name}")).header("content-type", "application/json");
        self.send(request.body(flag.to_string().into()).unwrap()).await
    }

    async fn is_on(&self, name: &str, user: &str) -> Option<bool> {
        let (code, body) = self.get(&format!("/flags/{name}?user={user}")).await;
        let decision: Value = (code == StatusCode::OK).then(|| serde_json::from_str(&body).unwrap())?;
        decision["on"].as_bool()
    }

    async fn readiness(&self) -> (StatusCode, Value) {
        let (code, body) = self.get("/readyz").await;
        (code, serde_json::from_str(&body).unwrap())
    }
}

fn everybody() -> Value {
    json!({ "on": true, "percent": 100 })
}

#[tokio::test(start_paused = true)]
async fn a_flag_that_one_process_sets_is_decided_by_another() {
    let server = MemoryServer::new();
    let (one, other) = (Service::live(&server).await, Service::live(&server).await);
    assert_eq!(one.get("/flags/search?user=ann").await.0, StatusCode::NOT_FOUND);
    let (code, body) = one.put("search", json!({ "on": true, "percent": 0, "users": ["ann"] })).await;
    assert_eq!(code, StatusCode::OK, "{body}");
    assert_eq!(
        (one.is_on("search", "ann").await, one.is_on("search", "bob").await),
        (Some(true), Some(false))
    );

    other.app.flags.sync().await.unwrap();
    assert_eq!(other.is_on("search", "ann").await, Some(true));
    assert!(other.get("/flags").await.1.contains(r#""search":{"on":true"#));

    let delete = Request::delete("/flags/search").body(Body::empty()).unwrap();
    assert_eq!(other.send(delete).await.0, StatusCode::OK);
    assert_eq!(other.is_on("search", "ann").await, None);
}

#[tokio::test(start_paused = true)]
async fn a_flag_that_is_none_is_refused() {
    let service = Service::live(&MemoryServer::new()).await;
    let (code, why) = service.put("search", json!({ "on": true, "percent": 101 })).await;
    assert_eq!(
        (code, why.as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "101 percent is more than everybody")
    );
    assert_eq!(service.put("search", json!({ "on": "yes" })).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let (code, why) = service.put("search=x", everybody()).await;
    assert_eq!(code, StatusCode::BAD_REQUEST, "{why}");
}

#[tokio::test(start_paused = true)]
async fn what_another_program_breaks_keeps_its_last_good_value() {
    let server = MemoryServer::new();
    let service = Service::live(&server).await;
    service.put("search", everybody()).await;
    server.fill("flags", [("search", r#"{"on":false,"percent":400}"#), ("other", "no flag")]).unwrap();
    service.app.flags.sync().await.unwrap();
    assert_eq!(service.is_on("search", "ann").await, Some(true));
    assert_eq!(service.is_on("other", "ann").await, None);
    assert_eq!(service.app.flags.status().rejected(), 2);

    service.put("search", json!({ "on": false, "percent": 100 })).await;
    assert_eq!(service.is_on("search", "ann").await, Some(false));
    assert_eq!(service.app.flags.rejected().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_starts_before_its_server_is_ready_once_it_comes() {
    let server = MemoryServer::new();
    server.go_down();
    let service = Service::start(&server);
    assert_eq!(service.get("/healthz").await, (StatusCode::OK, "alive".to_owned()));
    let (code, health) = service.readiness().await;
    assert_eq!((code, &health["ready"]), (StatusCode::SERVICE_UNAVAILABLE, &json!(false)));
    assert_eq!(service.put("search", everybody()).await.0, StatusCode::SERVICE_UNAVAILABLE);

    server.fill("flags", [("search", everybody().to_string())]).unwrap();
    server.come_up();
    service.app.flags.sync().await.unwrap();
    assert_eq!(service.readiness().await.0, StatusCode::OK);
    assert_eq!(service.is_on("search", "ann").await, Some(true));
}

#[tokio::test(start_paused = true)]
async fn a_process_that_starts_in_an_outage_decides_by_what_was_stored() {
    let (server, store) = (MemoryServer::new(), Store::in_memory());
    let service = Service::start_with(&server, Some(store.clone()));
    service.app.flags.sync().await.unwrap();
    service.put("search", everybody()).await;
    service.app.client.close().await;
    drop(service);

    server.go_down();
    let service = Service::start_with(&server, Some(store));
    assert_eq!(service.is_on("search", "ann").await, Some(true));
    tokio::time::advance(ops::MAX_STALENESS * 4).await;
    let (code, health) = service.readiness().await;
    assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE);
    assert!(health["reason"].as_str().unwrap().starts_with("from the store, 4 min old"), "{health}");

    server.come_up();
    service.app.flags.sync().await.unwrap();
    assert_eq!(
        (service.readiness().await.0, service.is_on("search", "ann").await),
        (StatusCode::OK, Some(true))
    );
}

#[tokio::test(start_paused = true)]
async fn an_outage_leaves_the_decisions_and_ends_the_readiness_after_a_while() {
    let server = MemoryServer::new();
    let service = Service::live(&server).await;
    service.put("search", everybody()).await;
    server.go_down();
    must_end(service.app.flags.wait_for_phase(Phase::Disconnected)).await.unwrap();
    assert_eq!(service.readiness().await.0, StatusCode::OK);

    tokio::time::advance(ops::MAX_STALENESS + Duration::from_secs(1)).await;
    let (code, health) = service.readiness().await;
    assert_eq!((code, &health["phase"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("disconnected")));
    assert!(health["reason"].as_str().unwrap().contains("the server is down"), "{health}");
    assert_eq!(service.is_on("search", "ann").await, Some(true));

    server.come_up();
    service.app.flags.sync().await.unwrap();
    assert_eq!(service.readiness().await.0, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_lost_the_flags_leaves_the_decisions_as_they_were() {
    let server = MemoryServer::new();
    let service = Service::live(&server).await;
    service.put("search", everybody()).await;
    server.expire("flags").unwrap();
    must_end(service.app.flags.wait_for_phase(Phase::Kept)).await.unwrap();
    assert_eq!(service.is_on("search", "ann").await, Some(true));

    // The first write makes a new hash, which then holds that flag alone.
    service.put("basket", everybody()).await;
    assert_eq!(
        (service.is_on("basket", "ann").await, service.is_on("search", "ann").await),
        (Some(true), None)
    );
    assert_eq!(server.content("flags").unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_reply_is_lost_says_that_nobody_knows() {
    let server = MemoryServer::new();
    let service = Service::live(&server).await;
    server.lose_replies(1);
    assert_eq!(service.put("search", everybody()).await.0, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(server.content("flags").unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stream_has_the_flag_now_and_after_each_change_until_the_service_stops() {
    let server = MemoryServer::new();
    let service = Service::live(&server).await;
    let request = Request::get("/flags/search/changes").body(Body::empty()).unwrap();
    let response = service.router.clone().oneshot(request).await.unwrap();
    let mut events = response.into_body().into_data_stream();
    assert_eq!(must_end(events.next()).await.unwrap().unwrap(), "data: null\n\n");
    service.put("search", everybody()).await;
    let flag = r#"{"on":true,"percent":100,"users":[]}"#;
    assert_eq!(must_end(events.next()).await.unwrap().unwrap(), format!("data: {flag}\n\n"));
    service.app.client.close().await;
    assert!(must_end(events.next()).await.is_none());
}
