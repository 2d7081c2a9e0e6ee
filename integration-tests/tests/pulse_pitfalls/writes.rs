//! Effects of writes, and effects that they must not have.

use integration_tests::{Listener, must_end};
use rmap_client::{Error, Outcome};

use crate::scene::{Scene, hash, hset, live};

#[tokio::test]
async fn an_inc_is_not_applied_twice_after_a_lost_connection() {
    let mut scene = Scene::quiet().await;
    let listener = Listener::new(&scene.server, scene.map.name().updates_channel());
    // The server knows the script, so the lost reply is the write's outcome.
    must_end(scene.other.inc("another", 1)).await.unwrap();
    scene.proxy.lose_reply("counter");
    let error = must_end(scene.map.inc("counter", 1)).await.unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Indeterminate), "{error}");
    live(&scene.map).await;
    must_end(scene.map.sync()).await.unwrap();
    assert_eq!(scene.map.get("counter").unwrap(), "1");
    // One write of the other map, and this one.
    assert_eq!(listener.take().len(), 2);
    assert_eq!(must_end(scene.map.inc("counter", 1)).await.unwrap().value, 2);

    // A write that never reached the server is not sent again either.
    scene.proxy.lose_request("counter");
    let error = must_end(scene.map.inc("counter", 1)).await.unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Indeterminate), "{error}");
    live(&scene.map).await;
    must_end(scene.map.sync()).await.unwrap();
    assert_eq!(scene.map.get("counter").unwrap(), "2");
    scene.agree();
}

#[tokio::test]
async fn a_lock_that_is_ours_is_not_reported_as_somebody_elses() {
    let scene = Scene::quiet().await;
    // The server knows the scripts, so the lost reply is the write's outcome.
    must_end(scene.other.set_if_not_exists("another", "a")).await.unwrap();
    must_end(scene.other.test_and_set("another", "a", "b")).await.unwrap();
    scene.proxy.lose_reply("our process");
    // A second attempt would find the key and report "not applied".
    let error = must_end(scene.map.set_if_not_exists("lock", "our process")).await.unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Indeterminate), "{error}");
    live(&scene.map).await;
    must_end(scene.map.sync()).await.unwrap();
    assert_eq!(scene.map.get("lock").unwrap(), "our process");

    scene.proxy.lose_reply("our other process");
    let error =
        must_end(scene.map.test_and_set("lock", "our process", "our other process")).await.unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Indeterminate), "{error}");
    live(&scene.map).await;
    must_end(scene.map.sync()).await.unwrap();
    assert_eq!(scene.map.get("lock").unwrap(), "our other process");
}

#[tokio::test]
async fn list_operations_do_not_corrupt_what_is_not_a_list() {
    let mut scene = Scene::quiet().await;
    let values = [
        r#"{"name":"value"}"#,
        "{}",
        "[1,2,3]",
        "[9007199254740993]",
        "[12345678901234567890,\"a\"]",
        "[1.0]",
        r#"[{"a":1}]"#,
        "[[]]",
        "[null]",
        "[true,\"a\"]",
        "[\"a\"",
    ];
    for value in values {
        must_end(scene.map.set("k", value)).await.unwrap();
        let before = hash(&mut scene.raw);
        let outcomes = [
            must_end(scene.map.append_values("k", ["a"])).await.map(drop),
            must_end(scene.map.append_unique_values("k", ["a"])).await.map(drop),
            must_end(scene.map.remove_values("k", ["a"])).await.map(drop),
        ];
        for outcome in outcomes {
            assert!(matches!(outcome, Err(Error::NotAList { .. })), "{value}: {outcome:?}");
        }
        assert_eq!(hash(&mut scene.raw), before);
    }
}

#[tokio::test]
async fn list_operations_do_not_corrupt_numbers_as_text() {
    let scene = Scene::quiet().await;
    let numbers =
        ["9007199254740993", "12345678901234567890", "1.0", "1e400", "007", "-0", "true", "null", ""];
    must_end(scene.map.append_values("k", numbers)).await.unwrap();
    let list = must_end(scene.map.remove_values("k", ["null"])).await.unwrap().values;
    let kept: Vec<&str> = numbers.into_iter().filter(|&number| number != "null").collect();
    assert_eq!(list, kept);
    // Plain numbers stay text, too.
    must_end(scene.map.set("n", "9007199254740993")).await.unwrap();
    assert_eq!(
        must_end(scene.map.append_values("n", ["1"])).await.unwrap().values,
        ["9007199254740993", "1"]
    );
}

#[tokio::test]
async fn a_corrupt_revision_changes_no_field() {
    let mut scene = Scene::quiet().await;
    let listener = Listener::new(&scene.server, scene.map.name().updates_channel());
    hset(&mut scene.raw, "k", "5");
    for revision in ["x", "", "1.5", "-1", "9223372036854775807"] {
        hset(&mut scene.raw, "=rev", revision);
        let (map, before) = (&scene.map, hash(&mut scene.raw));
        let outcomes = [
            must_end(map.set("k", "6")).await.map(drop),
            must_end(map.set("new", "6")).await.map(drop),
            must_end(map.inc("k", 1)).await.map(drop),
            must_end(map.append_values("k", ["a"])).await.map(drop),
            must_end(map.delete("k")).await.map(drop),
            must_end(map.reset()).await.map(drop),
            must_end(map.destroy()).await.map(drop),
        ];
        for outcome in outcomes {
            assert!(matches!(outcome, Err(Error::CorruptRevision { .. })), "{revision}: {outcome:?}");
        }
        assert_eq!(hash(&mut scene.raw), before);
    }
    assert!(listener.take().is_empty());
}

#[tokio::test]
async fn an_empty_test_and_reset_does_not_clear() {
    let mut scene = Scene::quiet().await;
    let listener = Listener::new(&scene.server, scene.map.name().updates_channel());
    must_end(scene.map.set_and_wait("k", "v")).await.unwrap();
    let (before, told) = (hash(&mut scene.raw), listener.take().len());
    let error = must_end(scene.map.test_and_reset([("", ""); 0])).await.unwrap_err();
    assert_eq!(error, Error::NoTests { map: scene.map.name().clone() });
    assert_eq!((hash(&mut scene.raw), told, listener.take().len()), (before, 1, 0));
    assert_eq!(scene.map.get("k").unwrap(), "v");
}
