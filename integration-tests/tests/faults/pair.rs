//! A master and the server that takes over from it.

use integration_tests::{Builder, Server, eventually_async};
use redis::{Connection, cmd};
use rmap_client::Map;

use crate::support::{HASH, committed, run};

/// Two servers, of which the second replicates from the first.
pub(crate) struct Pair {
    pub(crate) old: Server,
    pub(crate) new: Server,
    pub(crate) at_old: Connection,
    pub(crate) at_new: Connection,
}

fn says(raw: &mut Connection, line: &str) -> bool {
    let text: String = cmd("INFO").arg("replication").query(raw).unwrap();
    text.lines().any(|found| found == line)
}

/// Makes a server the replica of another.
pub(crate) async fn follow(raw: &mut Connection, master: &Server) {
    run(raw, &["REPLICAOF", "127.0.0.1", &master.port().to_string()]);
    eventually_async("the replica follows", || says(raw, "master_link_status:up")).await;
}

impl Pair {
    /// A master, and a replica that will be the next master.
    pub(crate) async fn new() -> Self {
        Self::with(Server::builder()).await
    }

    /// The same, with settings of the master.
    pub(crate) async fn with(master: Builder) -> Self {
        let start = |server: Builder| server.arg("--repl-diskless-sync-delay").arg("0").start();
        let (old, new) = (start(master), start(Server::builder()));
        let (at_old, mut at_new) = (old.connection(), new.connection());
        follow(&mut at_new, &old).await;
        Self { old, new, at_old, at_new }
    }

    /// Promotes the replica to master, with the content that it has so far.
    pub(crate) async fn promote(&mut self, map: &Map) {
        let written = committed(map, "replicated").await.get();
        let revision = |raw: &mut Connection| cmd("HGET").arg(HASH).arg("=rev").query::<u64>(raw);
        eventually_async("the replica has it", || revision(&mut self.at_new) == Ok(written)).await;
        run(&mut self.at_new, &["REPLICAOF", "NO", "ONE"]);
    }
}
