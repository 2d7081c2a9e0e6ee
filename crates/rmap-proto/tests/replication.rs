//! The text of `INFO replication`, as servers write it and as nobody should.

use rmap_proto::Replication;

#[test]
fn replication_is_read_from_any_text() {
    let parse = |text: &str| Replication::parse(text.as_bytes());
    let zeros = "0".repeat(40);
    let none = format!(
        "master_replid:ab\r\nmaster_replid2:{zeros}\r\nmaster_repl_offset:5\r\nsecond_repl_offset:-1"
    );
    assert_eq!(parse(&none), Some(Replication::new("ab".into(), 5)));
    let other_order = "master_repl_offset:5\nsecond_repl_offset:3\nmaster_replid2:cd\nmaster_replid:ab";
    assert_eq!(parse(other_order), Some(Replication::new("ab".into(), 5).former("cd".into(), 3)));
    assert_eq!(parse("master_replid:ab\nmaster_repl_offset:-7"), Some(Replication::new("ab".into(), 0)));
    assert_eq!(parse("master_replid:ab\nmaster_replid2:cd"), Some(Replication::new("ab".into(), 0)));
    for nothing in
        ["", "master_replid2:ab", "master_replid:", "master_replid:xyz", "slave_master_replid:ab", &zeros]
    {
        assert_eq!(parse(nothing), None, "{nothing}");
    }
    assert_eq!(Replication::parse(&[0xff, b'\n', 0]), None);
}
