//! Subscriptions, and what arrives on them in which order.

use bytes::Bytes;
use integration_tests::Server;
use redis::cmd;
use rmap_client::transport::fred::{FredOptions, FredTransport};
use rmap_client::transport::{CheckError, Event, Transport, TransportError};
use rmap_proto::{MapName, Mark, Notification, Read, ReadReply, WriteError};

use super::support::{channels, connect, connected, disconnected, map, message, must, run, set};

#[tokio::test]
async fn a_mark_stands_in_the_stream_where_its_read_took_place() {
    let server = Server::start();
    let transport = connect(&server).await;
    assert_eq!(transport.next_event().await, Event::Connected { connection: 1 });
    let map = map();
    let [updates, private] = channels(&map);
    transport.subscribe(&[updates.clone(), private.clone()]).await.unwrap();
    for id in 1..=100 {
        run(&transport, &map, set(format!("k{id}"), "before")).await.unwrap();
        let mark = Mark { channel: private.clone(), id };
        let read = Read::Snapshot { mark, max_fields: 1000, max_bytes: 1 << 20 };
        let Ok(ReadReply::Snapshot(snapshot)) = transport.read(&map, &read).await else { panic!() };
        run(&transport, &map, set(format!("k{id}"), "after")).await.unwrap();
        let revision = snapshot.probe.revision.unwrap();
        let before = message(&transport, &updates).await;
        assert_eq!(Notification::decode(&before).unwrap().revision, revision);
        assert_eq!(Mark::parse_id(&message(&transport, &private).await), Some(id));
        let after = message(&transport, &updates).await;
        assert!(Notification::decode(&after).unwrap().revision.follows(revision));
    }
}

#[tokio::test]
async fn unsubscribing_ends_messages() {
    let server = Server::start();
    let transport = connect(&server).await;
    let map = map();
    let [updates, private] = channels(&map);
    connected(&transport).await;
    transport.subscribe(&[updates.clone(), private.clone()]).await.unwrap();
    transport.unsubscribe(std::slice::from_ref(&updates)).await.unwrap();
    transport.unsubscribe(&[]).await.unwrap();
    run(&transport, &map, set("k", "v")).await.unwrap();
    let mut raw = server.connection();
    let receivers: i64 = cmd("PUBLISH").arg(&private[..]).arg("1").query(&mut raw).unwrap();
    assert_eq!(receivers, 1);
    message(&transport, &private).await;
}

#[tokio::test]
async fn messages_that_come_too_fast_are_reported_as_lag() {
    let server = Server::start();
    let options = FredOptions::from_url(&server.url()).unwrap().subscriber_capacity(8);
    let transport = FredTransport::connect(options).await.unwrap();
    connected(&transport).await;
    let map = map();
    let [updates, private] = channels(&map);
    transport.subscribe(&[updates, private]).await.unwrap();
    for _ in 0..100 {
        run(&transport, &map, set("k", "v")).await.unwrap();
    }
    // A further answer on the subscriber connection shows that all messages have arrived.
    transport.unsubscribe(&[Bytes::from_static(b"none")]).await.unwrap();
    assert!(matches!(must(transport.next_event()).await, Event::Lagged { missed: 92 }));
    message(&transport, &map.updates_channel()).await;
}

#[tokio::test]
async fn a_refused_subscription_is_told_and_the_connections_are_replaced() {
    let server = Server::builder().aclfile("user alice on >pw ~* resetchannels &map:allowed:* +@all").start();
    let url = server.url_for_user("alice", "pw");
    let transport = FredTransport::connect(FredOptions::from_url(&url).unwrap()).await.unwrap();
    let [allowed, denied] = ["allowed", "denied"].map(|name| MapName::new(name).unwrap());
    for round in 1..=3 {
        assert_eq!(connected(&transport).await, round);
        transport.subscribe(&channels(&allowed)).await.unwrap();
        let error = transport.subscribe(&channels(&denied)).await.unwrap_err();
        assert!(
            matches!(&error, TransportError::Authority(WriteError::Rejected(error)) if error.code == "NOPERM"),
            "{error}"
        );
        disconnected(&transport).await;
    }
    connected(&transport).await;
    transport.subscribe(&channels(&allowed)).await.unwrap();
    run(&transport, &allowed, set("k", "v")).await.unwrap();
    message(&transport, &allowed.updates_channel()).await;
    transport.check(&allowed).await.unwrap();
    let Err(CheckError::MissingRights { rights }) = transport.check(&denied).await else { panic!() };
    assert!(rights.contains(&"&map:denied:updates".to_owned()), "{rights:?}");
}

#[tokio::test]
async fn a_user_without_the_right_to_ping_is_served() {
    let server = Server::builder().aclfile("user alice on >pw ~* &* +@all -ping -info -client").start();
    let url = server.url_for_user("alice", "pw");
    let transport = FredTransport::connect(FredOptions::from_url(&url).unwrap()).await.unwrap();
    let map = map();
    connected(&transport).await;
    transport.subscribe(&channels(&map)).await.unwrap();
    run(&transport, &map, set("k", "v")).await.unwrap();
    message(&transport, &map.updates_channel()).await;
}
