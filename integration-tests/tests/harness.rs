//! Tests of the harness on which the other tests rely.

use integration_tests::{Listener, Server, eventually};
use redis::Commands;

#[test]
fn a_server_starts_and_ends() {
    let server = Server::start();
    let port = server.port();
    let () = server.connection().set("a", 1).unwrap();
    drop(server);
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn a_server_restarts_empty_on_its_port() {
    let server = Server::start();
    let (url, pid) = (server.url(), server.pid());
    let () = server.connection().set("a", 1).unwrap();
    server.restart();
    assert_eq!(server.url(), url);
    assert_ne!(server.pid(), pid);
    assert_eq!(server.connection().get::<_, Option<i64>>("a").unwrap(), None);
}

#[test]
fn a_persistent_server_keeps_its_content_when_killed() {
    let server = Server::builder().persistent().start();
    let () = server.connection().set("a", 1).unwrap();
    server.kill();
    server.restart();
    assert_eq!(server.connection().get::<_, Option<i64>>("a").unwrap(), Some(1));
}

#[test]
fn a_paused_server_answers_when_resumed() {
    let server = Server::start();
    let mut connection = server.connection();
    server.pause();
    connection.set_read_timeout(Some(std::time::Duration::from_millis(100))).unwrap();
    assert!(connection.get::<_, Option<i64>>("a").is_err());
    server.resume();
    eventually("the server answers", || server.connection().get::<_, Option<i64>>("a").is_ok());
}

#[test]
fn passwords_and_users_are_demanded() {
    let server = Server::builder().requirepass("secret").start();
    let () = server.connection().set("a", 1).unwrap();
    let server = Server::builder().aclfile("user alice on >secret +get ~a\n").start();
    let alice = redis::Client::open(server.url_for_user("alice", "secret")).unwrap();
    let mut alice = alice.get_connection().unwrap();
    assert_eq!(alice.get::<_, Option<i64>>("a").unwrap(), None);
    let refused: redis::RedisResult<()> = alice.set("a", 1);
    assert_eq!(refused.unwrap_err().code(), Some("NOPERM"));
}

#[test]
fn a_listener_has_every_payload_in_order() {
    let server = Server::start();
    let listener = Listener::new(&server, "channel");
    let mut connection = server.connection();
    assert_eq!(listener.take(), Vec::<Vec<u8>>::new());
    for payload in ["a", "b"] {
        let receivers: u64 = connection.publish("channel", payload).unwrap();
        assert_eq!(receivers, 1);
    }
    let _: u64 = connection.publish("elsewhere", "c").unwrap();
    assert_eq!(listener.take(), [b"a".to_vec(), b"b".to_vec()]);
    assert_eq!(listener.take(), Vec::<Vec<u8>>::new());
}
