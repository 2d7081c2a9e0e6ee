//! A client whose runtime has ended, or ends while a write is in flight.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use integration_tests::{Server, block_on, eventually, must_end};
use rmap_client::{Client, Error, Map};
use tokio::runtime::{Builder, Runtime};

use crate::support::{a_write_waits, connect, end_pause, pause_writes};

fn runtime(threads: usize) -> Runtime {
    let mut builder = if threads == 0 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    builder.worker_threads(threads.max(1)).enable_all().build().unwrap()
}

fn joined(runtime: &Runtime, server: &Server) -> (Client, Map) {
    runtime.block_on(async {
        let client = connect(server.url()).await;
        let map = must_end(client.map("flags").join()).await.unwrap();
        must_end(map.set_and_wait("k", "v")).await.unwrap();
        (client, map)
    })
}

#[test]
fn all_is_closed_once_the_clients_runtime_has_ended() {
    let server = Server::start();
    for threads in [0, 2] {
        let own = runtime(threads);
        let (client, map) = joined(&own, &server);
        let (mut events, mut changes, mut statuses) = (map.subscribe(), map.changes(), map.status_changes());
        drop(own);
        let all = async {
            let errors = [
                map.set("k", "w").await.unwrap_err(),
                map.set_and_wait("k", "w").await.unwrap_err(),
                map.set_if_not_exists("k", "w").await.unwrap_err(),
                map.test_and_set("k", "v", "w").await.unwrap_err(),
                map.delete("k").await.unwrap_err(),
                map.test_and_delete("k", "v").await.unwrap_err(),
                map.test_and_reset([("k", "v")]).await.unwrap_err(),
                map.inc("n", 1).await.unwrap_err(),
                map.append_values("l", ["x"]).await.unwrap_err(),
                map.append_unique_values("l", ["x"]).await.unwrap_err(),
                map.remove_values("l", ["x"]).await.unwrap_err(),
                map.reset().await.unwrap_err(),
                map.destroy().await.unwrap_err(),
                map.batch().set("k", "w").commit().await.unwrap_err(),
                map.wait_for(map.revision().unwrap().next()).await.unwrap_err(),
                map.sync().await.unwrap_err(),
                client.map("flags").join().await.unwrap_err(),
            ];
            for error in errors {
                assert!(matches!(error, Error::Closed { .. }), "{error}");
            }
            while events.next().await.is_some() {}
            while changes.next().await.is_some() {}
            while statuses.next().await.is_some() {}
            assert_eq!(map.view_and_changes().await.0.get("k").unwrap(), "v");
            map.close().await;
            client.close().await;
        };
        block_on(all);
        assert_eq!(map.get("k").unwrap(), "v");
    }
}

#[test]
fn a_write_in_flight_at_the_end_of_the_runtime_is_unknown() {
    let server = Server::start();
    let mut raw = server.connection();
    let own = runtime(2);
    let (_client, map) = joined(&own, &server);
    pause_writes(&mut raw);
    let mut setting = map.set_and_wait("k", "w");
    let polled = block_on(poll_fn(|context| Poll::Ready(Pin::new(&mut setting).poll(context))));
    assert!(polled.is_pending());
    eventually("the write is at the server", || a_write_waits(&mut raw));
    drop(own);
    let error = block_on(setting).unwrap_err();
    assert!(matches!(error, Error::Indeterminate { .. }), "{error}");
    end_pause(&mut raw);
}
