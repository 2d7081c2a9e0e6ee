//! `set`, `delete` and `inc`.

use redis::cmd;
use rmap_testing::Server;

use crate::support::{field, revision, words};

fn holds(server: &Server, key: &str, value: &str) -> bool {
    field(server, "colors", key) == Some(value.as_bytes().to_vec())
}

fn ttl(server: &Server) -> i64 {
    cmd("TTL").arg("map:colors:content").query(&mut server.connection()).unwrap()
}

#[test]
fn set_prints_the_revision() {
    let server = Server::start();
    let printed = words(&server, "set colors sky blue").text();
    assert_eq!(printed, format!("revision {}\n", revision(&server, "colors")));
    assert!(holds(&server, "sky", "blue"));
}

#[test]
fn set_with_a_test_of_absence_sets_once() {
    let server = Server::start();
    words(&server, "set --test-absent colors sky blue").done();
    let refusal = words(&server, "set --test-absent colors sky grey").fails(1);
    assert_eq!(refusal, "rmap: map colors has key sky already\n");
    assert!(holds(&server, "sky", "blue"));
}

#[test]
fn set_with_a_test_compares() {
    let server = Server::start();
    words(&server, "set colors sky blue").done();
    let refusal = words(&server, "set --test red colors sky grey").fails(1);
    assert_eq!(refusal, "rmap: map colors: key sky holds another value\n");
    assert!(holds(&server, "sky", "blue"));
    words(&server, "set --test blue colors sky grey").done();
    assert!(holds(&server, "sky", "grey"));
}

#[test]
fn delete_tells_whether_there_was_something() {
    let server = Server::start();
    words(&server, "set colors sky blue").done();
    words(&server, "delete --test red colors sky").fails(1);
    assert!(holds(&server, "sky", "blue"));
    let printed = words(&server, "delete --test blue colors sky").text();
    assert_eq!(printed, format!("revision {}\n", revision(&server, "colors")));
    assert_eq!(words(&server, "delete colors sky").fails(1), "rmap: map colors has no key sky\n");
}

#[test]
fn inc_adds_and_prints_the_sum() {
    let server = Server::start();
    assert_eq!(words(&server, "inc colors seen").text(), "1\n");
    assert_eq!(words(&server, "inc colors seen 41").text(), "42\n");
    assert_eq!(words(&server, "inc colors seen -50").text(), "-8\n");
    words(&server, "set colors sky blue").done();
    assert!(words(&server, "inc colors sky").fails(1).contains("not an integer"));
    words(&server, &format!("set colors seen {}", i64::MAX)).done();
    assert!(words(&server, "inc colors seen").fails(1).contains("overflows"));
    assert!(holds(&server, "seen", &i64::MAX.to_string()));
}

#[test]
fn a_time_to_live_is_set_once_or_anew() {
    let server = Server::start();
    words(&server, "set colors sky blue").done();
    assert_eq!(ttl(&server), -1);
    words(&server, "set --ttl 1000 colors sky blue").done();
    words(&server, "set --ttl 100000 colors sky blue").done();
    assert!((1..=1000).contains(&ttl(&server)));
    words(&server, "inc --sliding-ttl 100000 colors seen").done();
    assert!(ttl(&server) > 1000);
}
