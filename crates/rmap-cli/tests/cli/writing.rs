//! `set`, `delete`, `inc`, `reset` and `destroy`.

use integration_tests::Server;
use redis::cmd;

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
fn set_if_absent_sets_once() {
    let server = Server::start();
    words(&server, "set colors sky blue --if-absent").done();
    let refusal = words(&server, "set colors sky grey --if-absent").fails(1);
    assert_eq!(refusal, "rmap: map colors has key sky already\n");
    assert!(holds(&server, "sky", "blue"));
}

#[test]
fn set_if_value_compares() {
    let server = Server::start();
    words(&server, "set colors sky blue").done();
    let refusal = words(&server, "set colors sky grey --if-value red").fails(1);
    assert_eq!(refusal, "rmap: map colors: key sky holds another value\n");
    assert!(holds(&server, "sky", "blue"));
    words(&server, "set colors sky grey --if-value blue").done();
    assert!(holds(&server, "sky", "grey"));
}

#[test]
fn delete_tells_whether_there_was_something() {
    let server = Server::start();
    words(&server, "set colors sky blue").done();
    words(&server, "delete colors sky --if-value red").fails(1);
    assert!(holds(&server, "sky", "blue"));
    let printed = words(&server, "delete colors sky --if-value blue").text();
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
fn reset_and_destroy_clear_the_map() {
    let server = Server::start();
    for clear in ["reset", "destroy"] {
        words(&server, "set colors sky blue").done();
        let printed = words(&server, &format!("{clear} colors")).text();
        assert_eq!(printed, format!("revision {}\n", revision(&server, "colors")));
        assert_eq!(field(&server, "colors", "sky"), None);
        assert!(holds(&server, "=kind", clear));
    }
}

#[test]
fn reset_can_demand_values() {
    let server = Server::start();
    words(&server, "set colors sky blue").done();
    words(&server, "set colors sum a=b").done();
    let refusal = words(&server, "reset colors --if sky=blue --if sum=a").fails(1);
    assert_eq!(refusal, "rmap: map colors: not every key holds the value asked for\n");
    assert!(holds(&server, "sky", "blue"));
    words(&server, "reset colors --if sky=blue --if sum=a=b").done();
    assert_eq!(field(&server, "colors", "sky"), None);
    words(&server, "set colors 00 ff00 --hex").done();
    words(&server, "reset colors --hex --if 00=ff01").fails(1);
    words(&server, "reset colors --hex --if 00=ff00").done();
    assert_eq!(field(&server, "colors", b"\0"), None);
}

#[test]
fn a_time_to_live_is_set_once_or_anew() {
    let server = Server::start();
    words(&server, "set colors sky blue").done();
    assert_eq!(ttl(&server), -1);
    words(&server, "set colors sky blue --ttl 1000").done();
    words(&server, "set colors sky blue --ttl 100000").done();
    assert!((1..=1000).contains(&ttl(&server)));
    words(&server, "inc colors seen --sliding-ttl 100000").done();
    assert!(ttl(&server) > 1000);
}
