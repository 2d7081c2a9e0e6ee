//! Every write, so that properties of all writes are stated once.

use std::pin::Pin;

use rmap_client::{Error, Map};

/// A write that was not sent yet.
pub type Writing<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>>;

/// The name of a write, and the write, which was not sent yet.
pub type Named<'a> = (&'static str, Writing<'a>);

/// Every write with a key. Each applies when `key` holds 5 and `absent` is missing.
pub fn keyed<'a>(map: &'a Map, key: &'a [u8], absent: &'a [u8]) -> Vec<Named<'a>> {
    let mut writes = valued(map, key, absent, "6");
    writes.extend([
        ("delete", writing(map.delete(key))),
        ("test_and_delete", writing(map.test_and_delete(key, "5"))),
        ("test_and_reset", writing(map.test_and_reset([(key, "5")]))),
        ("inc", writing(map.inc(key, 1))),
        ("remove_values", writing(map.remove_values(key, ["5"]))),
    ]);
    writes
}

/// Every write that stores this text, or has it as an item.
pub fn valued<'a>(map: &'a Map, key: &'a [u8], absent: &'a [u8], value: &'a str) -> Vec<Named<'a>> {
    vec![
        ("set", writing(map.set(key, value))),
        ("set_and_wait", writing(map.set_and_wait(key, value))),
        ("set_if_not_exists", writing(map.set_if_not_exists(absent, value))),
        ("test_and_set", writing(map.test_and_set(key, "5", value))),
        ("append_values", writing(map.append_values(key, [value]))),
        ("append_unique_values", writing(map.append_unique_values(key, [value]))),
    ]
}

/// The writes without a key. They always apply.
pub fn clearing(map: &Map) -> Vec<Named<'_>> {
    vec![("reset", writing(map.reset())), ("destroy", writing(map.destroy()))]
}

/// Every write. Each applies when `k` holds 5 and no other key exists.
pub fn applied(map: &Map) -> Vec<Named<'_>> {
    let mut writes = keyed(map, b"k", b"absent");
    writes.extend(clearing(map));
    writes
}

/// Every write that can find its condition unmet or nothing to do, when `k` holds 5 and no other key exists.
pub fn not_applied(map: &Map) -> Vec<Named<'_>> {
    vec![
        ("set_if_not_exists", writing(map.set_if_not_exists("k", "6"))),
        ("test_and_set", writing(map.test_and_set("k", "6", "7"))),
        ("test_and_set of a missing key", writing(map.test_and_set("absent", "", "7"))),
        ("delete", writing(map.delete("absent"))),
        ("test_and_delete", writing(map.test_and_delete("k", "6"))),
        ("test_and_delete of a missing key", writing(map.test_and_delete("absent", ""))),
        ("test_and_reset", writing(map.test_and_reset([("k", "5"), ("absent", "")]))),
        ("append_values", writing(map.append_values("k", [""; 0]))),
        ("append_unique_values", writing(map.append_unique_values("k", ["5"]))),
        ("remove_values", writing(map.remove_values("k", ["6"]))),
    ]
}

fn writing<'a, T>(write: impl Future<Output = Result<T, Error>> + 'a) -> Writing<'a> {
    Box::pin(async { write.await.map(drop) })
}
