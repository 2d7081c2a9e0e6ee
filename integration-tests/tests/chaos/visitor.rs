//! Clients that come and go during a run.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fastrand::Rng;
use integration_tests::{Proxy, must_end};
use rmap_client::{Error, Outcome};

use crate::world::{client, settings, url};
use crate::writer::Desk;

/// Joins and leaves in every way, over and over.
pub(crate) async fn run(proxy: Arc<Proxy>, desk: Arc<Desk>, mut random: Rng) {
    while !desk.is_done() {
        let stay = Duration::from_millis(random.u64(..500));
        match must_end(visit(&proxy, stay, random.bool())).await {
            Ok(()) => desk.visits.fetch_add(1, Ordering::Relaxed),
            Err(error) => {
                let known = error.outcome() == Some(Outcome::Rejected)
                    || error.outcome() == Some(Outcome::Indeterminate)
                    || matches!(
                        error,
                        Error::Connect { .. }
                            | Error::NotJoined { .. }
                            | Error::MissingRights { .. }
                            | Error::JoinTimeout { .. }
                            | Error::SyncTimeout { .. }
                    );
                assert!(known, "a visit ends with {error}");
                desk.visits_refused.fetch_add(1, Ordering::Relaxed)
            }
        };
        tokio::time::sleep(Duration::from_millis(random.u64(..200))).await;
    }
}

async fn visit(proxy: &Proxy, stay: Duration, in_peace: bool) -> Result<(), Error> {
    let settings = settings().join_timeout(Duration::from_secs(3)).sync_timeout(Duration::from_secs(3));
    let client = client().maps(settings).connect(url(proxy)).await?;
    // The same map twice, on the same connections.
    let map = client.map("chaos").join().await?;
    let other = client.map("chaos").join().await?;
    let _unread = map.changes();
    tokio::time::sleep(stay).await;
    drop(other);
    if in_peace {
        map.sync().await?;
        client.close().await;
    }
    Ok(())
}
