//! The test vectors of the wire format: a Go peer's reading of the payloads, and the scripts' reading of the list
//! values.

use std::sync::LazyLock;

use integration_tests::{Server, must_end};
use rmap_client::Client;
use serde_json::Value;

use crate::call::{Call, Outcome, Refusal};
use crate::ours;
use crate::raw::Raw;
use crate::trace::unhex;
use crate::wire::{self, Event};

static VECTORS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../docs/wire-format-vectors.json")).unwrap());

fn vectors(section: &str, kind: &str) -> &'static [Value] {
    VECTORS[section][kind].as_array().unwrap()
}

fn bytes(text: &Value) -> Vec<u8> {
    unhex(text.as_str().unwrap())
}

#[test]
fn a_go_peer_reads_every_valid_payload_as_we_do() {
    for vector in vectors("notifications", "valid") {
        let event = match vector["event"].as_str().unwrap() {
            "set" => Event::Set { key: bytes(&vector["key"]), value: bytes(&vector["value"]) },
            "del" => Event::Delete { key: bytes(&vector["key"]) },
            "reset" => Event::Reset,
            "destroy" => Event::Destroy,
            other => panic!("no such event: {other}"),
        };
        let message =
            wire::parse(&bytes(&vector["payload"])).unwrap_or_else(|| panic!("unreadable: {vector}"));
        assert_eq!(
            (message.event, message.revision.to_string().as_str()),
            (event, vector["revision"].as_str().unwrap())
        );
    }
}

/// Scripts and crate follow the same rule for list values. A list grows by an item, and any other value is refused and
/// stays.
#[tokio::test(flavor = "multi_thread")]
async fn the_scripts_read_the_list_values_of_the_vectors() {
    let server = Server::start();
    let client = Client::connect(server.url()).await.unwrap();
    let map = must_end(client.map("lists").join()).await.unwrap();
    let mut raw = Raw::new(&server, "lists");
    let append = |item: &str| Call::Append { key: b"k".to_vec(), items: vec![item.into()] };
    let texts = |items: &Value| -> Vec<Vec<u8>> {
        items.as_array().unwrap().iter().map(|item| item.as_str().unwrap().into()).collect()
    };
    for vector in vectors("lists", "read") {
        raw.write("k", bytes(&vector["value"]));
        let grown = [texts(&vector["items"]), vec![b"one more".to_vec()]].concat();
        let outcome = must_end(ours::call(&map, &append("one more"))).await;
        assert_eq!(outcome, Ok(Outcome::List(Some(grown))), "{vector}");
    }
    for vector in vectors("lists", "not_lists") {
        let value = bytes(vector);
        raw.write("k", &value);
        let outcome = must_end(ours::call(&map, &append("x"))).await;
        assert_eq!(outcome, Err(Refusal::NotAList), "{}", value.escape_ascii());
        assert_eq!(raw.content()[&b"k"[..]], value);
    }
    for vector in
        vectors("lists", "write").iter().filter(|vector| vector["items"] != Value::Array(Vec::new()))
    {
        raw.remove(b"k");
        let items = texts(&vector["items"]);
        must_end(ours::call(&map, &Call::Append { key: b"k".to_vec(), items })).await.unwrap();
        assert_eq!(raw.content()[&b"k"[..]], bytes(&vector["value"]), "{vector}");
    }
}
