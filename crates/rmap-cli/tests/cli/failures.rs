//! Exit codes and messages when something is wrong.

use std::fs::OpenOptions;
use std::io::Write;

use redis::cmd;
use rmap_testing::Server;

use crate::support::{binary, binary_for, rmap, run, with_input, words};

#[test]
fn bad_usage_is_code_2() {
    let server = Server::start();
    run(&mut binary()).fails(2);
    for args in [
        "fly",
        "get",
        "get colors",
        "get colors sky up",
        "set colors sky",
        "set --file x colors sky blue",
        "set --ttl 0 colors sky blue",
        "set --ttl 1 --sliding-ttl 1 colors sky blue",
        "set --test-absent --test x colors sky blue",
        "inc colors sky many",
        "remove colors sky",
        "reset colors --if sky",
        "reset colors --if sky=0 --hex",
        "watch colors --count x",
        "watch colors --count 0",
        "demo --replicas 1",
        "set --hex colors sky 0",
        "set --hex colors 0g 00",
        "set --file /nowhere/to/be/found colors sky",
        "get colors a=b",
        "set colors a=b c",
        "set col*rs sky blue",
        "list [",
    ] {
        words(&server, args).fails(2);
    }
    for args in
        [&["set", "colors", "", "blue"][..], &["delete", "colors", ""], &["list", ""], &["list", "a b"]]
    {
        rmap(&server, args).fails(2);
    }
}

#[test]
fn messages_say_what_is_wrong() {
    let server = Server::start();
    assert_eq!(
        words(&server, "set colors a=b c").fails(2),
        "rmap: map colors: key \"a=b\" contains '=' at byte 1\n"
    );
    assert!(words(&server, "list a*").fails(2).contains("forbidden character '*' at byte 1"));
    assert!(words(&server, "set colors sky").fails(2).contains("required"));
    let missing = words(&server, "set --file /nowhere/to/be/found colors sky").fails(2);
    assert!(missing.contains("/nowhere/to/be/found") && missing.contains("No such file"), "{missing}");
}

#[test]
fn a_value_that_is_too_long_is_code_2() {
    let server = Server::start();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&vec![b'x'; (16 << 20) + 1]).unwrap();
    let path = file.path().to_str().unwrap();
    assert!(rmap(&server, ["set", "--file", path, "colors", "sky"]).fails(2).contains("at most 16777216"));
    let fits = vec![b'x'; 16 << 20];
    with_input(&server, ["set", "--file", "-", "colors", "sky"], &fits).done();
}

#[test]
fn help_and_version_are_code_0() {
    for flag in ["--help", "--version", "help"] {
        assert!(run(binary().arg(flag)).text().contains("rmap"));
    }
    assert!(run(binary().args(["set", "--help"])).text().contains("--test-absent"));
}

#[test]
fn an_unusable_url_is_code_2() {
    for url in ["", "localhost", "http://localhost", "redis://"] {
        run(binary().args(["--redis", url, "list", "colors"])).fails(2);
    }
}

#[test]
fn a_server_that_is_not_there_is_code_3() {
    let server = Server::start();
    server.stop();
    let error = words(&server, "get colors sky").fails(3);
    assert!(error.contains(&server.port().to_string()) && error.contains("refused"), "{error}");
}

/// As long as a number of seconds can be, and longer.
#[test]
fn a_timeout_may_be_very_long() {
    let server = Server::start();
    words(&server, "set --timeout 1.8e19 colors sky blue").done();
    assert_eq!(words(&server, "get --timeout 1e15 colors sky").text(), "blue");
    words(&server, "get --timeout 1e20 colors sky").fails(2);
}

#[test]
fn a_server_that_does_not_answer_is_code_3() {
    let server = Server::start();
    server.pause();
    words(&server, "get --timeout 0.3 colors sky").fails(3);
    server.resume();
}

#[test]
fn a_server_that_stops_answering_is_code_3() {
    let server = Server::start();
    words(&server, "set colors sky blue").done();
    cmd("CLIENT").arg(&["PAUSE", "20000", "WRITE"]).exec(&mut server.connection()).unwrap();
    words(&server, "set --timeout 0.3 colors sky grey").fails(3);
    cmd("CLIENT").arg("UNPAUSE").exec(&mut server.connection()).unwrap();
}

#[test]
fn credentials_and_rights_are_named() {
    let server = Server::builder().requirepass("secret").start();
    let without = format!("redis://127.0.0.1:{}", server.port());
    for url in [without, server.url_for_user("default", "wrong")] {
        let error = run(binary().args(["--redis", &url, "list", "colors"])).fails(3);
        assert!(error.contains("refused the credentials") && !error.contains("wrong\n"), "{error}");
    }
    words(&server, "list colors").done();
    let server = Server::builder().aclfile("user ann on >secret +@all -publish ~map:* &map:*\n").start();
    let url = server.url_for_user("ann", "secret");
    let error = run(binary().args(["--redis", &url, "list", "colors"])).fails(3);
    assert!(error.contains("+publish"), "{error}");
}

#[test]
fn what_the_server_refuses_is_code_3() {
    let server = Server::start();
    cmd("SET").arg("map:colors:content").arg("text").exec(&mut server.connection()).unwrap();
    let error = run(binary_for(&server).args(["set", "colors", "sky", "blue"])).fails(3);
    assert!(error.contains("map:colors:content") && error.contains("hash"), "{error}");
    cmd("HSET").arg("map:sums:content").arg("=rev").arg("x").exec(&mut server.connection()).unwrap();
    assert_eq!(words(&server, "get sums a").fails(3), "rmap: map sums: the field =rev is corrupt\n");
    cmd("CONFIG").arg(&["SET", "maxmemory", "1"]).exec(&mut server.connection()).unwrap();
    assert!(words(&server, "set --test-absent lock me 1").fails(3).contains("OOM"));
}

/// Whoever asks must not take a lock that it has for one that somebody else has.
#[test]
fn a_success_that_cannot_be_told_is_code_3() {
    let server = Server::start();
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let set =
        binary_for(&server).args(["set", "--test-absent", "lock", "me", "1"]).stdout(full).output().unwrap();
    assert_eq!(set.status.code(), Some(3));
    assert_eq!(words(&server, "get lock me").text(), "1");
}
