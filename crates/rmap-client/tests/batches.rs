//! Batches, on the in-memory transport.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

use rmap_client::{Client, Error, Map, MapSettings, MemoryServer, Outcome, StepResult};

async fn map(name: &str) -> Map {
    Client::in_memory().map(name).join().await.unwrap()
}

#[tokio::test]
async fn every_step_returns_its_result() {
    let map = map("batch").await;
    let done = map
        .batch()
        .set("a", "1")
        .inc("a", 41)
        .append_values("l", ["x", "y"])
        .append_unique_values("l", ["y", "z"])
        .remove_values("l", ["x"])
        .remove_values("none", ["x"])
        .delete("a")
        .commit()
        .await
        .unwrap();
    let list = |items: &[&str]| StepResult::List(items.iter().map(|&item| item.to_owned()).collect());
    let results = [
        StepResult::Done,
        StepResult::Sum(42),
        list(&["x", "y"]),
        list(&["x", "y", "z"]),
        list(&["y", "z"]),
        list(&[]),
        StepResult::Done,
    ];
    assert_eq!(done.results, results);
    assert_eq!((done.applied, done.changed, done.failed), (true, 1, None));
    map.wait_for(done.revision).await.unwrap();
    assert_eq!(map.keys(), ["l"]);
}

#[tokio::test]
async fn a_replica_shows_all_or_nothing() {
    let server = MemoryServer::new();
    let writer = server.client().map("batch").join().await.unwrap();
    let reader = server.client().map("batch").join().await.unwrap();
    let watch = tokio::spawn(async move {
        let mut changes = reader.changes();
        for _ in 0..200 {
            let change = changes.next().await.unwrap();
            let view = reader.view();
            assert_eq!(view.get("a"), view.get("b"), "after {:?}", change.key.as_str());
        }
    });
    for number in 0..200 {
        let text = number.to_string();
        let done = writer.batch().set("a", &text).set("b", &text).commit().await.unwrap();
        assert_eq!(done.changed, 2);
    }
    watch.await.unwrap();
}

#[tokio::test]
async fn preconditions_decide_for_all_steps() {
    let map = map("batch").await;
    let first = map.batch().test_revision(None).set("owner", "me").commit().await.unwrap();
    assert!(first.applied);
    let taken = map.batch().test_revision(None).set("owner", "you").commit().await.unwrap();
    assert_eq!((taken.applied, taken.failed, taken.revision), (false, Some(0), first.revision));
    assert_eq!(taken.results, []);
    let batch = map.batch().test("owner", "me").test_absent("owner").delete("owner");
    let refused = batch.commit().await.unwrap();
    assert_eq!((refused.applied, refused.failed), (false, Some(1)));
    assert_eq!(refused.require().unwrap_err().outcome(), Some(Outcome::NotApplied));
    let batch = map.batch().test_revision(first.revision).test("owner", "me").delete("owner");
    assert!(batch.commit().await.unwrap().require().is_ok());
    let none = map.batch().test_absent("owner").commit().await.unwrap();
    assert_eq!((none.applied, none.changed), (true, 0));
}

#[tokio::test]
async fn bad_input_is_reported_at_commit_and_sends_nothing() {
    let map = map("batch").await;
    let error = map.batch().set("a", "1").set("", "2").set("x=y", "3").commit().await.unwrap_err();
    assert!(
        matches!(error, Error::InvalidKey { .. }) && error.outcome() == Some(Outcome::Rejected),
        "{error}"
    );
    let error = map.batch().test_absent("x=y").set("a", "1").commit().await.unwrap_err();
    assert!(matches!(error, Error::InvalidKey { .. }), "{error}");
    let error = map.batch().set("k", vec![0; (16 << 20) + 1]).commit().await.unwrap_err();
    assert!(matches!(error, Error::ValueTooLong { .. }), "{error}");
    let many = (0..1001).fold(map.batch(), |batch, number| batch.delete(format!("k{number}")));
    let error = many.commit().await.unwrap_err();
    assert!(matches!(error, Error::TooManySteps { count: 1001, limit: 1000, .. }), "{error}");
    let error = map.batch().set("k", vec![0; 4 << 20]).commit().await.unwrap_err();
    assert!(
        matches!(error, Error::BatchTooLarge { .. }) && error.outcome() == Some(Outcome::Rejected),
        "{error}"
    );
    map.close().await;
    let error = map.batch().set("a", "1").commit().await.unwrap_err();
    assert!(matches!(error, Error::Closed { .. }), "{error}");
    assert!(map.is_empty());
}

#[tokio::test]
async fn a_failed_step_names_its_key_and_undoes_the_rest() {
    let map = map("batch").await;
    map.set("text", "{}").await.unwrap();
    let error = map.batch().set("a", "1").inc("text", 1).commit().await.unwrap_err();
    assert!(matches!(&error, Error::NotAnInteger { key, .. } if key.as_bytes() == b"text"), "{error}");
    let error = map.batch().inc("n", i64::MAX).inc("n", 1).commit().await.unwrap_err();
    assert!(matches!(&error, Error::Overflow { key, .. } if key.as_bytes() == b"n"), "{error}");
    let error = map.batch().append_values("text", ["x"]).commit().await.unwrap_err();
    assert!(matches!(&error, Error::NotAList { key, .. } if key.as_bytes() == b"text"), "{error}");
    map.sync().await.unwrap();
    assert_eq!(map.keys(), ["text"]);
}

#[tokio::test]
async fn limits_are_settings() {
    let client = Client::in_memory();
    let limits = MapSettings::default().value_bytes(10).batch_steps(2).batch_bytes(20);
    let map = client.map("limits").settings(limits).join().await.unwrap();
    let error = map.set("k", "12345678901").await.unwrap_err();
    assert!(matches!(error, Error::ValueTooLong { length: 11, limit: 10, .. }), "{error}");
    let error = map.batch().delete("a").delete("b").delete("c").commit().await.unwrap_err();
    assert!(matches!(error, Error::TooManySteps { count: 3, limit: 2, .. }), "{error}");
    let error = map.batch().set("a", "1234567890").set("b", "1234567890").commit().await.unwrap_err();
    assert!(matches!(error, Error::BatchTooLarge { bytes: Some(_), limit: 20, .. }), "{error}");
    map.set("k", "1234567890").await.unwrap();
}

/// The script reads a key that it deletes, and one script must not read too much, because the server serves nobody
/// else meanwhile.
#[tokio::test]
async fn a_write_that_would_read_too_much_is_refused() {
    let map = Client::in_memory().map("large").join().await.unwrap();
    let large = vec![b'x'; 15 << 20];
    for key in ["a", "b", "c"] {
        map.set_and_wait(key, &large).await.unwrap();
    }
    let three = || map.batch().delete("a").delete("b").delete("c");
    let error = three().commit().await.unwrap_err();
    assert!(matches!(error, Error::ReadsTooMuch { bytes: 47_185_920, limit: 33_554_432, .. }), "{error}");
    assert_eq!(error.outcome(), Some(Outcome::Rejected));
    let tests = ["a", "b", "c"].map(|key| (key, "other"));
    let error = map.test_and_reset(tests).await.unwrap_err();
    assert!(matches!(error, Error::ReadsTooMuch { .. }), "{error}");
    assert_eq!(map.len(), 3);
    // Two deletes fit, and sets read nothing.
    assert!(map.batch().delete("a").delete("b").commit().visible().await.unwrap().applied);
    for key in ["a", "b"] {
        map.set_and_wait(key, &large).await.unwrap();
    }
    map.batch().set("a", "1").set("b", "2").set("c", "3").commit().visible().await.unwrap();
    assert!(three().commit().await.unwrap().applied);
}
