//! Servers older than Redis 7.0.

use integration_tests::must_end;
use rmap_client::Error;
use rmap_client::transport::redis::ConnectError;

use crate::fake::FakeServer;
use crate::support::{client, one_line, refused};

#[tokio::test]
async fn a_server_that_tells_its_version_is_refused_at_connect() {
    let server = FakeServer::start(Some("6.2.14")).await;
    let cause = refused(client(), server.url()).await;
    assert!(matches!(&cause, ConnectError::ServerTooOld { version, .. } if version == "6.2.14"), "{cause:?}");
    assert!(cause.to_string().ends_with("is older than Redis 7.0 (it says 6.2.14)"), "{cause}");
}

/// The user lacks the right to INFO, and scripts find no version number.
#[tokio::test]
async fn a_server_that_keeps_its_version_to_itself_is_refused_at_join() {
    let server = FakeServer::start(None).await;
    let client = must_end(client().connect(server.url())).await.unwrap();
    let error = must_end(client.map("flags").join()).await.unwrap_err();
    assert!(matches!(&error, Error::ServerTooOld { version, .. } if version == "6.2.14"), "{error}");
    one_line(&error);
}
