//! Common parts of the tests.

use std::time::Duration;

use integration_tests::must_end;
use rmap_client::transport::redis::ConnectError;
use rmap_client::{Client, ClientBuilder, Error, Map, MapSettings};

/// A client that soon detects silent losses.
pub(crate) fn client() -> ClientBuilder {
    Client::builder().maps(settings())
}

pub(crate) fn settings() -> MapSettings {
    MapSettings::default().probe_interval(Duration::from_millis(100))
}

pub(crate) async fn join(url: impl AsRef<str>) -> Map {
    let client = must_end(client().connect(url)).await.unwrap();
    must_end(client.map("flags").join()).await.unwrap()
}

/// The error with which the client cannot connect.
pub(crate) async fn refused(builder: ClientBuilder, url: impl AsRef<str>) -> ConnectError {
    let error = must_end(builder.connect(url)).await.unwrap_err();
    one_line(&error);
    assert_eq!(error.outcome(), None, "{error}");
    let Error::Connect { cause } = error else { panic!("{error}") };
    cause
}

/// Checks that the message is one line for people, without any debug output.
pub(crate) fn one_line(error: &Error) {
    let text = error.to_string();
    assert!(!text.is_empty() && text.lines().count() == 1 && text.len() < 300, "{text}");
    for ugly in ["{", "}", "Os ", "Err(", "Some(", "ErrorKind", "\\\""] {
        assert!(!text.contains(ugly), "{text}");
    }
}

/// The outcome of every kind of write, by name.
pub(crate) async fn every_write(map: &Map) -> Vec<(&'static str, Result<(), Error>)> {
    vec![
        ("set", must_end(map.set("a", "1")).await.map(drop)),
        ("set_and_wait", must_end(map.set_and_wait("a", "2")).await.map(drop)),
        ("set_if_not_exists", must_end(map.set_if_not_exists("b", "1")).await.map(drop)),
        ("test_and_set", must_end(map.test_and_set("b", "1", "2")).await.map(drop)),
        ("delete", must_end(map.delete("a")).await.map(drop)),
        ("test_and_delete", must_end(map.test_and_delete("b", "2")).await.map(drop)),
        ("inc", must_end(map.inc("n", 1)).await.map(drop)),
        ("append_values", must_end(map.append_values("l", ["x", "y"])).await.map(drop)),
        ("append_unique_values", must_end(map.append_unique_values("l", ["z"])).await.map(drop)),
        ("remove_values", must_end(map.remove_values("l", ["x"])).await.map(drop)),
        ("remove the list", must_end(map.remove_values("l", ["y", "z"])).await.map(drop)),
        ("test_and_reset", must_end(map.test_and_reset([("n", "1")])).await.map(drop)),
        ("reset", must_end(map.reset()).await.map(drop)),
        ("destroy", must_end(map.destroy()).await.map(drop)),
    ]
}
