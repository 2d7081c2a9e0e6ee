//! Every kind of write, each as a value of its own type.

use rmap_client::kind::Kind;
use rmap_client::{Map, Revision, Writing};

/// The action of a test on each kind of write.
pub(crate) trait Visit {
    /// `revision` reads the write's revision from its output.
    async fn visit<K: Kind>(
        &mut self,
        name: &'static str,
        map: &Map,
        write: Writing<K>,
        revision: fn(&K::Output) -> Option<Revision>,
    );
}

/// Content that every write changes.
async fn prepare(map: &Map) {
    map.reset().visible().await.unwrap();
    let batch = map.batch().set("k", "v").set("n", "1").append_values("l", ["x"]);
    batch.commit().visible().await.unwrap();
}

macro_rules! visit {
    ($visitor:ident, $map:ident, $($name:literal: $write:expr, |$output:ident| $revision:expr;)+) => {
        $(
            prepare($map).await;
            $visitor.visit($name, $map, $write, |$output| $revision).await;
        )+
    };
}

pub(crate) async fn every_kind(map: &Map, visitor: &mut impl Visit) {
    visit! {
        visitor, map,
        "set": map.set("k", "w"), |written| Some(written.revision);
        "set_if_not_exists": map.set_if_not_exists("new", "w"), |attempt| attempt.revision;
        "test_and_set": map.test_and_set("k", "v", "w"), |attempt| attempt.revision;
        "delete": map.delete("k"), |attempt| attempt.revision;
        "test_and_delete": map.test_and_delete("k", "v"), |attempt| attempt.revision;
        "inc": map.inc("n", 2), |incremented| Some(incremented.revision);
        "append_values": map.append_values("l", ["x"]), |appended| appended.revision;
        "append_unique_values": map.append_unique_values("l", ["y"]), |appended| appended.revision;
        "remove_values": map.remove_values("l", ["x"]), |removed| removed.revision;
        "reset": map.reset(), |cleared| Some(cleared.revision);
        "destroy": map.destroy(), |cleared| Some(cleared.revision);
        "test_and_reset": map.test_and_reset([("k", "v")]), |attempt| attempt.revision;
        "batch": map.batch().set("k", "w").inc("n", 2).delete("l").commit(), |done| done.revision;
        "batch of answers": map.batch().inc("n", 2).append_values("l", ["y"]).commit(), |done| done.revision;
        "batch that writes a key twice":
            map.batch().set("k", "w").append_values("other", ["y"]).delete("k").commit(), |done| done.revision;
    }
}
