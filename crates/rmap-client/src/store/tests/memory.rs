use std::time::Duration;

use super::{Content, Store, StoreFault, map, read};

#[test]
fn a_store_in_memory_outlives_its_holder() {
    let store = Store::in_memory();
    let first = store.open().unwrap();
    assert_eq!(read(&first).unwrap(), None);
    Content::number(1).write(&first).unwrap();
    Content::number(2).write(&first).unwrap();
    drop(first);
    let second = store.clone().open().unwrap();
    assert_eq!(read(&second).unwrap(), Some(Content::number(2)));
    assert_eq!((second.path(), second.read_only()), (None, None));
}

#[test]
fn a_store_in_memory_has_one_holder() {
    let store = Store::in_memory();
    let held = store.open().unwrap();
    let fault = store.clone().open().unwrap_err();
    assert_eq!(fault, StoreFault::InUse { path: None, pid: Some(std::process::id()) });
    let text = format!("the store in memory is in use by process {}", std::process::id());
    assert_eq!(fault.to_string(), text);
    assert!(Store::in_memory().open().is_ok(), "another store");
    drop(held);
    assert!(store.open().is_ok());
}

#[test]
fn keys_to_skip_are_left_out_and_counted() {
    let store = Store::in_memory().skip(|key| key.ends_with(b"7"));
    let opened = store.open().unwrap();
    let saved = Content::number(0).write(&opened).unwrap();
    assert_eq!((saved.entries, saved.left_out), (540, 60));
    let bytes = opened.read().unwrap().unwrap();
    assert_eq!(bytes.len() as u64, saved.bytes);
    let stored = opened.decode(&bytes, &map()).unwrap();
    assert_eq!((stored.len(), stored.left_out()), (540, 60));
    assert!(stored.entries().all(|(key, _)| !key.ends_with(b"7")));
}

#[test]
fn debug_output_never_shows_a_value() {
    let store = Store::in_memory();
    let opened = store.open().unwrap();
    Content::number(123_456).write(&opened).unwrap();
    assert!(!format!("{store:?} {opened:?}").contains("123456"));
}

#[test]
fn the_interval_has_a_default_and_a_least() {
    assert_eq!(Store::in_memory().every(), Duration::from_secs(30));
    assert_eq!(Store::in_memory().interval(Duration::ZERO).every(), Duration::from_millis(100));
    assert_eq!(Store::in_memory().interval(Duration::MAX).every(), Duration::MAX);
}
