//! Cancelled waits.

use std::time::Duration;

use integration_tests::{Server, must_end};
use redis::cmd;
use rmap_client::kind::{self, Kind};
use rmap_client::{Error, Map, Outcome, Revision, Visible, Writing, Written};

use crate::proxy::Proxy;
use crate::support::{connect, join, live};
use crate::writes::{Visit, every_kind};

/// Polls until the write is committed. The write must not become visible meanwhile.
async fn committed(setting: &mut Visible<kind::Set>) -> Written {
    must_end(async {
        loop {
            let visible = tokio::time::timeout(Duration::from_millis(5), &mut *setting).await;
            assert!(visible.is_err(), "{visible:?}");
            if let Some(written) = setting.committed() {
                return written.clone();
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_set_and_wait_that_is_given_up_tells_what_it_committed() {
    let server = Server::start();
    let proxy = Proxy::new(&server).await;
    let map = must_end(connect(proxy.url()).await.map("flags").join()).await.unwrap();
    must_end(map.set_and_wait("a", "1")).await.unwrap();
    proxy.hold();
    let mut setting = map.set_and_wait("a", "2");
    assert!(setting.committed().is_none());
    let written = committed(&mut setting).await;
    drop(setting);

    assert_eq!((map.get("a").unwrap(), written.previous.unwrap()), ("1".into(), "1".into()));
    let revision: u64 =
        cmd("HGET").arg("map:flags:content").arg("=rev").query(&mut server.connection()).unwrap();
    assert_eq!(written.revision.get(), revision);
    proxy.open();
    must_end(map.wait_for(written.revision)).await.unwrap();
    assert_eq!(map.get("a").unwrap(), "2");
}

/// The proxy holds the notification back, and the wait is given up.
struct GivenUp(Proxy);

impl Visit for GivenUp {
    async fn visit<K: Kind>(
        &mut self,
        name: &'static str,
        map: &Map,
        write: Writing<K>,
        revision: fn(&K::Output) -> Option<Revision>,
    ) {
        let before = map.revision();
        self.0.hold();
        let mut write = write.visible();
        let committed = must_end(async {
            while write.committed().is_none() {
                let visible = tokio::time::timeout(Duration::from_millis(5), &mut write).await;
                assert!(visible.is_err(), "{name}: {visible:?}");
            }
            write.committed().and_then(revision)
        });
        let committed = committed.await;
        assert!(committed > before && map.revision() == before, "{name}: {committed:?}");
        drop(write);
        self.0.open();
        must_end(map.wait_for(committed)).await.unwrap();
    }
}

#[tokio::test]
async fn every_kind_of_write_whose_wait_is_given_up_tells_its_revision() {
    let server = Server::start();
    let proxy = Proxy::new(&server).await;
    let map = must_end(connect(proxy.url()).await.map("flags").join()).await.unwrap();
    every_kind(&map, &mut GivenUp(proxy)).await;
}

#[tokio::test]
async fn a_set_and_wait_cut_off_from_its_notification_still_ends() {
    let server = Server::start();
    let proxy = Proxy::new(&server).await;
    let map = must_end(connect(proxy.url()).await.map("flags").join()).await.unwrap();
    proxy.hold();
    let mut setting = map.set_and_wait("a", "1");
    committed(&mut setting).await;
    proxy.cut();
    assert!(tokio::time::timeout(Duration::from_millis(50), &mut setting).await.is_err());
    proxy.open();
    let written = must_end(&mut setting).await.unwrap();
    assert_eq!((setting.committed(), map.get("a").unwrap()), (Some(&written), "1".into()));
    live(&map).await;
}

#[tokio::test]
async fn a_map_closed_during_the_wait_still_tells_what_was_committed() {
    let server = Server::start();
    let proxy = Proxy::new(&server).await;
    let map = must_end(connect(proxy.url()).await.map("flags").join()).await.unwrap();
    proxy.hold();
    let mut setting = map.set_and_wait("a", "1");
    let written = committed(&mut setting).await;
    // The subscription is silent, so it cannot end in time. The map must close all the same.
    let (ended, ()) = must_end(async { tokio::join!(&mut setting, map.close()) }).await;
    let error = ended.unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Committed), "{error}");
    assert!(matches!(&error, Error::NotVisible { cause, .. } if matches!(**cause, Error::Closed { .. })));
    assert!(matches!(error, Error::NotVisible { revision, .. } if revision == written.revision));
    assert_eq!(setting.committed(), Some(&written));
}

#[tokio::test]
async fn a_set_and_wait_that_is_never_polled_writes_nothing() {
    let server = Server::start();
    let map = join(&server).await;
    drop(map.set_and_wait("a", "1"));
    must_end(map.sync()).await.unwrap();
    assert_eq!((map.len(), map.revision()), (0, None));
}

#[tokio::test]
async fn a_wait_given_up_disturbs_nobody() {
    let server = Server::start();
    let map = join(&server).await;
    let written = must_end(map.set_and_wait("a", "1")).await.unwrap();
    let next = written.revision.next().unwrap();
    assert!(tokio::time::timeout(Duration::ZERO, map.wait_for(next)).await.is_err());
    let (waited, set) = must_end(async { tokio::join!(map.wait_for(next), map.set("a", "2")) }).await;
    waited.unwrap();
    assert_eq!(set.unwrap().revision, next);
}
