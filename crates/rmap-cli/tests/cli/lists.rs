//! `append` and `remove`.

use rmap_testing::Server;

use crate::support::{field, rmap, words};

#[test]
fn items_come_and_go() {
    let server = Server::start();
    assert_eq!(words(&server, "append team members ann bob").text(), "[\"ann\",\"bob\"]\n");
    assert_eq!(words(&server, "append team members bob").text(), "[\"ann\",\"bob\",\"bob\"]\n");
    assert_eq!(
        words(&server, "append --unique team members ann cid").text(),
        "[\"ann\",\"bob\",\"bob\",\"cid\"]\n"
    );
    assert_eq!(words(&server, "append team members").text(), "[\"ann\",\"bob\",\"bob\",\"cid\"]\n");
    assert_eq!(words(&server, "remove team members bob").text(), "[\"ann\",\"cid\"]\n");
    let nothing = words(&server, "remove team members dan");
    assert_eq!(nothing.out, b"[\"ann\",\"cid\"]\n");
    assert_eq!(nothing.fails(1), "rmap: map team: key members has none of these items\n");
    assert_eq!(words(&server, "remove team members ann cid").text(), "[]\n");
    assert_eq!(field(&server, "team", "members"), None);
}

#[test]
fn items_hold_any_text() {
    let server = Server::start();
    let items = ["", "a,b", "é\n\"\\/", "[]"];
    rmap(&server, ["append", "team", "members"].into_iter().chain(items)).done();
    let printed = words(&server, "append team members").text();
    assert_eq!(serde_json::from_str::<Vec<String>>(&printed).unwrap(), items);
}

#[test]
fn what_is_no_list_stays_as_it_is() {
    let server = Server::start();
    rmap(&server, ["set", "team", "members", "{\"a\":1}"]).done();
    assert!(words(&server, "append team members ann").fails(1).contains("not a list of strings"));
    assert!(words(&server, "remove team members ann").fails(1).contains("not a list of strings"));
    assert_eq!(field(&server, "team", "members"), Some(b"{\"a\":1}".to_vec()));
}
