//! Typed content against the untyped map, through everything that can happen to a server and a network.

#[path = "support/disturb.rs"]
mod disturb;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fastrand::Rng;
use rmap_client::typed::{
    Codec, CodecError, Rejections, TypedChange, TypedChanges, TypedPrefixChanges, TypedView, TypedWatch,
};
use rmap_client::{
    Change, Changes, Client, Error, Events, Key, Map, MapSettings, MemoryServer, Phase, StatusChanges,
    TypedMap, View, WhenLost,
};

use disturb::disturb;

type Content = BTreeMap<String, u32>;

const KEYS: u8 = 6;

/// Common prefix of some keys.
const PREFIX: &str = "key ";

/// Numbers as text; what is no number is bad, and so is a number that ends with 3.
#[derive(Debug)]
struct Numbers;

impl Codec<u32> for Numbers {
    fn encode(&self, value: &u32) -> Result<Vec<u8>, CodecError> {
        Ok(value.to_string().into_bytes())
    }

    fn decode(&self, bytes: &[u8]) -> Result<u32, CodecError> {
        Ok(std::str::from_utf8(bytes)?.parse()?)
    }
}

fn is_accepted(value: u32) -> bool {
    value % 10 != 3
}

fn decoded(bytes: &[u8]) -> Option<u32> {
    Numbers.decode(bytes).ok().filter(|value| is_accepted(*value))
}

/// The expected typed content, from the view and the changes of the untyped map.
#[derive(Debug, Default, PartialEq)]
struct Expected {
    good: Content,
    rejected: BTreeSet<String>,
}

impl Expected {
    fn of(view: &View) -> Self {
        let mut expected = Self::default();
        view.iter().for_each(|(key, value)| expected.take(&Key::from(key), Some(value)));
        expected
    }

    fn take(&mut self, key: &Key, value: Option<&[u8]>) {
        let key = key.to_string();
        self.rejected.remove(&key);
        match value.map(decoded) {
            None => drop(self.good.remove(&key)),
            Some(Some(value)) => drop(self.good.insert(key, value)),
            Some(None) => drop(self.rejected.insert(key)),
        }
    }

    fn shown(view: &TypedView<String, u32>) -> Self {
        let rejected: BTreeSet<_> = view.all_rejected().map(|rejected| rejected.key().to_string()).collect();
        for entry in view.iter() {
            assert_eq!(entry.rejected.is_some(), rejected.contains(&entry.key), "{}", entry.key);
        }
        Self { good: content(view), rejected }
    }
}

fn content(view: &TypedView<String, u32>) -> Content {
    view.iter().map(|entry| (entry.key, **entry.value)).collect()
}

fn apply(content: &mut Content, change: TypedChange<String, u32>) {
    assert_eq!(
        content.get(&change.key),
        change.old.as_deref(),
        "the old value of {} is the one before",
        change.key
    );
    match change.new {
        Some(value) => content.insert(change.key, *value),
        None => content.remove(&change.key),
    };
}

/// A typed handle, the changes of both kinds of handle, and what they amount to.
struct Follower {
    map: TypedMap<String, u32>,
    changes: Changes,
    expected: Expected,
    typed_changes: TypedChanges<String, u32>,
    folded: Content,
    rejections: Rejections,
    watch: TypedWatch<u32>,
    prefix: TypedPrefixChanges<String, u32>,
    part: Content,
    events: Events,
    /// The content of the map after the last event.
    read: Content,
    statuses: StatusChanges,
    was_kept: bool,
}

impl Follower {
    async fn join(client: &Client, unread: usize, when_lost: WhenLost) -> Self {
        let settings = MapSettings::default().unread_changes(unread, 1 << 20).when_lost(when_lost);
        let map = client.map("flags").settings(settings).join().await.expect("the server is up");
        let (view, changes) = map.view_and_changes().await;
        let map = map.typed::<u32>(Numbers).accept(|_, value| is_accepted(*value)).await;
        let map = map.expect("the map is open");
        let (typed_view, typed_changes) = map.view_and_changes();
        let folded = content(&typed_view);
        let (rejections, watch) = (map.rejections(), map.watch("key 0"));
        Self {
            changes,
            expected: Expected::of(&view),
            typed_changes,
            read: folded.clone(),
            folded,
            rejections,
            watch,
            prefix: map.watch_prefix(PREFIX),
            part: Content::new(),
            events: map.subscribe(),
            statuses: map.status_changes(),
            was_kept: false,
            map,
        }
    }

    fn take_part(&mut self, change: TypedChange<String, u32>) {
        assert!(change.key.starts_with(PREFIX), "{}", change.key);
        apply(&mut self.part, change);
    }

    fn take(&mut self, change: &Change) {
        self.expected.take(&change.key, change.new.as_deref());
    }

    async fn read_some(&mut self, count: usize) {
        let wait = Duration::from_millis(1);
        for _ in 0..count {
            if let Ok(Some(change)) = tokio::time::timeout(wait, self.changes.next()).await {
                self.take(&change);
            }
            if let Ok(Some(change)) = tokio::time::timeout(wait, self.typed_changes.next()).await {
                apply(&mut self.folded, change);
            }
            if let Ok(Some(value)) = tokio::time::timeout(wait, self.watch.next()).await {
                assert_eq!(value, self.map.get("key 0"), "nobody writes meanwhile");
            }
            if let Ok(Some(change)) = tokio::time::timeout(wait, self.prefix.next()).await {
                self.take_part(change);
            }
            if let Ok(Some(_)) = tokio::time::timeout(wait, self.events.next()).await {
                self.read = content(&self.map.view());
            }
        }
    }

    /// Every view is of one moment: a pair that is always written together is never seen apart.
    ///
    /// Where changes are folded, one of them may have lost a good value in between that the other has seen.
    fn look(&mut self, all: bool) {
        self.was_kept |= self.map.status().phase() == Phase::Kept;
        let view = self.map.view();
        let rejected = view.rejected("x").is_some();
        assert_eq!(rejected, view.rejected("y").is_some(), "at {:?}", view.revision());
        if all || !rejected {
            assert_eq!(view.get("x"), view.get("y"), "at {:?}", view.revision());
        }
    }

    async fn write(&self, rng: &mut Rng) {
        let key = format!("key {}", rng.u8(..KEYS));
        let value = rng.u32(..20);
        let map: &Map = self.map.untyped();
        // Faults make writes fail; what they changed is compared at the end.
        let _ = match rng.u8(..12) {
            0..3 => return self.set_and_see(&key, value).await,
            10 => return self.update(&key).await,
            11 => self.map.set_many([("x", &value), ("y", &value)]).await.map(drop),
            3 | 4 => map.set(&key, format!("bad {value}")).await.map(drop),
            5 => self.map.delete(&key).await.map(drop),
            6 => self.map.test_and_set(&key, &value, &rng.u32(..20)).await.map(drop),
            7 | 8 => self.map.batch().set("x", &value).set("y", &value).commit().await.map(drop),
            _ if rng.u8(..20) == 0 => map.reset().await.map(drop),
            _ => map.set_if_not_exists(&key, value.to_string()).await.map(drop),
        };
    }

    /// Nobody else writes meanwhile, so what is visible is in the typed content.
    async fn set_and_see(&self, key: &str, value: u32) {
        let visible = self.map.set(key, &value).visible();
        if tokio::time::timeout(Duration::from_secs(1), visible).await.is_ok_and(|visible| visible.is_ok()) {
            let view = self.map.view();
            assert_eq!(view.rejected(key).is_none(), is_accepted(value), "{key} {value}");
            assert!(
                !is_accepted(value) || view.get(key).is_some_and(|shown| **shown == value),
                "{key} {value}"
            );
        }
    }

    /// Nobody else writes meanwhile, so the update shows what it has made of the value.
    async fn update(&self, key: &str) {
        let before = self.map.get(key);
        let updating = self.map.update(key, |old| Some(old.map_or(0, |old| (old + 1) % 20))).visible();
        if let Ok(Ok(updated)) = tokio::time::timeout(Duration::from_secs(1), updating).await {
            let value = decoded(updated.value.as_ref().expect("it was set"));
            let shown = self.map.get(key);
            assert!(
                value.is_none_or(|value| shown.as_deref() == Some(&value)),
                "{key}: {shown:?} after {before:?}"
            );
        }
    }

    /// Waits for a proof; a content that is kept follows the server first.
    async fn sync(&self) {
        while let Err(error) = self.map.sync().await {
            assert!(matches!(error, Error::Kept { .. }), "{error}");
            self.map.follow().await.expect("the map is open");
        }
    }

    /// Compares everything once nothing happens any more. `all`: no changes were folded, so both have seen the same good ones.
    async fn compare(&mut self, all: bool) {
        self.sync().await;
        let (bytes, view) = (self.map.untyped().view(), self.map.view());
        assert_eq!(view.revision(), bytes.revision());
        for (key, value) in &bytes {
            let (key, present) = (key.as_str().expect("only text is written"), decoded(value));
            assert_eq!(view.rejected(key).is_some(), present.is_none(), "{key}");
            assert!(present.is_none() || view.get(key).map(|value| **value) == present, "{key}");
        }
        assert_eq!(view.all_rejected().count(), self.map.status().rejected());
        let waited = self.map.wait_until(|now| now.revision() == view.revision()).await;
        assert_eq!(content(&waited.expect("the map is open")), content(&view));
        assert!(view.iter().all(|entry| bytes.contains(&entry.key) && is_accepted(**entry.value)));
        self.map.close().await;
        while let Some(change) = self.changes.next().await {
            self.take(&change);
        }
        while let Some(change) = self.typed_changes.next().await {
            apply(&mut self.folded, change);
        }
        let shown = Expected::shown(&self.map.view());
        assert_eq!(self.folded, shown.good, "the changes lead to the content");
        assert_eq!(self.expected.rejected, shown.rejected);
        if all {
            assert_eq!(self.expected, shown, "the last good values are those of the untyped changes");
        }
        self.compare_rest(&shown).await;
    }

    /// Compares the streams of a closed map with what it shows.
    async fn compare_rest(&mut self, shown: &Expected) {
        let mut watched = self.watch.borrow_and_update();
        while let Some(value) = self.watch.next().await {
            watched = value;
        }
        assert_eq!(watched.as_deref(), shown.good.get("key 0"));
        let mut emitted = BTreeSet::new();
        while let Some(rejected) = self.rejections.next().await {
            emitted.insert(rejected.key().to_string());
        }
        assert!(emitted.is_superset(&shown.rejected));
        while let Some(change) = self.prefix.next().await {
            self.take_part(change);
        }
        let part = shown.good.iter().filter(|(key, _)| key.starts_with(PREFIX));
        assert_eq!(self.part, part.map(|(key, value)| (key.clone(), *value)).collect(), "under the prefix");
        while self.events.next().await.is_some() {
            self.read = content(&self.map.view());
        }
        assert_eq!(self.read, shown.good, "an event follows the last change");
        let mut last = None;
        while let Some(status) = self.statuses.next().await {
            last = Some(status);
        }
        let last = last.expect("a status says that the map is closed");
        assert_eq!((last.phase(), last.rejected()), (Phase::Closed, shown.rejected.len()));
        assert_eq!(last.revision(), self.map.revision());
    }
}

/// A server that is there loses the hash, and nobody writes until each map has noticed.
async fn lose_hash(server: &MemoryServer, rng: &mut Rng) {
    server.come_up();
    server.release_messages();
    if rng.bool() {
        server.flush()
    } else {
        server.restart()
    }
    tokio::time::sleep(Duration::from_secs(7)).await;
}

/// `unread`: how many changes may wait before they are folded.
async fn play(unread: usize, name: &str) {
    let seed = std::env::var("RMAP_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("replay: RMAP_SEED={seed} cargo test -p rmap-client --test typed_faults {name}");
    let mut rng = Rng::with_seed(seed);
    let all = unread > 1000;
    let mut kept = 0;
    for _ in 0..20 {
        let server = MemoryServer::new();
        let shared = server.client();
        let clients = [shared.clone(), shared, server.client()];
        let mut followers = Vec::new();
        for client in &clients {
            let when_lost = if rng.bool() { WhenLost::Keep } else { WhenLost::Follow };
            followers.push(Follower::join(client, unread, when_lost).await);
        }
        for _ in 0..300 {
            let index = rng.usize(..followers.len());
            followers[index].write(&mut rng).await;
            match rng.u8(..120) {
                0 => lose_hash(&server, &mut rng).await,
                1..12 => disturb(&server, &mut rng).await,
                _ => {}
            }
            followers.iter_mut().for_each(|follower| follower.look(all));
            if rng.u8(..5) == 0 {
                followers[index].read_some(rng.usize(..20)).await;
            }
        }
        server.come_up();
        server.release_messages();
        server.lose_messages(0);
        for follower in &mut followers {
            follower.compare(all).await;
        }
        kept += followers.iter().filter(|follower| follower.was_kept).count();
    }
    println!("{kept} maps have kept a content");
    assert!(kept > 0, "no map has kept a content that the server had lost");
}

#[tokio::test(start_paused = true)]
async fn typed_content_agrees_with_the_untyped_map_through_faults() {
    play(4096, "typed_content_agrees").await;
}

#[tokio::test(start_paused = true)]
async fn typed_content_agrees_where_changes_are_folded() {
    play(3, "where_changes_are_folded").await;
}
