//! The first revision of a life is the server's clock, whatever its value. The scripts run with a replaced clock.

use integration_tests::Server;
use rmap_model::Authority;
use rmap_proto::{KeyOperation, Operation, Revision, Ttl, WriteError};

use crate::{batch, bytes, delete, every_operation, inc, key, plain, set};
use integration_tests::Scripts;

const LAST: u64 = Revision::LIMIT - 1;

/// Hashes without `=rev`, by their fields besides `k`.
const STATES: &[Option<&[(&str, &str)]>] = &[None, Some(&[]), Some(&[("=kind", "set"), ("d", "x")])];

fn given(scripts: &mut Scripts, state: Option<&[(&str, &str)]>, held: &str) -> Authority {
    let fields = state.map_or_else(Vec::new, |fields| [fields, &[("k", held)]].concat());
    scripts.given(&fields);
    let mut model = Authority::new();
    for (field, value) in fields {
        model.hset(field, value);
    }
    model
}

/// Runs every operation that begins a life, on a server with this clock. The result must equal the model's, which may
/// be a refusal.
fn expect_as_in_the_model(
    scripts: &mut Scripts,
    millis: u64,
    operation: &Operation,
    held: &str,
) -> Vec<bool> {
    STATES
        .iter()
        .map(|state| {
            let mut model = given(scripts, *state, held);
            let write = plain(operation.clone());
            let (real, modelled) = (scripts.write(&write), model.write(millis, &write));
            let what = format!("{operation:?} on {state:?} at {millis}");
            match modelled {
                Ok((written, payloads)) => {
                    assert_eq!(real, Ok(written), "{what}");
                    assert_eq!(scripts.notifications(), payloads, "{what}");
                }
                Err(error) => {
                    assert_eq!(real, Err(error), "{what}");
                    scripts.expect_silence(&what);
                }
            }
            assert_eq!(scripts.hash(), model.fields(), "{what}");
            real == Err(WriteError::RevisionsExhausted)
        })
        .collect()
}

fn several_keys() -> Operation {
    let set = |name: &str| KeyOperation::Set { key: key(name), value: bytes("v") };
    batch(vec![
        set("a"),
        set("b"),
        KeyOperation::Delete { key: key("missing") },
        KeyOperation::Inc { key: key("n"), delta: 1 },
    ])
}

#[test]
fn a_clock_beyond_the_last_revision_begins_no_life() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "clock");
    for beyond in [0, 1, 900_000_000_000_000] {
        scripts.set_clock(i64::try_from(LAST + beyond).unwrap());
        let mut refused = Vec::new();
        for (held, operation) in every_operation() {
            refused.extend(expect_as_in_the_model(&mut scripts, LAST + beyond, &operation, held));
        }
        // A few operations change nothing if there is no key.
        let count = refused.iter().filter(|refused| **refused).count();
        assert!(if beyond == 0 { count == 0 } else { count > 25 }, "{beyond}: {count}");
    }
}

#[test]
fn a_life_has_room_for_every_key_of_its_first_batch() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "clock");
    for (millis, fits) in [(LAST - 3, true), (LAST - 2, true), (LAST - 1, false), (LAST, false)] {
        scripts.set_clock(i64::try_from(millis).unwrap());
        let refused = expect_as_in_the_model(&mut scripts, millis, &several_keys(), "5");
        assert_eq!(refused, [!fits; 3], "{millis}");
    }
}

/// The group is refused as a whole. Its writes then go one by one, and as many as fit apply.
#[test]
fn a_group_that_would_pass_the_last_revision_begins_no_life() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "clock");
    for (millis, fits) in [(LAST - 2, true), (LAST - 1, false), (LAST + 1, false)] {
        scripts.set_clock(i64::try_from(millis).unwrap());
        for state in STATES {
            given(&mut scripts, *state, "5");
            let before = scripts.hash();
            let outcome =
                scripts.group(Ttl::None, &[set("a", "1"), inc("k", 1), delete("missing"), set("a", "2")]);
            if fits {
                let last = outcome.unwrap().pop().unwrap().unwrap();
                assert_eq!(last.revision.unwrap().get(), millis + 2);
                assert_eq!(scripts.notifications().len(), 3);
            } else {
                assert_eq!(outcome, Err(WriteError::RevisionsExhausted));
                assert_eq!(scripts.hash(), before);
                scripts.expect_silence("exhausted");
            }
        }
    }
}

/// A revision has no sign, and 0 is the revision of a hash without `=rev`.
#[test]
fn a_clock_before_its_epoch_begins_a_life_at_1() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "clock");
    for millis in [-1_700_000_000_000, -1, 0, 1] {
        scripts.set_clock(millis);
        for operation in [set("k", "v"), several_keys(), Operation::Reset] {
            let now = u64::try_from(millis).unwrap_or(0);
            assert_eq!(expect_as_in_the_model(&mut scripts, now, &operation, "5"), [false; 3]);
        }
    }
}
