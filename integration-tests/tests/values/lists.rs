//! List items with every kind of text.

use integration_tests::must_end;
use rmap_client::proto::{self, Notification, list};

use crate::pair::Pair;

/// Items that are difficult to encode.
fn awkward() -> Vec<String> {
    let mut items: Vec<String> = (0..=0x2ff_u32).filter_map(char::from_u32).map(String::from).collect();
    items.extend(
        ["", " ", "a,b", "\"", "\\", "\\u0000", "/", "[]", "[\"x\"]", "{}", "null", "true", "-1", "1e400"]
            .map(String::from),
    );
    items.extend(
        ["\u{2028}\u{2029}", "\u{feff}", "\u{fffd}", "\u{ffff}", "\u{10ffff}", "😀", "e\u{301}", "日本語"]
            .map(String::from),
    );
    items.extend(["message", "subscribe", "pmessage", "\r\n", "=rev", "9007199254740993"].map(String::from));
    items.push("x".repeat(100_000));
    items
}

#[tokio::test]
async fn items_of_every_kind_come_out_as_they_went_in() {
    let mut pair = Pair::new("flags").await;
    let items = awkward();
    let appended = pair.writer.append_values("list", items.clone()).await.unwrap();
    assert_eq!((appended.values, appended.applied), (items.clone(), true));
    let revision = appended.revision.unwrap();
    let encoded = list::encode(&items);
    let change = proto::Change::Set { key: b"list", value: &encoded };
    let expected = Notification::new(revision, change).born(true);
    assert!(pair.published() == [expected.encode()]);
    assert!(pair.stored(b"list").unwrap() == encoded);
    must_end(pair.reader.wait_for(revision)).await.unwrap();
    assert_eq!(pair.reader.get_values("list").unwrap().unwrap(), items);

    // The script recognises every one of them.
    let unchanged = pair.writer.append_unique_values("list", items.clone()).await.unwrap();
    assert_eq!((unchanged.values, unchanged.applied), (items.clone(), false));
    let removed = pair.writer.remove_values("list", items).await.unwrap();
    assert_eq!((removed.values, removed.applied), (Vec::new(), true));
    must_end(pair.reader.wait_for(removed.revision)).await.unwrap();
    assert!(!pair.reader.contains("list") && pair.stored(b"list").is_none());
}

#[tokio::test]
async fn each_item_alone_is_appended_and_removed() {
    let pair = Pair::new("flags").await;
    let map = &pair.writer;
    for item in awkward() {
        map.append_values("list", ["first", &item]).await.unwrap();
        let appended = map.append_unique_values("list", [item.clone(), "last".to_owned()]).await.unwrap();
        assert_eq!(appended.values, ["first", &item, "last"]);
        let removed = map.remove_values("list", [&item[..]]).await.unwrap();
        assert_eq!(removed.values, ["first", "last"]);
        map.remove_values("list", ["first", "last"]).await.unwrap();
    }
    map.sync().await.unwrap();
    assert!(map.is_empty());
}

#[tokio::test]
async fn keys_of_lists_may_be_any_bytes() {
    let pair = Pair::new("flags").await;
    let key: Vec<u8> = (0..=255).filter(|&byte| byte != b'=').collect();
    let appended = pair.writer.append_values(&key, ["a"]).await.unwrap();
    must_end(pair.reader.wait_for(appended.revision)).await.unwrap();
    assert_eq!(pair.reader.get_values(&key).unwrap().unwrap(), ["a"]);
}
