//! `RMAP_LOG`.

use rmap_testing::Server;

use crate::support::{binary, binary_for, run, words};

#[test]
fn nothing_is_logged_unless_it_is_asked_for() {
    let server = Server::start();
    words(&server, "set colors sky blue").done();
    run(binary_for(&server).args(["status", "colors"]).env("RMAP_LOG", "off")).done();
}

#[test]
fn phases_are_logged_and_the_words_of_fred_are_not() {
    let server = Server::start();
    words(&server, "set colors sky hunter2").done();
    for level in ["info", "INFO", "debug", "trace"] {
        let run = run(binary_for(&server).args(["status", "colors"]).env("RMAP_LOG", level));
        assert_eq!(run.code, 0, "{}", run.err);
        let address = format!("address=127.0.0.1:{}", server.port());
        for line in [
            format!("rmap: INFO connected connection=1 {address}"),
            "rmap: INFO the phase changed from=joining to=live reason=in step".to_owned(),
        ] {
            assert_eq!(run.err.lines().filter(|said| **said == line).count(), 1, "{level}: {}", run.err);
        }
        assert!(run.err.lines().all(|line| line.starts_with("rmap: ")), "{}", run.err);
        for unwanted in ["hunter2", "fred-", "already stopped", "Broadcasting"] {
            assert!(!run.err.contains(unwanted), "{}", run.err);
        }
    }
}

#[test]
fn a_level_that_is_none_is_bad_usage() {
    let error = run(binary().args(["status", "colors"]).env("RMAP_LOG", "loud")).fails(2);
    assert_eq!(error, "rmap: RMAP_LOG must be off, error, warn, info, debug or trace\n");
}
