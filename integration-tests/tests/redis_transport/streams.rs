//! Subscriptions, and the order of their messages.

use std::ops::Range;

use bytes::Bytes;
use integration_tests::Server;
use redis::cmd;
use rmap_client::transport::redis::{RedisOptions, RedisTransport};
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
        let mark = Mark::new(private.clone(), id);
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

/// Publishes numbers on a channel, each in this number of bytes.
fn publish(server: &Server, channel: &Bytes, numbers: Range<usize>, bytes: usize) {
    let mut raw = server.connection();
    let mut pipeline = redis::pipe();
    for number in numbers {
        pipeline.cmd("PUBLISH").arg(&channel[..]).arg(&padded(number, bytes)[..]).ignore();
    }
    let () = pipeline.query(&mut raw).unwrap();
}

fn padded(number: usize, bytes: usize) -> Bytes {
    let digits = number.to_string();
    let mut text = "0".repeat(bytes - digits.len());
    text.push_str(&digits);
    text.into()
}

#[tokio::test]
async fn messages_that_nobody_takes_wait_and_none_is_lost() {
    let server = Server::start();
    let transport = connect(&server).await;
    connected(&transport).await;
    let [updates, _] = channels(&map());
    transport.subscribe(std::slice::from_ref(&updates)).await.unwrap();
    // Far more messages than can wait in this process.
    publish(&server, &updates, 0..40_000, 500);
    let mut events = Vec::new();
    while events.len() < 20_000 {
        must(transport.next_events(&mut events)).await;
    }
    while events.len() < 40_000 {
        events.push(must(transport.next_event()).await);
    }
    for (number, event) in events.into_iter().enumerate() {
        assert_eq!(event, Event::Message { channel: updates.clone(), payload: padded(number, 500) });
    }
}

/// The server has its own limit, and ends a connection beyond it without a word.
#[tokio::test]
async fn more_messages_than_the_server_keeps_are_a_lost_connection() {
    let server = Server::builder().arg("--client-output-buffer-limit").arg("pubsub 1mb 0 0").start();
    let transport = connect(&server).await;
    connected(&transport).await;
    let [updates, _] = channels(&map());
    transport.subscribe(std::slice::from_ref(&updates)).await.unwrap();
    // More than the sockets hold in addition.
    for _ in 0..64 {
        publish(&server, &updates, 0..1_000, 1_000);
    }
    disconnected(&transport).await;
    connected(&transport).await;
    transport.subscribe(std::slice::from_ref(&updates)).await.unwrap();
    publish(&server, &updates, 7..8, 1);
    assert_eq!(message(&transport, &updates).await, "7");
}

#[tokio::test]
async fn messages_of_a_lost_connection_do_not_come_after_its_end() {
    let server = Server::start();
    let mut raw = server.connection();
    let transport = connect(&server).await;
    connected(&transport).await;
    let [updates, _] = channels(&map());
    for _ in 0..20 {
        transport.subscribe(std::slice::from_ref(&updates)).await.unwrap();
        publish(&server, &updates, 0..300, 10);
        // The other messages of the burst wait in the transport now.
        message(&transport, &updates).await;
        let killed: i64 = cmd("CLIENT").arg(&["KILL", "TYPE", "pubsub"]).query(&mut raw).unwrap();
        assert_eq!(killed, 1);
        disconnected(&transport).await;
        // This call takes no message.
        connected(&transport).await;
    }
}

#[tokio::test]
async fn a_message_of_many_megabytes_arrives() {
    let server = Server::start();
    let transport = connect(&server).await;
    connected(&transport).await;
    let [updates, _] = channels(&map());
    transport.subscribe(std::slice::from_ref(&updates)).await.unwrap();
    for bytes in [1, 1 << 16, 20 << 20, 1] {
        publish(&server, &updates, 3..4, bytes);
        assert!(message(&transport, &updates).await == padded(3, bytes), "{bytes}");
    }
}

#[tokio::test]
async fn a_refused_subscription_is_told_and_costs_nothing() {
    let server = Server::builder().aclfile("user alice on >pw ~* resetchannels &map:allowed:* +@all").start();
    let url = server.url_for_user("alice", "pw");
    let transport = RedisTransport::connect(RedisOptions::from_url(&url).unwrap()).await.unwrap();
    let [allowed, denied] = ["allowed", "denied"].map(|name| MapName::new(name).unwrap());
    connected(&transport).await;
    for _ in 1..=3 {
        transport.subscribe(&channels(&allowed)).await.unwrap();
        let error = transport.subscribe(&channels(&denied)).await.unwrap_err();
        assert!(
            matches!(&error, TransportError::Authority(WriteError::Rejected(error)) if error.code == "NOPERM"),
            "{error}"
        );
    }
    run(&transport, &allowed, set("k", "v")).await.unwrap();
    message(&transport, &allowed.updates_channel()).await;
    transport.check(&allowed).await.unwrap();
    let Err(CheckError::MissingRights { rights }) = transport.check(&denied).await else { panic!() };
    assert!(rights.contains(&"&map:denied:updates".to_owned()), "{rights:?}");
}

/// A confirmed subscription works, whatever rights the user has.
#[tokio::test]
async fn a_user_without_the_right_to_ping_is_served() {
    let server = Server::builder().aclfile("user alice on >pw ~* &* +@all -ping -info -client").start();
    let url = server.url_for_user("alice", "pw");
    let transport = RedisTransport::connect(RedisOptions::from_url(&url).unwrap()).await.unwrap();
    let map = map();
    connected(&transport).await;
    let mut raw = server.connection();
    for id in 0..500 {
        let channel = map.sync_channel(&format!("n{id}"));
        transport.subscribe(std::slice::from_ref(&channel)).await.unwrap();
        let receivers: i64 = cmd("PUBLISH").arg(&channel[..]).arg(id).query(&mut raw).unwrap();
        assert_eq!(receivers, 1, "{id}");
        message(&transport, &channel).await;
    }
    transport.subscribe(&channels(&map)).await.unwrap();
    run(&transport, &map, set("k", "v")).await.unwrap();
    message(&transport, &map.updates_channel()).await;
}
