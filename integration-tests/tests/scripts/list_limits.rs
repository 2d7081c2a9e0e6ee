//! Limits of lists, alone and in batches, exact to the item and to the byte, and equal in the model.

use bytes::Bytes;
use integration_tests::Server;
use rmap_model::Authority;
use rmap_proto::list::{self, Limit};
use rmap_proto::{KeyOperation, Operation, Ttl, Write, WriteError, WriteReply};

use crate::{batch, key};
use integration_tests::Scripts;

const ANY: usize = usize::MAX;

fn append(items: Vec<String>) -> Operation {
    Operation::Key(KeyOperation::AppendValues { key: key("l"), items })
}

fn append_unique(items: Vec<String>) -> Operation {
    Operation::Key(KeyOperation::AppendUniqueValues { key: key("l"), items })
}

fn remove(items: Vec<String>) -> Operation {
    Operation::Key(KeyOperation::RemoveValues { key: key("l"), items })
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

fn one(item: impl Into<String>) -> Vec<String> {
    vec![item.into()]
}

/// A list with one item that has this many bytes as text.
fn of_bytes(bytes: usize) -> Bytes {
    list::encode([&"x".repeat(bytes - 4)])
}

/// Runs an operation on a list `l` on the server and in the model. An error must leave no trace.
fn both(
    scripts: &mut Scripts,
    held: Option<&Bytes>,
    limit: Limit,
    operation: Operation,
) -> Result<WriteReply, WriteError> {
    scripts.given(&[("=rev", "7"), ("other", "x")]);
    let mut model = Authority::new();
    model.hset("=rev", "7");
    model.hset("other", "x");
    if let Some(held) = held {
        scripts.hset("l", held);
        model.hset("l", held);
    }
    let write = Write::new(operation, Ttl::None).lists(limit);
    let (real, modelled) = (scripts.write(&write), model.write(1, &write));
    let (modelled, payloads) = match modelled {
        Ok((written, payloads)) => (Ok(written), payloads),
        Err(error) => (Err(error), Vec::new()),
    };
    // The values can be very long, so the message leaves them out.
    assert!(real == modelled, "{:?}, not {:?}", real.map(|_| ()), modelled.map(|_| ()));
    assert!(scripts.notifications() == payloads);
    assert!(scripts.hash() == model.fields());
    real
}

fn fits(outcome: Result<WriteReply, WriteError>) {
    assert!(outcome.is_ok_and(|written| written.applied));
}

fn too_long(outcome: Result<WriteReply, WriteError>) {
    assert_eq!(outcome.map(|_| ()), Err(WriteError::ListTooLong));
}

#[test]
fn a_list_has_no_more_items_than_its_limit() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "lists");
    let c = &mut scripts;
    for (limit, most) in
        [(Limit::default(), 100_000), (Limit::new(30_000, list::MAX_BYTES), 30_000), (Limit::new(1, ANY), 1)]
    {
        let held = list::encode(numbers(most - 1));
        for append in [append, append_unique] {
            fits(both(c, Some(&held), limit, append(one("new"))));
            too_long(both(c, Some(&held), limit, append(vec!["new".to_owned(), "newer".to_owned()])));
            fits(both(c, None, limit, append(numbers(most))));
            too_long(both(c, None, limit, append(numbers(most + 1))));
        }
        // The list is full.
        let full = list::encode(numbers(most));
        assert!(!both(c, Some(&full), limit, append_unique(numbers(most))).unwrap().applied);
        fits(both(c, Some(&full), limit, remove(numbers(most))));
    }
    too_long(both(c, None, Limit::new(0, ANY), append(one(""))));
}

#[test]
fn a_list_has_no_more_bytes_than_its_limit() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "lists");
    let c = &mut scripts;
    for (limit, most) in
        [(Limit::default(), 1 << 20), (Limit::new(9, 2 << 20), 2 << 20), (Limit::new(9, 10), 10)]
    {
        let held = of_bytes(most - 4);
        for append in [append, append_unique] {
            // The item adds a comma and two quotes.
            fits(both(c, Some(&held), limit, append(one("y"))));
            too_long(both(c, Some(&held), limit, append(one("yy"))));
            // Bytes count in their stored form.
            too_long(both(c, None, limit, append(one("\"".repeat(most / 2)))));
        }
    }
    // No setting allows more.
    too_long(both(c, Some(&of_bytes(list::MAX_BYTES - 4)), Limit::new(9, ANY), append(one("yy"))));
}

/// More items than `unpack` takes, in a list of 4 MiB.
#[test]
fn long_lists_work_where_they_are_allowed() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "lists");
    let items: Vec<String> = (0..20_000).map(|number| format!("{number:0200}")).collect();
    let (held, limit) = (list::encode(&items), Limit::new(20_000, 8 << 20));
    assert!(both(&mut scripts, None, limit, append(items.clone())).unwrap().value.unwrap() == held);
    assert!(!both(&mut scripts, Some(&held), limit, append_unique(items.clone())).unwrap().applied);
    assert!(both(&mut scripts, Some(&held), limit, remove(items)).unwrap().value.is_none());
}

/// Another program's list may be longer. A removal shortens it, if the result is short enough.
#[test]
fn a_longer_list_can_be_read_and_shortened() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "lists");
    let c = &mut scripts;
    let (limit, held) = (Limit::new(10, 100), list::encode(numbers(15)));
    assert!(!both(c, Some(&held), limit, append(Vec::new())).unwrap().applied);
    assert!(!both(c, Some(&held), limit, append_unique(one("3"))).unwrap().applied);
    assert!(!both(c, Some(&held), limit, remove(one("30"))).unwrap().applied);
    too_long(both(c, Some(&held), limit, append(one("3"))));
    too_long(both(c, Some(&held), limit, remove(numbers(4))));
    fits(both(c, Some(&held), limit, remove(numbers(5))));
}

/// Comma-separated text becomes JSON, whose escapes are longer.
#[test]
fn a_removal_may_not_make_a_list_too_long() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "lists");
    let c = &mut scripts;
    let text = Bytes::from("\x01,".repeat(50_000) + "z");
    too_long(both(c, Some(&text), Limit::new(ANY, 300_000), remove(one("z"))));
    fits(both(c, Some(&text), Limit::new(ANY, 500_000), remove(one("z"))));
}

#[test]
fn no_operation_is_given_more_than_a_list_may_have() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "lists");
    let c = &mut scripts;
    for operation in [append, append_unique, remove] {
        let limit = Limit::new(3, 10);
        let held = list::encode(["a"]);
        assert!(both(c, Some(&held), limit, operation(one("a"))).is_ok());
        too_long(both(c, Some(&held), limit, operation(vec!["a".to_owned(); 4])));
        too_long(both(c, Some(&held), limit, operation(one("a".repeat(11)))));
    }
}

/// No setting allows such a list, and reading it could take seconds.
#[test]
fn a_list_beyond_all_limits_is_not_even_read() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "lists");
    let (longest, longer) = (of_bytes(list::MAX_BYTES), of_bytes(list::MAX_BYTES + 1));
    let unchanged = both(&mut scripts, Some(&longest), Limit::default(), remove(Vec::new()));
    assert!(!unchanged.unwrap().applied);
    for operation in [append, append_unique, remove] {
        too_long(both(&mut scripts, Some(&longer), Limit::default(), operation(Vec::new())));
    }
}

#[test]
fn each_list_step_of_a_batch_is_held_to_the_limit() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "lists");
    let c = &mut scripts;
    let failed = |outcome: Result<WriteReply, WriteError>, step| {
        let cause = Box::new(WriteError::ListTooLong);
        assert_eq!(outcome.map(|_| ()), Err(WriteError::Step { step, cause }));
    };
    let steps = |name: &str, more: &[&str]| {
        let append = |items: &[&str]| KeyOperation::AppendValues {
            key: key(name),
            items: items.iter().map(|&item| item.to_owned()).collect(),
        };
        batch(vec![append(&["a"]), KeyOperation::Set { key: key("k"), value: Bytes::new() }, append(more)])
    };
    let limit = Limit::new(3, 20);
    fits(both(c, None, limit, steps("l", &["b", "c"])));
    failed(both(c, None, limit, steps("l", &["b", "c", "d"])), 2);
    fits(both(c, None, limit, steps("l", &["123456789"])));
    failed(both(c, None, limit, steps("l", &["1234567890123"])), 2);
    // More items than a list may have are not even sent.
    failed(both(c, None, limit, steps("l", &["b", "c", "d", "e"])), 2);
    let longer = of_bytes(list::MAX_BYTES + 1);
    let read = batch(vec![KeyOperation::RemoveValues { key: key("l"), items: Vec::new() }]);
    failed(both(c, Some(&longer), Limit::new(9, ANY), read), 0);
}

/// Each list step reads, writes and answers a whole list, so a small request could keep the server busy for long.
#[test]
fn the_list_steps_of_a_batch_do_no_more_than_eight_lists_need() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "lists");
    let c = &mut scripts;
    let unchanged =
        |count: usize| batch(vec![KeyOperation::RemoveValues { key: key("l"), items: one("z") }; count]);
    let grown =
        |count: usize| batch(vec![KeyOperation::AppendValues { key: key("l"), items: one("") }; count]);
    let done = |outcome: Result<WriteReply, WriteError>| assert!(outcome.is_ok());
    let too_much = |outcome: Result<WriteReply, WriteError>| {
        assert_eq!(outcome.map(|_| ()), Err(WriteError::BatchTooLarge));
    };
    // The limit by items counts items that are read and that are left.
    let ten = list::encode(numbers(10));
    done(both(c, Some(&ten), Limit::new(10, ANY), unchanged(4)));
    too_much(both(c, Some(&ten), Limit::new(10, ANY), unchanged(5)));
    done(both(c, None, Limit::new(10, ANY), grown(8)));
    too_much(both(c, None, Limit::new(10, ANY), grown(9)));
    // The limit by bytes is exact to the byte.
    done(both(c, Some(&of_bytes(100)), Limit::new(ANY, 100), unchanged(4)));
    too_much(both(c, Some(&of_bytes(101)), Limit::new(ANY, 100), unchanged(4)));
    done(both(c, Some(&of_bytes(1 << 20)), Limit::default(), unchanged(4)));
    too_much(both(c, Some(&of_bytes(1 << 20)), Limit::default(), unchanged(5)));
    // A value beyond the limit is not read: this one is no list.
    too_much(both(c, Some(&"[".repeat(900).into()), Limit::new(ANY, 100), unchanged(1)));
    // The limit is never more than twice what a batch may change.
    done(both(c, Some(&of_bytes(list::MAX_BYTES)), Limit::new(ANY, ANY), unchanged(1)));
    too_much(both(c, Some(&of_bytes(list::MAX_BYTES)), Limit::new(ANY, ANY), unchanged(2)));
}
