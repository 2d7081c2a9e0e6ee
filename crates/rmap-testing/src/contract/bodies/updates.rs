//! `update`, `set_many` and `load_difference`.

use crate::must_end;
use rmap_client::{Error, Key, Map, MapSettings, Update, Value};

use crate::contract::world::World;

fn value(text: &str) -> Option<Value> {
    Some(text.into())
}

/// One more than the number that is there.
fn one_more(old: Option<&Value>) -> Option<String> {
    let number: u64 = old.map_or(0, |old| old.as_str().unwrap().parse().unwrap());
    Some((number + 1).to_string())
}

pub(crate) async fn an_update_sets_what_is_made_of_the_old_value(mut world: World) {
    let map = world.join_with(&[("a", "1")]).await;
    let updated = must_end(map.update("a", one_more).visible()).await.unwrap();
    assert!(updated.applied && updated.tries == 1);
    assert_eq!((updated.previous, updated.value, map.get("a")), (value("1"), value("2"), value("2")));
    let made = must_end(map.update("b", one_more)).await.unwrap();
    assert_eq!((made.previous, made.value, made.revision.unwrap().get()), (None, value("1"), 8));
    world.holds(8, "set", &[("a", "2"), ("b", "1")]);
}

pub(crate) async fn an_update_that_keeps_the_value_sends_nothing(mut world: World) {
    let map = world.join_with(&[("a", "1")]).await;
    let kept = world.unchanged_by(map.update("a", |_| None::<Vec<u8>>)).await.unwrap();
    assert_eq!((kept.applied, kept.tries, kept.value, kept.revision), (false, 0, value("1"), None));
    let deleted = world.unchanged_by(map.update("b", |_| Update::<String>::Delete).visible()).await.unwrap();
    assert_eq!((deleted.applied, deleted.previous), (false, None));
}

pub(crate) async fn an_update_goes_on_with_what_the_server_holds(mut world: World) {
    let map = world.join_with(&[("a", "1"), ("b", "1")]).await;
    // Past the map: the local copy does not know.
    world.plant("a", "7");
    let mut seen = Vec::new();
    let updated = must_end(map.update("a", |old| {
        seen.push(old.cloned());
        one_more(old)
    }))
    .await
    .unwrap();
    assert_eq!((updated.tries, updated.previous, updated.value), (2, value("7"), value("8")));
    assert_eq!(seen, [value("1"), value("7")]);
    world.remove("b");
    let updated = must_end(map.update("b", one_more)).await.unwrap();
    assert_eq!((updated.tries, updated.previous, updated.value), (2, None, value("1")));
    world.plant("c", "5");
    let unless = |old: Option<&Value>| if old.is_some() { Update::Keep } else { Update::Set("x") };
    let kept = must_end(map.update("c", unless)).await.unwrap();
    assert_eq!((kept.applied, kept.tries, kept.value), (false, 1, value("5")));
    assert_eq!(kept.revision.unwrap().get(), 8, "the revision of the server's decision");
    world.holds(8, "set", &[("a", "8"), ("b", "1"), ("c", "5")]);
}

pub(crate) async fn an_update_deletes(mut world: World) {
    let map = world.join_with(&[("a", "1"), ("b", "2")]).await;
    let deleted = must_end(map.update("a", |_| Update::<String>::Delete).visible()).await.unwrap();
    assert_eq!((deleted.applied, deleted.previous, deleted.value), (true, value("1"), None));
    assert_eq!(map.get("a"), None);
    world.holds(7, "del", &[("b", "2")]);
}

pub(crate) async fn an_update_is_given_up_after_16_tries(mut world: World) {
    let map = world.join_with(&[("a", "0")]).await;
    let mut tries = 0;
    let error = must_end(map.update("a", |_| {
        tries += 1;
        world.plant("a", format!("other {tries}"));
        Some("mine")
    }))
    .await
    .unwrap_err();
    let key = Key::new("a").unwrap();
    assert_eq!(error, Error::Contended { map: world.name().clone(), key: Some(key), tries: 16 });
    assert_eq!((tries, error.outcome()), (16, Some(rmap_client::Outcome::NotApplied)));
    world.holds(6, "set", &[("a", "other 16")]);
}

pub(crate) async fn updates_at_once_lose_nothing(mut world: World) {
    let own = world.join_with(&[("n", "0")]).await;
    let other = must_end(world.another_client().await.map("flags").join()).await.unwrap();
    let updating = |map: Map| {
        tokio::spawn(async move {
            let mut done = 0;
            while done < 25 {
                match map.update("n", one_more).await {
                    Ok(_) => done += 1,
                    // With bad luck; nothing has changed then.
                    Err(Error::Contended { tries: 16, .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        })
    };
    let tasks: Vec<_> = (0..8).map(|number| updating([&own, &other][number % 2].clone())).collect();
    for task in tasks {
        must_end(task).await.unwrap();
    }
    world.holds(206, "set", &[("n", "200")]);
}

pub(crate) async fn bad_input_of_an_update_is_refused(mut world: World) {
    let map = must_end(world.map().settings(MapSettings::default().value_bytes(3)).join()).await.unwrap();
    for error in [
        must_end(map.update("", |_| Some("x"))).await.unwrap_err(),
        must_end(map.update("a=", |_| Some("x"))).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::InvalidKey { .. }), "{error}");
    }
    let error = world.unchanged_by(map.update("a", |_| Some("long")).visible()).await.unwrap_err();
    assert!(matches!(error, Error::ValueTooLong { length: 4, limit: 3, .. }), "{error}");
    must_end(map.close()).await;
    assert_eq!(
        must_end(map.update("a", |_| Some("x"))).await,
        Err(Error::Closed { map: world.name().clone() })
    );
}

async fn join_in_parts(world: &World, settings: MapSettings) -> Map {
    must_end(world.map().settings(settings).join()).await.unwrap()
}

pub(crate) async fn many_are_set_at_once_where_they_fit(mut world: World) {
    let map = world.join_with(&[("a", "1")]).await;
    let done = must_end(map.set_many([("b", "1"), ("a", "2"), ("b", "3")])).await.unwrap();
    assert_eq!((done.set, done.batches, done.revision.unwrap().get()), (2, 1, 8));
    world.holds(8, "set", &[("a", "2"), ("b", "3")]);
    let nothing = must_end(map.set_many(Vec::<(String, String)>::new())).await.unwrap();
    assert_eq!((nothing.set, nothing.batches, nothing.revision), (0, 0, None));
    // What is wrong with the last entry is found before the first is sent.
    let _ = world.published().await;
    let error = world.unchanged_by(map.set_many([("c", "1"), ("=", "1")])).await.unwrap_err();
    assert!(matches!(error, Error::InvalidKey { .. }), "{error}");
}

pub(crate) async fn many_are_set_in_the_order_of_keys_where_they_do_not_fit(mut world: World) {
    world.begin(None);
    let map = join_in_parts(&world, MapSettings::default().batch_steps(2).batch_bytes(100)).await;
    let large = "x".repeat(200);
    let entries = [("e", "5"), ("d", &*large), ("c", "3"), ("b", "2"), ("a", "1")];
    let done = must_end(map.set_many(entries)).await.unwrap();
    // a and b, c, the large value alone, e.
    assert_eq!((done.set, done.batches), (5, 4));
    let mut expected: Vec<_> = entries.to_vec();
    expected.push(("k", "5"));
    world.holds(11, "set", &expected);
}

/// The second batch would need a revision beyond the last.
pub(crate) async fn an_error_says_how_many_were_done(mut world: World) {
    world.begin(None);
    world.plant("=rev", "99999999999996");
    let map = join_in_parts(&world, MapSettings::default().batch_steps(2)).await;
    let entries = [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4"), ("e", "5")];
    let error = must_end(map.set_many(entries)).await.unwrap_err();
    let cause = Box::new(Error::RevisionsExhausted { map: world.name().clone() });
    assert_eq!(error, Error::PartlyDone { done: 2, total: 5, cause: cause.clone() });
    world.holds(99_999_999_999_998, "set", &[("a", "1"), ("b", "2"), ("k", "5")]);
    let _ = world.published().await;
    // Nothing was done before: the error is that of the first batch.
    assert_eq!(world.unchanged_by(map.set_many(entries)).await, Err((*cause).clone()));

    world.delete_hash();
    world.plant("=rev", "99999999999996");
    must_end(map.sync()).await.unwrap();
    let error = must_end(map.load_difference(entries)).await.unwrap_err();
    assert_eq!(error, Error::PartlyDone { done: 2, total: 5, cause });
    world.holds(99_999_999_999_998, "set", &[("a", "1"), ("b", "2")]);
}

pub(crate) async fn a_load_writes_the_difference_alone(mut world: World) {
    let map = world.join_with(&[("same", "1"), ("old", "2"), ("other", "3")]).await;
    let entries = [("same", "1"), ("other", "4"), ("new", "5")];
    let loaded = must_end(map.load_difference(entries)).await.unwrap();
    assert_eq!((loaded.set, loaded.deleted, loaded.unchanged), (2, 1, 1));
    assert_eq!(loaded.revision.unwrap().get(), 9);
    world.holds(9, "set", &entries);
    must_end(map.wait_for(loaded.revision)).await.unwrap();
    let _ = world.published().await;
    let again = world.unchanged_by(map.load_difference(entries)).await.unwrap();
    assert_eq!((again.set, again.deleted, again.unchanged), (0, 0, 3));
    assert_eq!(again.revision, loaded.revision);
    let cleared = must_end(map.load_difference(Vec::<(String, String)>::new())).await.unwrap();
    assert_eq!((cleared.set, cleared.deleted, cleared.unchanged), (0, 3, 0));
    assert_eq!(world.hash().len(), 2, "what is left is reserved");
}

pub(crate) async fn a_load_is_not_deceived_by_a_copy_that_is_behind(mut world: World) {
    let map = world.join_with(&[("a", "1"), ("b", "1")]).await;
    // Another wrote, and nothing of it has come here.
    for (field, value) in [("=rev", "9"), ("a", "2"), ("c", "3")] {
        world.plant(field, value);
    }
    let loaded = must_end(map.load_difference([("a", "1"), ("b", "1")])).await.unwrap();
    assert_eq!((loaded.set, loaded.deleted, loaded.unchanged), (1, 1, 1));
    let revision = loaded.revision.unwrap().get();
    world.holds(revision, "del", &[("a", "1"), ("b", "1")]);
    assert_eq!(revision, 11);
}

pub(crate) async fn a_load_into_no_hash_and_in_parts(mut world: World) {
    let map = join_in_parts(&world, MapSettings::default().batch_steps(2).batch_bytes(100)).await;
    let large = "x".repeat(200);
    let entries = [("a", &*large), ("b", "2"), ("c", &*large), ("d", "4"), ("e", "5"), ("f", "6")];
    let loaded = must_end(map.load_difference(entries)).await.unwrap();
    assert_eq!((loaded.set, loaded.deleted, loaded.unchanged), (6, 0, 0));
    world.holds(loaded.revision.unwrap().get(), "set", &entries);
    let loaded = must_end(map.load_difference([("a", "1"), ("c", &*large)])).await.unwrap();
    assert_eq!((loaded.set, loaded.deleted, loaded.unchanged), (1, 4, 1));
    world.holds(loaded.revision.unwrap().get(), "del", &[("a", "1"), ("c", &*large)]);
}
