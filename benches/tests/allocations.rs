//! Limits on allocations, checked by an allocator that counts. The allocator counts only the measuring thread, so that
//! other tests do not disturb it.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

use allocation_counter::measure;
use rmap_bench::contents::{Content, Ours};
use rmap_bench::data::{Key, key, shuffled_keys};
use rmap_bench::notifications::Notifications;
use rmap_bench::replica::{BORN, NOW, live};
use rmap_client::Client;
use rmap_core::{Disposition, Replica};
use rmap_proto::{Change, Notification, Revision};

const ENTRIES: u64 = 10_000;

/// Number of allocations of one call.
fn allocations(call: impl FnOnce()) -> u64 {
    measure(call).count_total
}

fn apply(replica: &mut Replica, payload: &[u8]) {
    assert_eq!(replica.handle_notification(NOW, payload), Disposition::Applied);
    while replica.poll_output().is_some() {}
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(1)))), 1);
}

#[test]
fn no_read_of_a_key_allocates() {
    let content = Ours::filled(ENTRIES);
    let reader = content.reader();
    for key in &shuffled_keys(ENTRIES) {
        assert_eq!(allocations(|| assert!(reader.get(key).is_some())), 0);
        assert_eq!(allocations(|| assert!(reader.with(key, <[u8]>::len).is_some())), 0);
        assert_eq!(allocations(|| assert!(reader.contains(key))), 0);
    }
    assert_eq!(allocations(|| assert!(reader.get(b"missing").is_none())), 0);
    assert_eq!(allocations(|| assert!(reader.revision().is_some())), 0);
}

#[tokio::test]
async fn no_read_of_a_map_handle_allocates() {
    let map = Client::in_memory().map("flags").join().await.unwrap();
    let written = map.set("color", "blue").await.unwrap();
    map.wait_for(written.revision).await.unwrap();
    assert_eq!(allocations(|| assert!(map.get("color").is_some())), 0);
    assert_eq!(allocations(|| assert_eq!(map.with("color", <[u8]>::len), Some(4))), 0);
    assert_eq!(allocations(|| assert!(map.contains("color"))), 0);
}

#[test]
fn a_set_of_an_existing_key_allocates_its_entry_only() {
    let mut replica = live(ENTRIES);
    let keys = shuffled_keys(ENTRIES);
    let mut notifications = Notifications::after(BORN, &keys);
    // The queue of outputs allocates once.
    apply(&mut replica, notifications.next());
    for _ in 0..ENTRIES {
        let payload = notifications.next();
        assert_eq!(allocations(|| apply(&mut replica, payload)), 1);
    }
}

#[test]
fn notifications_that_are_announced_allocate_no_more() {
    let mut replica = live(ENTRIES);
    let keys = shuffled_keys(ENTRIES);
    let mut notifications = Notifications::after(BORN, &keys);
    let mut first = true;
    for _ in 0..ENTRIES / 100 {
        let payloads = notifications.take(100);
        let allocated = allocations(|| {
            replica.prefetch(payloads.iter().map(|payload| payload.as_slice()));
            payloads.iter().for_each(|payload| apply(&mut replica, payload));
        });
        // The queue of outputs and the list of announced keys allocate once each.
        assert!(allocated == 100 || first, "{allocated} allocations");
        first = false;
    }
}

#[test]
fn a_set_of_a_new_key_allocates_its_entry_and_seldom_a_larger_table() {
    let mut replica = live(ENTRIES);
    let keys: Vec<Key> = (ENTRIES..2 * ENTRIES).map(key).collect();
    let mut notifications = Notifications::after(BORN, &keys);
    apply(&mut replica, notifications.next());
    let mut larger = 0;
    for _ in 1..ENTRIES {
        let payload = notifications.next();
        match allocations(|| apply(&mut replica, payload)) {
            1 => {}
            2 => larger += 1,
            other => panic!("{other} allocations"),
        }
    }
    // For twice the entries, each shard grows once or twice, and there are far fewer shards than entries.
    assert!(larger <= ENTRIES / 50, "{larger} larger tables");
}

#[test]
fn a_delete_allocates_nothing() {
    let mut replica = live(ENTRIES);
    let revisions = BORN + 1..;
    let mut first = true;
    for (key, revision) in shuffled_keys(ENTRIES).iter().zip(revisions) {
        let delete = Notification::new(Revision::new(revision).unwrap(), Change::Delete { key });
        let payload = delete.encode();
        let allocated = allocations(|| apply(&mut replica, &payload));
        // The queue of outputs allocates once.
        assert!(allocated == 0 || first, "{allocated} allocations");
        first = false;
    }
    assert!(replica.reader().is_empty());
}

#[test]
fn decoding_allocates_nothing() {
    let keys = shuffled_keys(ENTRIES);
    let mut notifications = Notifications::after(BORN, &keys);
    for _ in 0..ENTRIES {
        let payload = notifications.next();
        assert_eq!(allocations(|| assert!(Notification::decode(payload).is_ok())), 0);
    }
}
