//! `reset` and `destroy`.

use redis::cmd;
use rmap_testing::{Server, calls};

use crate::support::{field, revision, words};
use crate::terminal::Terminal;

fn has_hash(server: &Server) -> bool {
    cmd("EXISTS").arg("map:colors:content").query(&mut server.connection()).unwrap()
}

#[test]
fn they_clear_the_map_and_say_how_much_they_cleared() {
    let server = Server::start();
    for clear in ["reset", "destroy"] {
        words(&server, "set colors sky blue").done();
        words(&server, "set colors grass green").done();
        let printed = words(&server, &format!("{clear} colors --yes")).text();
        assert_eq!(printed, format!("revision {}, 2 entries cleared\n", revision(&server, "colors")));
        assert_eq!(field(&server, "colors", "sky"), None);
        assert_eq!(field(&server, "colors", "=kind"), Some(clear.as_bytes().to_vec()));
    }
    let empty = words(&server, "reset --yes colors").text();
    assert!(empty.ends_with(", 0 entries cleared\n"), "{empty}");
}

#[test]
fn a_map_without_a_hash_is_left_alone() {
    let server = Server::start();
    for line in [
        "reset colors",
        "reset colors --yes",
        "reset colors --if a=b --yes",
        "destroy colors",
        "destroy colors --yes",
    ] {
        assert_eq!(
            words(&server, line).fails(1),
            "rmap: map colors has no hash, nothing to clear\n",
            "{line}"
        );
    }
    assert!(!has_hash(&server));
    assert_eq!(calls(&mut server.connection(), "hset"), 0);
}

#[test]
fn without_a_terminal_they_demand_yes() {
    let server = Server::start();
    words(&server, "set colors sky blue").done();
    let before = revision(&server, "colors");
    assert_eq!(
        words(&server, "reset colors").fails(2),
        "rmap: reset map colors, 1 entry? there is no terminal to ask on, so --yes is required\n"
    );
    assert!(words(&server, "destroy colors").fails(2).contains("destroy map colors, 1 entry"));
    assert!(words(&server, "reset colors --if sky=blue").fails(2).contains("--yes"));
    assert_eq!(revision(&server, "colors"), before);
}

#[test]
fn on_a_terminal_they_ask_first() {
    let server = Server::start();
    words(&server, "set colors sky blue").done();
    words(&server, "set colors grass green").done();
    for clear in ["reset", "destroy"] {
        for no in ["n\n", "\n", "\u{4}"] {
            let (code, shown) = Terminal::run(&server, &[clear, "colors"], no);
            assert!(shown.contains(&format!("rmap: {clear} map colors, 2 entries? [y/N] ")), "{shown}");
            assert!(shown.contains("rmap: nothing was cleared"), "{shown}");
            assert_eq!(code, 1);
        }
        assert_eq!(field(&server, "colors", "sky").unwrap(), b"blue");
    }
    let (code, shown) = Terminal::run(&server, &["reset", "colors", "--if", "sky=blue"], "y\n");
    assert_eq!(code, 0, "{shown}");
    assert!(
        shown.ends_with(&format!("revision {}, 2 entries cleared\r\n", revision(&server, "colors"))),
        "{shown}"
    );
    let (code, shown) = Terminal::run(&server, &["destroy", "colors", "--yes"], "");
    assert_eq!((code, shown.contains('?')), (0, false), "{shown}");
    cmd("DEL").arg("map:colors:content").exec(&mut server.connection()).unwrap();
    let (code, shown) = Terminal::run(&server, &["reset", "colors"], "");
    assert_eq!((code, shown.contains('?')), (1, false), "{shown}");
}

#[test]
fn reset_can_demand_values() {
    let server = Server::start();
    words(&server, "set colors sky blue").done();
    words(&server, "set colors sum a=b").done();
    let refusal = words(&server, "reset colors --yes --if sky=blue --if sum=a").fails(1);
    assert_eq!(refusal, "rmap: map colors: not every key holds the value asked for\n");
    assert_eq!(field(&server, "colors", "sky").unwrap(), b"blue");
    words(&server, "reset colors --yes --if sky=blue --if sum=a=b").done();
    assert_eq!(field(&server, "colors", "sky"), None);
    words(&server, "set --hex colors 00 ff00").done();
    words(&server, "reset colors --yes --hex --if 00=ff01").fails(1);
    words(&server, "reset colors --yes --hex --if 00=ff00").done();
    assert_eq!(field(&server, "colors", b"\0"), None);
    words(&server, "set colors -a -b").done();
    words(&server, "reset colors --yes --if -a=-b").done();
    assert_eq!(field(&server, "colors", "-a"), None);
}
