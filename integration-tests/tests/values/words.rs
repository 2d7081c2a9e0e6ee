//! Words that a client could mistake for a message. Keys, values, items and names are never mistaken.

use integration_tests::must_end;

use crate::pair::Pair;

pub(crate) const WORDS: &[&str] = &[
    "message",
    "pmessage",
    "smessage",
    "subscribe",
    "psubscribe",
    "ssubscribe",
    "unsubscribe",
    "punsubscribe",
    "pubsub",
    "invalidate",
    "pong",
    "OK",
    "QUEUED",
];

#[tokio::test]
async fn words_of_the_protocol_are_data_in_every_operation() {
    for name in &WORDS[..5] {
        let mut pair = Pair::new(name).await;
        for word in WORDS {
            pair.check(word, word).await;
            let map = &pair.writer;
            let unmet = map.set_if_not_exists(word, "x").await.unwrap();
            assert_eq!((unmet.applied, unmet.previous.unwrap()), (false, (*word).into()));
            let same = map.test_and_set(word, word, word).await.unwrap();
            assert_eq!((same.applied, same.previous.unwrap()), (true, (*word).into()));
            let unmet = map.test_and_delete(word, "x").await.unwrap();
            assert_eq!((unmet.applied, unmet.previous.unwrap()), (false, (*word).into()));
            let list = format!("{word}s");
            let appended = map.append_values(&list, [*word, word]).await.unwrap();
            assert_eq!(appended.values, [*word, word]);
            let read = map.append_unique_values(&list, [""; 0]).await.unwrap();
            assert_eq!(read.values, [*word, word]);
            let removed = map.remove_values(&list, [*word]).await.unwrap();
            assert!(removed.applied && removed.values.is_empty());
            let deleted = map.delete(word).await.unwrap();
            assert_eq!((deleted.applied, deleted.previous.unwrap()), (true, (*word).into()));
            let counted = map.inc(word, 2).await.unwrap();
            must_end(pair.reader.wait_for(counted.revision)).await.unwrap();
            assert_eq!(pair.reader.get(word).unwrap(), "2");
            let _ = pair.published();
        }
        let tests = WORDS.iter().map(|word| (*word, "2"));
        let cleared = pair.writer.test_and_reset(tests).await.unwrap();
        assert!(cleared.applied);
        must_end(pair.reader.wait_for(cleared.revision)).await.unwrap();
        assert!(pair.reader.is_empty());
        assert_eq!((pair.reader.status().resyncs(), pair.writer.status().resyncs()), (0, 0));
    }
}
