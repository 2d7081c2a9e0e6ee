//! Keys, values and items that look like options.

use redis::cmd;
use rmap_testing::Server;

use crate::support::{binary, field, rmap, run, words};

fn holds(server: &Server, key: &str, value: &str) -> bool {
    field(server, "m", key) == Some(value.as_bytes().to_vec())
}

const DATA: [&str; 8] = ["-hello", "-h", "--help", "--hex", "--ttl=5", "-", "--", "-5"];

#[test]
fn values_may_look_like_options() {
    let server = Server::start();
    for value in DATA {
        rmap(&server, ["set", "m", "k", value]).done();
        assert!(holds(&server, "k", value), "{value}");
        rmap(&server, ["set", "--test", value, "m", "k", "next"]).done();
        rmap(&server, ["set", "m", "k", value]).done();
        rmap(&server, ["delete", "--test", value, "m", "k"]).done();
        assert_eq!(field(&server, "m", "k"), None, "{value}");
    }
}

#[test]
fn keys_may_look_like_options() {
    let server = Server::start();
    for key in DATA.into_iter().filter(|key| !key.contains('=')) {
        let at = |command| [command, "m", "--", key];
        rmap(&server, at("set").into_iter().chain(["v"])).done();
        assert!(holds(&server, key, "v"), "{key}");
        assert_eq!(rmap(&server, at("get")).done(), b"v");
        rmap(&server, at("delete")).done();
        assert_eq!(rmap(&server, at("inc")).text(), "1\n");
        rmap(&server, at("delete")).done();
        assert_eq!(rmap(&server, at("append").into_iter().chain(["v"])).text(), "[\"v\"]\n");
        assert_eq!(rmap(&server, at("remove").into_iter().chain(["v"])).text(), "[]\n");
    }
    // Those that are none need nothing before them.
    for key in ["-hello", "-h", "-", "-5", "--hello", "-V"] {
        rmap(&server, ["set", "m", key, key]).done();
        assert!(holds(&server, key, key), "{key}");
        assert_eq!(rmap(&server, ["get", "m", key]).text(), key);
        rmap(&server, ["delete", "m", key]).done();
    }
}

#[test]
fn items_may_look_like_options() {
    let server = Server::start();
    let all = DATA.map(|item| format!("{item:?}")).join(",");
    assert_eq!(rmap(&server, ["append", "m", "k"].into_iter().chain(DATA)).text(), format!("[{all}]\n"));
    rmap(&server, ["append", "--unique", "m", "k"].into_iter().chain(DATA)).done();
    assert_eq!(words(&server, "append m k").text(), format!("[{all}]\n"));
    assert_eq!(rmap(&server, ["remove", "m", "k"].into_iter().chain(DATA)).text(), "[]\n");
}

#[test]
fn increments_have_signs() {
    let server = Server::start();
    for (delta, sum) in [
        ("-5", "-5"),
        ("+7", "2"),
        ("-0", "2"),
        ("007", "9"),
        ("-9223372036854775808", "-9223372036854775799"),
    ] {
        assert_eq!(rmap(&server, ["inc", "m", "k", delta]).text(), format!("{sum}\n"), "{delta}");
    }
    for delta in ["", "-", "--5", "5.0", "1e3", " 5", "0x10", "9223372036854775808", "--ttl"] {
        let line = rmap(&server, ["inc", "m", "k", delta]).fails(2);
        assert!(line.contains("not a whole number of 64 bits"), "{line}");
    }
}

/// Nothing is done then, and nothing says that it was.
#[test]
fn what_can_be_meant_in_two_ways_is_refused() {
    let server = Server::start();
    words(&server, "set m k v").done();
    for (line, hint) in [
        ("get m k --hex", "'--hex' behind the KEY; options stand before the KEY"),
        ("set m k v --ttl 5", "'--ttl' behind the VALUE; options stand before the KEY"),
        ("set m k --file x", "options stand before the KEY"),
        ("set --file x m k v", "as --file gives the value"),
        ("delete m k --test x", "options stand before the KEY"),
        ("inc m k 5 --sliding-ttl 5", "options stand before the KEY"),
        ("inc m k --hex", "not a whole number"),
        ("append m --uniqe k a", "nearly --unique"),
        ("set m --test-absnt k", "nearly --test-absent"),
        ("set m --help v", "--help stands last"),
        ("reset -h m", "-h stands last"),
        ("set m", "required"),
        ("remove m k", "an ITEM behind the KEY 'k' is required"),
        ("set -m k v", "unexpected argument '-m'"),
    ] {
        let refusal = words(&server, line).fails(2);
        assert!(refusal.contains(hint), "{line}: {refusal}");
    }
    let fields: u64 = cmd("HLEN").arg("map:m:content").query(&mut server.connection()).unwrap();
    assert_eq!((fields, holds(&server, "k", "v")), (3, true));
}

#[test]
fn help_says_where_options_stand() {
    for command in ["get", "set", "delete", "inc", "append", "remove"] {
        for help in ["-h", "--help"] {
            let text = run(binary().args([command, help])).text();
            assert!(text.contains("Options stand before KEY"), "{text}");
        }
    }
}
