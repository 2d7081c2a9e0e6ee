//! Servers that refuse writes for a while.

use std::thread;

use integration_tests::{Server, eventually_async, must_end};
use redis::{Connection, cmd};

use crate::support::{Cast, FREEING, WRITES, refused, refused_under, write};

/// Checks that every write is refused with this code, and that nothing changes.
async fn all_are_refused(cast: &mut Cast, code: &str) {
    let before = cast.stored();
    for name in WRITES {
        assert_eq!(refused(write(&cast.writer, name).await), code, "{name}");
    }
    assert_eq!(cast.stored(), before);
}

fn info(raw: &mut Connection, line: &str) -> bool {
    let text: String = cmd("INFO").query(raw).unwrap();
    text.lines().any(|found| found == line)
}

#[tokio::test]
async fn without_memory_only_what_frees_some_is_done() {
    let mut cast = Cast::new().await;
    for name in WRITES {
        cast.run(&["CONFIG", "SET", "maxmemory", "0"]);
        cast.prepare().await;
        cast.run(&["CONFIG", "SET", "maxmemory", "1"]);
        let before = cast.stored();
        if FREEING.contains(&name) {
            assert!(write(&cast.writer, name).await.unwrap(), "{name}");
        } else {
            assert_eq!(refused(write(&cast.writer, name).await), "OOM", "{name}");
            assert_eq!(cast.stored(), before, "{name}");
        }
        // Reads of the server still work.
        must_end(cast.writer.sync()).await.unwrap();
    }
    cast.run(&["CONFIG", "SET", "maxmemory", "0"]);
    cast.agree().await;
}

#[tokio::test]
async fn without_enough_replicas_nothing_is_done() {
    let mut cast = Cast::new().await;
    cast.run(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    all_are_refused(&mut cast, "NOREPLICAS").await;
    cast.run(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
    cast.agree().await;
}

#[tokio::test]
async fn while_the_server_cannot_save_nothing_is_done() {
    let server = Server::builder().arg("--enable-protected-configs").arg("yes");
    let mut cast = Cast::with(server, |client| client).await;
    let folder: Vec<String> = cmd("CONFIG").arg("GET").arg("dir").query(&mut cast.raw).unwrap();
    // No user can create a file in this directory.
    cast.run(&["CONFIG", "SET", "dir", "/proc", "save", "3600 1000000"]);
    cast.run(&["BGSAVE"]);
    eventually_async("a save fails", || info(&mut cast.raw, "rdb_last_bgsave_status:err")).await;
    all_are_refused(&mut cast, "MISCONF").await;
    cast.run(&["CONFIG", "SET", "dir", &folder[1], "save", ""]);
    cast.agree().await;
}

#[tokio::test]
async fn while_a_script_runs_nothing_is_done() {
    let mut cast = Cast::new().await;
    cast.run(&["CONFIG", "SET", "busy-reply-threshold", "1"]);
    let begin = async |cast: &mut Cast| {
        let mut busy = cast.server.connection();
        thread::spawn(move || cmd("EVAL").arg("while true do end").arg(0).query::<()>(&mut busy));
        let is_busy = |raw: &mut Connection| cmd("PING").query::<String>(raw).is_err();
        eventually_async("the server is busy", || is_busy(&mut cast.raw)).await;
    };
    let end = async |cast: &mut Cast| {
        cast.run(&["SCRIPT", "KILL"]);
    };
    let unknown = refused_under(&mut cast, "BUSY", begin, end).await;
    let n: i64 = cast.stored()["n"].parse().unwrap();
    assert!((1..=1 + unknown).contains(&n), "{n}, {unknown} unknown");
}

#[tokio::test]
async fn scripts_that_are_forgotten_are_sent_again() {
    let mut cast = Cast::new().await;
    for name in WRITES {
        cast.prepare().await;
        let before = cast.revision();
        cast.run(&["SCRIPT", "FLUSH"]);
        assert!(write(&cast.writer, name).await.unwrap(), "{name}");
        assert_eq!(cast.revision(), before + 1, "{name}");
    }
    cast.agree().await;
}
