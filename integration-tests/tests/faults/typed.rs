//! Typed maps on a real server: the last good value outlives a bad one, and the log says so once.

use integration_tests::{Server, eventually_async, must_end};
use redis::cmd;
use rmap_client::TypedMap;
use rmap_client::typed::{Codec, CodecError};

use crate::diary::Logger;
use crate::support::{HASH, client, run};

/// Numbers as text.
#[derive(Debug)]
struct Numbers;

impl Codec<u32> for Numbers {
    fn encode(&self, value: &u32) -> Result<Vec<u8>, CodecError> {
        Ok(value.to_string().into_bytes())
    }

    fn decode(&self, bytes: &[u8]) -> Result<u32, CodecError> {
        let text = std::str::from_utf8(bytes)?;
        text.parse().map_err(|_| format!("{text} is no number").into())
    }
}

fn shown(map: &TypedMap<String, u32>) -> (Option<u32>, usize) {
    (map.get("limit").map(|limit| *limit), map.status().rejected())
}

#[tokio::test]
async fn the_last_good_value_outlives_a_bad_one_whatever_the_connections_do() {
    let logger = Logger::default();
    let (log, _guard) = (logger.diary.clone(), logger.listen());
    let server = Server::start();
    let mut raw = server.connection();
    let writer = must_end(client().connect(server.url())).await.unwrap();
    let writer = must_end(writer.map("flags").join()).await.unwrap();
    let reader = must_end(client().connect(server.url())).await.unwrap();
    let limits = reader.map("flags").typed::<u32>(Numbers).accept(|_, limit| *limit < 1000);
    let limits = must_end(limits.join()).await.unwrap();

    must_end(limits.set("limit", &7).visible()).await.unwrap();
    assert_eq!(shown(&limits), (Some(7), 0));
    for bad in ["hunter2", "4711", "hunter2"] {
        let written = must_end(writer.set("limit", bad)).await.unwrap();
        must_end(limits.wait_for(written.revision)).await.unwrap();
        assert_eq!(shown(&limits), (Some(7), 1));
        assert_eq!(limits.view().rejected("limit").unwrap().revision(), Some(written.revision));
    }
    // A connection is lost, a value changes meanwhile without a notification, and the map resyncs.
    run(&mut raw, &["HSET", HASH, "limit", "hunter2 again", "other", "8"]);
    let () = cmd("CLIENT").arg("KILL").arg("TYPE").arg("pubsub").query(&mut raw).unwrap();
    let () = cmd("CLIENT")
        .arg("KILL")
        .arg("TYPE")
        .arg("normal")
        .query(&mut server.connection())
        .unwrap_or_default();
    eventually_async("the other key", || limits.get("other").as_deref() == Some(&8)).await;
    assert_eq!(limits.untyped().get("limit").unwrap(), "hunter2 again");
    assert_eq!(shown(&limits), (Some(7), 1));

    let warnings: Vec<_> = log.lines().into_iter().filter(|line| line.contains("rejected")).collect();
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    assert!(
        warnings[0].starts_with("WARN rmap map=flags:") && warnings[0].contains("key=limit"),
        "{warnings:#?}"
    );
    assert!(!log.has("hunter2") && !log.has("4711"));

    must_end(limits.set("limit", &9).visible()).await.unwrap();
    assert_eq!(shown(&limits), (Some(9), 0));
}
