//! Refusals that only a real server has.

use integration_tests::must_end;
use redis::{Connection, cmd};
use rmap_client::{Error, Outcome};

use rmap_testing::contract::every::{self, Named};
use rmap_testing::contract::{RedisBackend, World};

const KEY: &str = "map:flags:content";

/// A world on a real server, and a connection to the server.
async fn world() -> (World, Connection) {
    let backend = RedisBackend::start();
    let raw = backend.server().connection();
    (World::new(backend).await, raw)
}

fn dump(raw: &mut Connection) -> Vec<u8> {
    cmd("DUMP").arg(KEY).query(raw).unwrap()
}

fn make_it_text(raw: &mut Connection) {
    cmd("DEL").arg(KEY).exec(raw).unwrap();
    cmd("SET").arg(KEY).arg("text").exec(raw).unwrap();
}

/// Fails unless the server rejects each of the writes for want of memory.
async fn out_of_memory(world: &mut World, writes: Vec<Named<'_>>) {
    for (name, writing) in writes {
        let error = world.unchanged_by(writing).await.unwrap_err();
        let Error::Rejected { map, cause, .. } = &error else { panic!("{name}: {error}") };
        assert_eq!((map, error.outcome()), (world.name(), Some(Outcome::Rejected)), "{name}");
        assert!(cause.to_string().contains("OOM"), "{name}: {error}");
    }
}

#[tokio::test]
async fn a_key_of_another_type_is_refused() {
    let (mut world, mut raw) = world().await;
    let map = world.join_with(&[("k", "5")]).await;
    make_it_text(&mut raw);
    let before = dump(&mut raw);
    let expected = Error::WrongType { map: world.name().clone() };
    for (name, writing) in every::applied(&map).into_iter().chain(every::not_applied(&map)) {
        let error = must_end(writing).await.unwrap_err();
        assert_eq!((&error, error.outcome()), (&expected, Some(Outcome::Rejected)), "{name}");
    }
    let another = world.another_client().await;
    assert_eq!(must_end(another.map("flags").join()).await.unwrap_err(), expected);
    assert_eq!(dump(&mut raw), before);
    assert!(world.published().await.is_empty());
}

#[tokio::test]
async fn without_memory_only_what_frees_some_is_taken() {
    let (mut world, mut raw) = world().await;
    let map = world.join_with(&[("k", "5"), ("l", "6"), ("list", "a,b")]).await;
    cmd("CONFIG").arg(&["SET", "maxmemory", "1"]).exec(&mut raw).unwrap();
    out_of_memory(&mut world, every::valued(&map, b"k", b"absent", "7")).await;
    let more: Vec<Named<'_>> = vec![
        ("inc", Box::pin(async { map.inc("k", 1).await.map(drop) })),
        ("remove_values", Box::pin(async { map.remove_values("list", ["a"]).await.map(drop) })),
    ];
    out_of_memory(&mut world, more).await;

    assert_eq!(must_end(map.delete("k")).await.unwrap().revision.unwrap().get(), 7);
    assert!(must_end(map.test_and_delete("l", "6")).await.unwrap().applied);
    assert!(must_end(map.remove_values("list", ["a", "b"])).await.unwrap().applied);
    world.holds::<&str>(9, "del", &[]);
    assert_eq!(must_end(map.reset()).await.unwrap().revision.get(), 10);
    world.holds::<&str>(10, "reset", &[]);
}
