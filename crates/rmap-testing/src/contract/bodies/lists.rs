//! `append_values`, `append_unique_values`, `remove_values`.

use crate::must_end;
use rmap_client::{Error, MapSettings};

use super::wire;
use crate::contract::world::{World, key};

const MAX_LIST: usize = 1 << 20;
const MAX_ITEMS: usize = 100_000;
const NO_ITEMS: [&str; 0] = [];

/// Values that begin like JSON but are no lists of strings, and bytes that are no text.
const NO_LISTS: [&[u8]; 20] = [
    b"[1]",
    b"[\"a\",1]",
    b"[null]",
    b"[true]",
    b"[[\"a\"]]",
    b"[{}]",
    b"{}",
    b"{\"a\":\"b\"}",
    b"[12345678901234567890]",
    b"[",
    b"[\"a\"",
    b"[\"a\",]",
    b"[,]",
    b"[\"a\" \"b\"]",
    b"[\"a\"] x",
    b" \t\r\n[1]",
    b"[\"\n\"]",
    b"[\"\\x\"]",
    b"[\"\\ud800\"]",
    b"a,\xff",
];

pub(crate) async fn items_are_appended_to_a_missing_list(mut world: World) {
    let map = world.join().await;
    let appended = must_end(map.append_values("k", ["b", "a", "b", ""])).await.unwrap();
    let revision = appended.revision.unwrap().get();
    assert_eq!((appended.applied, appended.values), (true, strings(&["b", "a", "b", ""])));
    let stored = r#"["b","a","b",""]"#;
    world.holds(revision, "set", &[("k", stored)]);
    assert_eq!(world.published().await, [wire::first_set("k", stored, revision)]);
    must_end(map.wait_for(appended.revision)).await.unwrap();
    assert_eq!(map.get_values("k").unwrap().unwrap(), ["b", "a", "b", ""]);
}

pub(crate) async fn items_are_appended_to_a_list(mut world: World) {
    let map = world.join_with(&[("k", " [ \"a\" ,\n\"b\" ]\t"), ("empty", "[]")]).await;
    let appended = must_end(map.append_values("k", ["a"])).await.unwrap();
    assert_eq!((appended.applied, appended.revision.unwrap().get()), (true, 7));
    assert_eq!(appended.values, ["a", "b", "a"]);
    let appended = must_end(map.append_values("empty", ["x"])).await.unwrap();
    assert_eq!((appended.revision.unwrap().get(), appended.values), (8, strings(&["x"])));
    let stored = (r#"["a","b","a"]"#, r#"["x"]"#);
    world.holds(8, "set", &[("k", stored.0), ("empty", stored.1)]);
    assert_eq!(world.published().await, [wire::set("k", stored.0, 7), wire::set("empty", stored.1, 8)]);
}

pub(crate) async fn items_are_appended_to_text_with_commas(mut world: World) {
    let map = world.join_with(&[("k", "a,,b c,"), ("none", ""), ("word", "\"a\"")]).await;
    let appended = must_end(map.append_values("k", ["d,e"])).await.unwrap();
    assert_eq!(appended.values, ["a", "b c", "d,e"]);
    assert_eq!(must_end(map.append_values("none", ["x"])).await.unwrap().values, ["x"]);
    assert_eq!(must_end(map.append_unique_values("word", ["x"])).await.unwrap().values, ["\"a\"", "x"]);
    let stored = [r#"["a","b c","d,e"]"#, r#"["x"]"#, r#"["\"a\"","x"]"#];
    world.holds(9, "set", &[("k", stored[0]), ("none", stored[1]), ("word", stored[2])]);
    let expected =
        [wire::set("k", stored[0], 7), wire::set("none", stored[1], 8), wire::set("word", stored[2], 9)];
    assert_eq!(world.published().await, expected);
}

pub(crate) async fn escapes_and_letters_come_out_as_what_they_mean(mut world: World) {
    let map = world.join_with(&[("k", r#"["\u00e9\/\u0000","\ud83d\ude00"]"#)]).await;
    let appended = must_end(map.append_values("k", ["ß\"\\\n"])).await.unwrap();
    assert_eq!(appended.values, ["é/\0", "😀", "ß\"\\\n"]);
    let stored = r#"["é\/\u0000","😀","ß\"\\\n"]"#;
    world.holds(7, "set", &[("k", stored)]);
    assert_eq!(world.published().await, [wire::set("k", stored, 7)]);
}

pub(crate) async fn no_items_change_nothing_and_return_the_list(mut world: World) {
    let map = world.join_with(&[("k", "a,b"), ("json", "[ ]")]).await;
    for (key, values) in [("k", &["a", "b"][..]), ("json", &[]), ("missing", &[])] {
        let appended = world.unchanged_by(map.append_values(key, NO_ITEMS)).await.unwrap();
        assert_eq!((appended.applied, appended.revision.unwrap().get()), (false, 6), "{key}");
        assert_eq!(appended.values, values);
        let appended = world.unchanged_by(map.append_unique_values(key, NO_ITEMS)).await.unwrap();
        assert_eq!((appended.applied, appended.revision.unwrap().get()), (false, 6), "{key}");
        assert_eq!(appended.values, values);
        let removed = world.unchanged_by(map.remove_values(key, NO_ITEMS)).await.unwrap();
        assert_eq!((removed.applied, removed.revision.unwrap().get()), (false, 6), "{key}");
        assert_eq!(removed.values, values);
    }
}

pub(crate) async fn without_a_hash_no_items_have_no_revision(mut world: World) {
    let map = world.join().await;
    let appended = world.unchanged_by(map.append_values("k", NO_ITEMS)).await.unwrap();
    assert_eq!((appended.applied, appended.revision, appended.values.len()), (false, None, 0));
    let appended = world.unchanged_by(map.append_unique_values("k", NO_ITEMS)).await.unwrap();
    assert_eq!((appended.applied, appended.revision, appended.values.len()), (false, None, 0));
    let removed = world.unchanged_by(map.remove_values("k", ["a"])).await.unwrap();
    assert_eq!((removed.applied, removed.revision, removed.values.len()), (false, None, 0));
}

pub(crate) async fn only_new_items_are_appended_as_unique(mut world: World) {
    let map = world.join_with(&[("k", r#"["a","a","b"]"#)]).await;
    let appended = must_end(map.append_unique_values("k", ["c", "a", "c", "A"])).await.unwrap();
    assert_eq!((appended.applied, appended.revision.unwrap().get()), (true, 7));
    assert_eq!(appended.values, ["a", "a", "b", "c", "A"]);
    let appended = must_end(map.append_unique_values("new", ["x", "x"])).await.unwrap();
    assert_eq!((appended.revision.unwrap().get(), appended.values), (8, strings(&["x"])));
    let stored = (r#"["a","a","b","c","A"]"#, r#"["x"]"#);
    world.holds(8, "set", &[("k", stored.0), ("new", stored.1)]);
    assert_eq!(world.published().await, [wire::set("k", stored.0, 7), wire::set("new", stored.1, 8)]);
}

pub(crate) async fn items_that_are_there_are_not_appended_as_unique(mut world: World) {
    let map = world.join_with(&[("k", "a,b")]).await;
    let appended = world.unchanged_by(map.append_unique_values("k", ["b", "a", "b"])).await.unwrap();
    assert_eq!((appended.applied, appended.revision.unwrap().get()), (false, 6));
    assert_eq!(appended.values, ["a", "b"]);
}

pub(crate) async fn every_occurrence_is_removed(mut world: World) {
    let map = world.join_with(&[("k", r#"["a","b","a","c"]"#)]).await;
    let removed = must_end(map.remove_values("k", ["a", "missing", "a"])).await.unwrap();
    assert_eq!((removed.applied, removed.revision.unwrap().get()), (true, 7));
    assert_eq!(removed.values, ["b", "c"]);
    world.holds(7, "set", &[("k", r#"["b","c"]"#)]);
    assert_eq!(world.published().await, [wire::set("k", r#"["b","c"]"#, 7)]);
}

pub(crate) async fn removing_the_last_item_deletes_the_key(mut world: World) {
    let map = world.join_with(&[("k", "a,b,a")]).await;
    let removed = must_end(map.remove_values("k", ["a", "b"])).await.unwrap();
    assert_eq!((removed.applied, removed.revision.unwrap().get()), (true, 7));
    assert_eq!(removed.values, NO_ITEMS);
    world.holds::<&str>(7, "del", &[]);
    assert_eq!(world.published().await, [wire::delete("k", 7)]);
    must_end(map.wait_for(removed.revision)).await.unwrap();
    assert!(!map.contains("k"));
}

pub(crate) async fn items_that_are_missing_are_not_removed(mut world: World) {
    let map = world.join_with(&[("k", "a,b"), ("empty", "[]")]).await;
    for (key, values) in [("k", &["a", "b"][..]), ("empty", &[]), ("missing", &[])] {
        let removed = world.unchanged_by(map.remove_values(key, ["c", ""])).await.unwrap();
        assert_eq!((removed.applied, removed.revision.unwrap().get()), (false, 6), "{key}");
        assert_eq!(removed.values, values);
    }
}

pub(crate) async fn what_is_not_a_list_is_refused(mut world: World) {
    let map = world.join_with::<&str>(&[]).await;
    let expected = Error::NotAList { map: world.name().clone(), key: key("k") };
    for value in NO_LISTS {
        world.plant("k", value);
        world.refuses(map.append_values("k", ["a"]), expected.clone()).await;
        world.refuses(map.append_unique_values("k", ["a"]), expected.clone()).await;
        world.refuses(map.remove_values("k", ["a"]), expected.clone()).await;
        // The error appears even without items.
        world.refuses(map.append_values("k", NO_ITEMS), expected.clone()).await;
    }
}

pub(crate) async fn a_list_grows_to_its_limit_and_no_further(mut world: World) {
    let map = world.join_with::<&str>(&[]).await;
    // Two brackets and two quotes.
    let item = "i".repeat(MAX_LIST - 4);
    let appended = must_end(map.append_values("k", [&item])).await.unwrap();
    assert!(
        (appended.applied, appended.revision.unwrap().get()) == (true, 7) && appended.values == [&item[..]]
    );
    let stored = format!("[\"{item}\"]");
    assert!(world.hash()[&b"k"[..]] == stored.as_bytes());
    assert!(world.published().await == [wire::set("k", stored, 7)]);

    let name = world.name().clone();
    let expected = |list| Error::ListTooLong { map: name.clone(), key: key(list) };
    world.refuses(map.append_values("k", [""]), expected("k")).await;
    world.refuses(map.append_unique_values("k", [""]), expected("k")).await;
    let item = "i".repeat(MAX_LIST - 3);
    world.refuses(map.append_values("new", [&item]), expected("new")).await;
    world.refuses(map.append_unique_values("new", [&item]), expected("new")).await;
    // The limit counts the stored text.
    let item = "\"".repeat(MAX_LIST / 2);
    world.refuses(map.append_values("new", [item]), expected("new")).await;
}

pub(crate) async fn a_list_has_at_most_so_many_items(mut world: World) {
    let map = world.join_with::<&str>(&[]).await;
    let numbers = |count: usize| (0..count).map(|number| number.to_string());
    let appended = must_end(map.append_unique_values("k", numbers(MAX_ITEMS))).await.unwrap();
    assert_eq!((appended.applied, appended.values.len()), (true, MAX_ITEMS));
    world.published().await;

    let name = world.name().clone();
    let expected = |list| Error::ListTooLong { map: name.clone(), key: key(list) };
    world.refuses(map.append_values("k", [""]), expected("k")).await;
    world.refuses(map.append_unique_values("k", ["one more"]), expected("k")).await;
    world.refuses(map.append_values("new", numbers(MAX_ITEMS + 1)), expected("new")).await;
    world.refuses(map.remove_values("k", numbers(MAX_ITEMS + 1)), expected("k")).await;
    let in_a_batch = map.batch().set("before", "1").append_values("k", ["one more"]);
    world.refuses(in_a_batch.commit(), expected("k")).await;
    let removed = must_end(map.remove_values("k", numbers(MAX_ITEMS))).await.unwrap();
    assert_eq!((removed.applied, removed.values.len()), (true, 0));
}

pub(crate) async fn how_long_lists_may_be_is_a_setting(mut world: World) {
    let map = world.join_with::<&str>(&[]).await;
    let limits = |items, bytes| MapSettings::default().list_items(items).list_bytes(bytes);
    let longer = must_end(world.map().settings(limits(MAX_ITEMS + 10, 2 << 20)).join()).await.unwrap();
    let shorter = must_end(world.map().settings(limits(2, 12)).join()).await.unwrap();
    let numbers = (0..MAX_ITEMS + 10).map(|number| number.to_string());
    must_end(longer.append_values("k", numbers)).await.unwrap();
    let long = must_end(longer.append_values("b", ["i".repeat(MAX_LIST)])).await.unwrap();
    must_end(shorter.append_values("s", ["a", "b"])).await.unwrap();
    world.published().await;
    must_end(map.wait_for(long.revision)).await.unwrap();
    assert_eq!(map.get_values("k").unwrap().unwrap().len(), MAX_ITEMS + 10);

    let name = world.name().clone();
    let expected = |list| Error::ListTooLong { map: name.clone(), key: key(list) };
    world.refuses(longer.append_values("k", ["one more"]), expected("k")).await;
    world.refuses(map.append_values("b", ["one more"]), expected("b")).await;
    world.refuses(shorter.append_values("s", ["c"]), expected("s")).await;
    world.refuses(shorter.append_values("t", ["1234567890"]), expected("t")).await;
    world.refuses(shorter.batch().append_values("s", ["c"]).commit(), expected("s")).await;
}

fn strings(items: &[&str]) -> Vec<String> {
    items.iter().map(|&item| item.to_owned()).collect()
}
