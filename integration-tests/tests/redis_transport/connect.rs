//! Making connections, and reasons why that fails.

use std::net::TcpListener as StdListener;
use std::time::Duration;

use integration_tests::{Server, eventually_async};
use redis::cmd;
use rmap_client::transport::redis::{ConnectError, RedisOptions, RedisTransport};
use rmap_client::transport::{CheckError, Transport};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::fake::FakeServer;
use super::support::{connect_within, connected, get, map, message, must, run, set, tasks};

#[tokio::test]
async fn wrong_credentials_are_named() {
    let server = Server::builder().requirepass("secret").start();
    let mut raw = server.connection();
    let user = ["SETUSER", "alice", "on", ">right", "~*", "&*", "+@all"];
    let _: () = cmd("ACL").arg(&user).query(&mut raw).unwrap();
    let at = |credentials: &str| format!("redis://{credentials}127.0.0.1:{}", server.port());
    for wrong in ["", "alice:wrong@", "bob:right@", ":wrong@"] {
        let error = RedisTransport::connect(RedisOptions::from_url(&at(wrong)).unwrap()).await.unwrap_err();
        assert!(matches!(error, ConnectError::Authentication { .. }), "{wrong}: {error}");
        let text = format!("{error} {error:?}");
        assert!(!text.contains("wrong@") && !text.contains("right"), "{text}");
        assert_eq!(error.to_string().lines().count(), 1);
    }
    for right in ["alice:right@", ":secret@"] {
        RedisTransport::connect(RedisOptions::from_url(&at(right)).unwrap()).await.unwrap().close().await;
    }
}

/// The server repeats the arguments, and the password is among them.
#[tokio::test]
async fn a_server_that_knows_no_passwords_does_not_have_them_shown() {
    let server = Server::builder().arg("--rename-command").arg("AUTH").arg("").start();
    let url = server.url_for_user("alice", "hunter2");
    let error = must(connect_within(&url, Duration::from_secs(5))).await.unwrap_err();
    assert!(error.to_string().contains("unknown command"), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
}

/// The server then refuses writes, and PING with them, but reads still work.
#[tokio::test]
async fn a_server_that_cannot_save_is_connected_to() {
    let server = Server::builder().arg("--enable-protected-configs").arg("yes").requirepass("secret").start();
    let mut raw = server.connection();
    let transport = |server: &Server| {
        let url = format!("redis://:secret@127.0.0.1:{}", server.port());
        async move { must(connect_within(&url, Duration::from_secs(5))).await.unwrap() }
    };
    let map = map();
    run(&transport(&server).await, &map, set("k", "v")).await.unwrap();
    let _: () = cmd("CONFIG").arg(&["SET", "dir", "/proc", "save", "3600 1000000"]).query(&mut raw).unwrap();
    let _: () = cmd("BGSAVE").query(&mut raw).unwrap();
    eventually_async("a save fails", || cmd("PING").query::<String>(&mut raw).is_err()).await;
    let transport = transport(&server).await;
    connected(&transport).await;
    let updates = map.updates_channel();
    transport.subscribe(std::slice::from_ref(&updates)).await.unwrap();
    assert_eq!(get(&transport, &map, b"k").await.unwrap(), "v");
    let receivers: i64 = cmd("EVAL")
        .arg("return redis.call('PUBLISH', ARGV[1], 'x')")
        .arg(0)
        .arg(&updates[..])
        .query(&mut raw)
        .unwrap();
    assert_eq!((receivers, message(&transport, &updates).await), (1, "x".into()));
    // Otherwise the server would not shut down.
    let _: () = cmd("CONFIG").arg(&["SET", "save", ""]).query(&mut raw).unwrap();
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let refusing = StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = StdListener::bind("127.0.0.1:0").unwrap();
    for address in [refusing, silent.local_addr().unwrap()] {
        let error = must(connect_within(&format!("redis://{address}"), Duration::from_millis(300)))
            .await
            .unwrap_err();
        assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
        assert!(error.to_string().contains(&address.to_string()), "{error}");
    }
    let error =
        must(connect_within("redis://no-such-host.invalid", Duration::from_secs(5))).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_cancelled_connect_leaves_nothing_behind() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let before = tasks();
    let mut sockets = Vec::new();
    tokio::select! {
        _ = connect_within(&url, Duration::from_secs(3600)) => panic!(),
        () = async { while sockets.len() < 2 { sockets.push(listener.accept().await.unwrap().0); } } => {}
    }
    for mut socket in sockets {
        let mut sent = Vec::new();
        must(socket.read_to_end(&mut sent)).await.unwrap();
    }
    eventually_async("the tasks to end", || tasks() == before).await;
}

#[tokio::test]
async fn an_old_server_is_named_at_connect_or_by_the_check() {
    let told = FakeServer::start(Some("6.2.14")).await;
    let error = connect_within(&told.url(), Duration::from_secs(5)).await.unwrap_err();
    assert!(matches!(&error, ConnectError::ServerTooOld { version, .. } if version == "6.2.14"), "{error}");
    assert!(error.to_string().contains("Redis 7.0"));
    let secretive = FakeServer::start(None).await;
    let transport = connect_within(&secretive.url(), Duration::from_secs(5)).await.unwrap();
    let error = transport.check(&map()).await.unwrap_err();
    assert_eq!(error, CheckError::ServerTooOld { version: "6.2.14".to_owned() });
}

#[tokio::test]
async fn a_server_that_is_lost_when_asked_for_its_role_is_no_master() {
    let server = FakeServer::start(Some("7.0.15")).await;
    let url = server.url().replace("redis://", "redis-sentinel://") + "?sentinelServiceName=main";
    let error = connect_within(&url, Duration::from_secs(5)).await.unwrap_err();
    let ConnectError::Unreachable { address, .. } = error else { panic!("{error}") };
    assert_eq!(format!("redis://{address}"), server.url());
}

#[tokio::test]
async fn sockets_of_unix_are_reached() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("redis.sock").display().to_string();
    let _server = Server::builder().arg("--unixsocket").arg(&path).start();
    let transport = connect_within(&format!("redis+unix://{path}"), Duration::from_secs(5)).await.unwrap();
    transport.check(&map()).await.unwrap();
}
