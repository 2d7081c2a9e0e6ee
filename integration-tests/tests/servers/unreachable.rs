//! Addresses without a server.

use std::time::Duration;

use integration_tests::eventually_async;
use rmap_client::Client;
use rmap_client::transport::redis::ConnectError;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::fake::FakeServer;
use crate::support::{client, one_line, refused};

const SOON: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_closed_port_is_named() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for builder in [client(), client().connect_timeout(SOON)] {
        let cause = refused(builder, format!("redis://{address}")).await;
        let expected = format!("no server answered at {address}: Connection refused");
        assert!(matches!(cause, ConnectError::Unreachable { .. }), "{cause:?}");
        assert!(cause.to_string().starts_with(&expected), "{cause}");
    }
    let error = Client::connect(format!("redis://{address}")).await.unwrap_err();
    one_line(&error);
}

#[tokio::test]
async fn a_port_that_accepts_and_never_answers_is_given_up_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let mut sockets = Vec::new();
    let cause = tokio::select! {
        cause = refused(client().connect_timeout(SOON), format!("redis://{address}")) => cause,
        () = async { loop { sockets.push(silent.accept().await.unwrap()) } } => unreachable!(),
    };
    assert!(matches!(cause, ConnectError::Unreachable { .. }), "{cause:?}");
    assert!(cause.to_string().contains(&address.to_string()), "{cause}");
    let tasks = tokio::runtime::Handle::current().metrics();
    eventually_async("no task is left", || tasks.num_alive_tasks() == 0).await;
}

#[tokio::test]
async fn a_port_that_hangs_up_or_speaks_otherwise_is_named() {
    for greeting in ["", "HTTP/1.1 400 Bad Request\r\n\r\n", "220 mail ready\r\n"] {
        let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = other.local_addr().unwrap();
        let serve = async {
            loop {
                let (mut socket, _) = other.accept().await.unwrap();
                // The peer may be gone already.
                let _ = socket.write_all(greeting.as_bytes()).await;
            }
        };
        let cause = tokio::select! {
            cause = refused(client().connect_timeout(SOON), format!("redis://{address}")) => cause,
            () = serve => unreachable!(),
        };
        assert!(cause.to_string().contains(&address.to_string()), "{cause}");
        assert!(
            !matches!(cause, ConnectError::Authentication { .. } | ConnectError::InvalidUrl(_)),
            "{cause:?}"
        );
    }
}

/// The reason is the end of the connection, however far the connection got.
#[tokio::test]
async fn a_server_that_hangs_up_while_a_connection_is_made_is_named() {
    // After the last of these answers the connections stand.
    for (login, needed) in [("", 3), (":secret@", 4)] {
        for answers in 0..needed {
            let server = FakeServer::start_for(Some("7.0.15"), answers).await;
            let url = server.url().replace("redis://", &format!("redis://{login}"));
            let address = server.url().replace("redis://", "");
            let cause = refused(client(), &url).await;
            let expected = format!("no server answered at {address}: the other end closed the connection");
            assert_eq!(cause.to_string(), expected, "{login} {answers}");
        }
    }
}

#[tokio::test]
async fn a_host_without_an_address_is_named() {
    let cause = refused(client(), "redis://no-such-host.invalid:6379").await;
    assert!(matches!(cause, ConnectError::Unreachable { .. }), "{cause:?}");
    assert!(cause.to_string().contains("no-such-host.invalid:6379"), "{cause}");
}

#[tokio::test]
async fn a_url_that_is_none_is_refused() {
    for url in ["", "localhost", "http://localhost:6379", "redis://localhost:port"] {
        let cause = refused(client(), url).await;
        assert!(matches!(cause, ConnectError::InvalidUrl(_)), "{url}: {cause:?}");
    }
}
