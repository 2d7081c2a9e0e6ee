//! Maps with a store: a service that starts in an outage, and a restart that does not read the map again.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::time::Duration;

use rmap_client::{
    Error, Map, MapSettings, MemoryServer, Phase, Restored, Store, StoreFault, StoreFound, Unproven, WhenLost,
};

const SECOND: Duration = Duration::from_secs(1);

/// A map of more than two entries is read in pages.
fn large() -> MapSettings {
    MapSettings::default().small_map(2, 1 << 20)
}

async fn join(server: &MemoryServer, store: &Store) -> Map {
    server.client().map("flags").settings(large()).store(store.clone()).join().await.unwrap()
}

fn join_in_background(server: &MemoryServer, store: &Store) -> Map {
    server.client().map("flags").settings(large()).store(store.clone()).join_in_background().unwrap()
}

/// A store with a=1, b=2, c=3, written by a map that was proven and then closed.
async fn filled(server: &MemoryServer) -> Store {
    let store = Store::in_memory();
    let flags = join(server, &store).await;
    for (key, value) in [("a", "1"), ("b", "2"), ("c", "3")] {
        flags.set(key, value).visible().await.unwrap();
    }
    // Revisions of this life are below the server's clock from now on.
    tokio::time::advance(SECOND).await;
    flags.sync().await.unwrap();
    flags.close().await;
    let written = flags.status().store().unwrap().written.unwrap();
    assert_eq!((written.entries, written.left_out), (3, 0));
    store
}

#[tokio::test(start_paused = true)]
async fn a_service_starts_in_an_outage_with_what_was_stored() {
    let server = MemoryServer::new();
    let store = filled(&server).await;
    let other = server.client().map("flags").join().await.unwrap();
    other.set("b", "3").await.unwrap();
    other.delete("c").await.unwrap();
    server.go_down();
    tokio::time::advance(SECOND * 240).await;

    let flags = join_in_background(&server, &store);
    assert_eq!(flags.get("b").unwrap(), "2");
    let status = flags.status();
    assert!(status.is_stored() && !status.is_live(), "{status}");
    assert!(matches!(status.store().unwrap().found, StoreFound::Content { entries: 3, .. }), "{status:?}");
    assert!(
        flags.fresh(SECOND).is_ok(),
        "the system's time did not pass, so it is as fresh as the file says"
    );
    assert!(flags.fresh(Duration::ZERO).is_err());
    let (view, mut changes) = flags.view_and_changes().await;
    assert_eq!((view.len(), view.revision()), (3, status.revision()));

    tokio::time::advance(SECOND * 240).await;
    let health = flags.health(SECOND * 60);
    assert!(health.to_string().starts_with("map flags: not ready: from the store, 4 min old"), "{health}");

    server.come_up();
    flags.sync().await.unwrap();
    assert_eq!((flags.get("b").unwrap().as_bytes(), flags.get("c")), (&b"3"[..], None));
    assert!(!flags.status().is_stored() && flags.health(SECOND).is_ready());
    let mut told = Vec::new();
    for _ in 0..2 {
        let change = changes.next().await.unwrap();
        told.push((change.key.to_string(), change.new.map(|value| value.as_str().unwrap().to_owned())));
    }
    told.sort();
    assert_eq!(told, [("b".to_owned(), Some("3".to_owned())), ("c".to_owned(), None)]);
}

#[tokio::test(start_paused = true)]
async fn a_probe_proves_what_was_stored_and_one_verification_follows() {
    let server = MemoryServer::new();
    let store = filled(&server).await;
    let flags = join(&server, &store).await;
    assert_eq!(flags.status().restored(), &Restored::Taken);
    assert!(flags.status().is_in_doubt(), "it is read once more");
    assert_eq!(flags.get("c").unwrap(), "3");
    flags.verify().await.unwrap();
    assert!(!flags.status().is_in_doubt());
}

#[tokio::test(start_paused = true)]
async fn another_life_and_another_server_replace_what_was_stored() {
    let (server, elsewhere) = (MemoryServer::new(), MemoryServer::new());
    let store = filled(&server).await;
    server.restart();
    let flags = join(&server, &store).await;
    assert!(matches!(flags.status().restored(), Restored::Replaced(Unproven::Revision { server: None, .. })));
    assert!(flags.is_empty());
    flags.set("a", "9").visible().await.unwrap();
    tokio::time::advance(SECOND).await;
    flags.sync().await.unwrap();
    flags.close().await;

    let map = rmap_client::proto::MapName::new("flags").unwrap();
    let fields = server.with_hash(&map, |authority, _| authority.fields());
    elsewhere.restart();
    elsewhere.restart();
    elsewhere.with_hash(&map, |authority, _| {
        fields.iter().for_each(|(field, value)| authority.hset(field, value))
    });
    let settings = MapSettings::default().small_map(0, 1 << 20);
    let flags = elsewhere.client().map("flags").settings(settings).store(store).join().await.unwrap();
    assert_eq!(flags.status().restored(), &Restored::Replaced(Unproven::AnotherServer));
    assert_eq!(flags.get("a").unwrap(), "9");
}

#[tokio::test(start_paused = true)]
async fn it_is_written_at_most_once_an_interval_and_only_what_was_proven() {
    let server = MemoryServer::new();
    let store = Store::in_memory().interval(SECOND * 10);
    let flags = join(&server, &store).await;
    let written = || flags.status().store().unwrap().written.map(|written| written.entries);
    for number in 0..30 {
        flags.set(format!("k{number}"), "v").visible().await.unwrap();
        tokio::time::sleep(SECOND).await;
        // Ten intervals of changes, and the write that they cause.
        let entries = written().unwrap_or(0);
        assert!(entries <= number + 1 && number <= entries + 11, "{number}: {entries}");
    }
    assert!(written().is_some());
}

#[tokio::test]
async fn a_second_map_is_refused_and_learns_the_holder_until_the_first_is_closed() {
    let (server, folder) = (MemoryServer::new(), tempfile::tempdir().unwrap());
    for store in [Store::in_memory(), Store::at(folder.path().join("flags.store"))] {
        let first = join(&server, &store).await;
        let joined = server.client().map("flags").store(store.clone()).join().await;
        let in_background = server.client().map("flags").store(store.clone()).join_in_background();
        for refused in [joined, in_background] {
            let error = refused.unwrap_err();
            let holder = format!("in use by process {}", std::process::id());
            assert!(error.to_string().ends_with(&holder), "{error}");
            let Error::Store { cause, .. } = error else { panic!("{error}") };
            assert!(matches!(*cause, StoreFault::InUse { .. }));
        }
        for _ in 0..20 {
            let again = first.clone();
            again.close().await;
            let next = join(&server, &store).await;
            next.close().await;
        }
        drop(first);
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_used_fails_no_join_and_the_status_says_why() {
    let (server, folder) = (MemoryServer::new(), tempfile::tempdir().unwrap());
    let path = folder.path().join("flags.store");
    std::fs::write(&path, "no store").unwrap();
    let flags = join(&server, &Store::at(&path)).await;
    let status = flags.status();
    assert!(
        matches!(status.store().unwrap().found, StoreFound::Ignored(StoreFault::Invalid { .. })),
        "{status:?}"
    );
    flags.set("a", "1").visible().await.unwrap();
    flags.close().await;
    assert_eq!(flags.status().store().unwrap().fault, None);
    assert!(matches!(
        join(&server, &Store::at(&path)).await.status().store().unwrap().found,
        StoreFound::Content { .. }
    ));

    let missing = folder.path().join("no such folder").join("flags.store");
    let flags = join(&server, &Store::at(missing)).await;
    assert!(matches!(flags.status().store().unwrap().found, StoreFound::Ignored(StoreFault::Failed { .. })));
    assert!(flags.status().to_string().contains(", not stored: store "), "{}", flags.status());
    flags.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_left_keys_out_is_shown_and_proves_nothing() {
    let server = MemoryServer::new();
    let store = Store::in_memory().skip(|key| key.starts_with(b"secret/"));
    let flags = join(&server, &store).await;
    for key in ["a", "b", "c", "secret/d"] {
        flags.set(key, "1").visible().await.unwrap();
    }
    tokio::time::advance(SECOND).await;
    flags.sync().await.unwrap();
    flags.close().await;
    assert_eq!(flags.status().store().unwrap().written.unwrap().left_out, 1);
    let flags = join_in_background(&server, &store);
    assert_eq!((flags.get("a").unwrap().as_bytes(), flags.get("secret/d")), (&b"1"[..], None));
    flags.sync().await.unwrap();
    assert_eq!(flags.status().restored(), &Restored::Replaced(Unproven::NoProof));
    assert_eq!(flags.get("secret/d").unwrap(), "1");
}

#[tokio::test(start_paused = true)]
async fn a_skip_that_panics_is_a_fault_of_the_store_alone() {
    let server = MemoryServer::new();
    let store = Store::in_memory().skip(|_| panic!("expected by this test"));
    let flags = join(&server, &store).await;
    flags.set("a", "1").visible().await.unwrap();
    flags.close().await;
    assert!(matches!(flags.status().store().unwrap().fault, Some(StoreFault::Panicked { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_kept_content_and_an_unconfirmed_one_are_not_stored_again() {
    let server = MemoryServer::new();
    let store = filled(&server).await;
    server.flush();
    let builder = server.client().map("flags").store(store.clone()).when_lost(WhenLost::Keep);
    let flags = builder.join_in_background().unwrap();
    flags.sync().await.unwrap_err();
    assert_eq!((flags.status().phase(), flags.len()), (Phase::Kept, 3));
    flags.close().await;
    assert_eq!(flags.status().store().unwrap().written, None);

    server.go_down();
    let flags = join_in_background(&server, &store);
    assert_eq!(flags.len(), 3);
    flags.close().await;
    assert_eq!(flags.status().store().unwrap().written, None);
}

#[tokio::test(start_paused = true)]
async fn a_file_from_the_future_is_shown_with_unknown_age() {
    use rmap_core::stored::{Encoder, Header};

    let (server, folder) = (MemoryServer::new(), tempfile::tempdir().unwrap());
    let path = folder.path().join("flags.store");
    let mut header = Header::new(rmap_client::proto::MapName::new("flags").unwrap(), u64::MAX);
    header.proven_at = Some(u64::MAX / 2);
    header.fields = 1;
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&header);
    file.extend(encoder.push(b"a", b"1").unwrap_or_default().iter().copied());
    file.extend(encoder.finish());
    std::fs::write(&path, file).unwrap();
    server.go_down();
    let flags = join_in_background(&server, &Store::at(path));
    assert_eq!(flags.get("a").unwrap(), "1");
    assert_eq!(flags.status().staleness(), None);
    assert!(flags.fresh(Duration::MAX).is_err());
    let health = flags.health(Duration::MAX);
    assert!(health.to_string().contains("from the store, of unknown age"), "{health}");
    let found = flags.status().store().unwrap().found.clone();
    assert!(matches!(found, StoreFound::Content { age: None, from_the_future: true, .. }), "{found}");
}

#[cfg(feature = "serde")]
#[tokio::test(start_paused = true)]
async fn a_typed_handle_shows_what_was_stored_at_once_and_emits_the_difference() {
    use rmap_client::typed::Json;

    let server = MemoryServer::new();
    let store = filled(&server).await;
    server.go_down();
    let map = rmap_client::proto::MapName::new("flags").unwrap();
    let start = || {
        let builder = server.client().map("flags").settings(large()).store(store.clone());
        builder.typed::<u32>(Json).accept(|_, number| *number != 2).join_in_background().unwrap()
    };
    let flags = start();
    assert_eq!((flags.get("a").as_deref(), flags.get("b"), flags.len()), (Some(&1), None, 2));
    assert!(flags.status().is_stored());
    let (mut changes, mut rejections) = (flags.changes(), flags.rejections());
    server.with_hash(&map, |authority, _| {
        authority.hset("a", "7");
        authority.hdel("c");
    });
    server.come_up();
    flags.sync().await.unwrap();
    assert_eq!((flags.get("a").as_deref(), flags.get("c"), flags.len()), (Some(&7), None, 1));
    let first = changes.next().await.unwrap();
    let second = changes.next().await.unwrap();
    let mut told = [(first.key, first.old, first.new), (second.key, second.old, second.new)];
    told.sort();
    let number = |number: u32| Some(std::sync::Arc::new(number));
    assert_eq!(told, [("a".to_owned(), number(1), number(7)), ("c".to_owned(), number(3), None)]);
    assert_eq!(rejections.next().await.unwrap().key().to_string(), "b");
    flags.close().await;
    assert!(rejections.next().await.is_none() && changes.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_join_with_a_store_that_keeps_succeeds_where_the_hash_is_lost() {
    let server = MemoryServer::new();
    let store = filled(&server).await;
    server.flush();
    let builder = server.client().map("flags").store(store).when_lost(WhenLost::Keep);
    let flags = builder.join().await.unwrap();
    assert_eq!((flags.status().phase(), flags.len()), (Phase::Kept, 3));
    assert!(flags.status().is_stored());
    flags.set("d", "4").visible().await.unwrap();
    assert_eq!((flags.status().phase(), flags.len(), flags.status().is_stored()), (Phase::Live, 1, false));
}

#[tokio::test(start_paused = true)]
async fn a_difference_is_loaded_against_the_server_and_not_against_what_was_stored() {
    let server = MemoryServer::new();
    let store = Store::in_memory().skip(|key| key == b"secret");
    let flags = join(&server, &store).await;
    for key in ["a", "secret"] {
        flags.set(key, "1").visible().await.unwrap();
    }
    flags.close().await;
    let client = server.client();
    let other = client.map("other").join().await.unwrap();
    let flags = client.map("flags").store(store).join_in_background().unwrap();
    assert!(flags.status().is_stored() && flags.get("secret").is_none());
    let loaded = flags.load_difference([("a", "1")]).await.unwrap();
    assert_eq!((loaded.set, loaded.deleted, loaded.unchanged), (0, 1, 1));
    assert_eq!(server.content("flags").unwrap().len(), 1);
    drop(other);
}

#[tokio::test(start_paused = true)]
async fn the_age_of_the_first_phase_counts_from_the_join() {
    let server = MemoryServer::new();
    server.go_down();
    let client = server.client();
    tokio::time::advance(SECOND * 60).await;
    let flags = client.map("flags").join_in_background().unwrap();
    assert!(flags.status().phase_age() < SECOND, "{}", flags.status());
    assert!(flags.stats().phase_age < SECOND);
}

#[tokio::test]
async fn a_folder_that_comes_later_is_used_then() {
    let (server, folder) = (MemoryServer::new(), tempfile::tempdir().unwrap());
    let mount = folder.path().join("mount");
    let store = Store::at(mount.join("flags.store"));
    let flags = join(&server, &store).await;
    assert!(flags.status().store().unwrap().fault.is_some());
    std::fs::create_dir(&mount).unwrap();
    flags.set("a", "1").visible().await.unwrap();
    flags.close().await;
    assert_eq!(flags.status().store().unwrap().fault, None);
    assert_eq!(
        join(&server, &store).await.status().store().unwrap().found.to_string().split(',').next(),
        Some("1 entries")
    );
}

#[tokio::test]
async fn the_store_is_free_when_the_end_of_the_map_is_known() {
    let (server, store) = (MemoryServer::new(), Store::in_memory());
    for round in 0..50 {
        let flags = join(&server, &store).await;
        flags.set("round", round.to_string()).visible().await.unwrap();
        let mut phases = flags.phase_changes();
        let closing = {
            let flags = flags.clone();
            tokio::spawn(async move { flags.close().await })
        };
        while phases.next().await.is_some_and(|status| status.phase() != Phase::Closed) {}
        let next = join(&server, &store).await;
        assert_eq!(next.get("round").unwrap(), round.to_string().as_str());
        next.close().await;
        closing.await.unwrap();
    }
}
