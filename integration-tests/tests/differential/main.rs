//! Random operation sequences on the model of the authority and on the Lua scripts, side by side on a real server.
//!
//! After every step the answers, the published bytes, all fields of the hash and its time to live must be the same.
//! `RMAP_SEED=… cargo test -p integration-tests --test differential` replays a failure. `RMAP_HISTORIES` sets the
//! number of histories.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod generate;
mod lease_others;
mod leases;
mod others;

use std::collections::BTreeMap;
use std::env;
use std::time::Duration;

use fastrand::Rng;
use integration_tests::Server;
use rmap_model::Authority;
use rmap_proto::{
    Key, KeyOperation, Notification, Operation, REVISION_FIELD, Revision, Ttl, Write, WriteError, WriteReply,
    script,
};

use integration_tests::Scripts;

/// A time to live far from the others, which are far from each other. No test lasts long enough to confuse them.
const BY_HAND: Duration = Duration::from_secs(5_000_000);
const TOLERANCE_MS: i64 = 500_000_000;

const STEPS: usize = 80;

/// After so many histories an outcome that was not met is one that the generator cannot reach.
const MOST_HISTORIES: u64 = 2_000;

#[test]
fn the_scripts_do_what_the_model_says() {
    let server = Server::start();
    let (first, histories) = match env::var("RMAP_SEED") {
        Ok(seed) => (seed.parse().expect("RMAP_SEED is a number"), 1),
        Err(_) => (fastrand::u64(..), histories()),
    };
    let mut scripts = Scripts::new(&server, "differential");
    let mut met = BTreeMap::new();
    // Some outcomes are rare, and a run goes on until it has met each of them.
    let mut index = 0;
    while index < histories || index < MOST_HISTORIES && histories > 30 && !missed(&met).is_empty() {
        let replay = Replay(first.wrapping_add(index));
        History::new(&mut scripts, replay.0, &mut met).run();
        drop(replay);
        index += 1;
    }
    assert!(histories <= 30 || missed(&met).is_empty(), "never met: {:?} in {met:#?}", missed(&met));
}

/// The outcomes that no history led to yet; the histories are worthless unless they lead to each.
fn missed(met: &BTreeMap<String, u64>) -> Vec<String> {
    const CONDITIONAL: &[&str] = &[
        "set_if_not_exists",
        "test_and_set",
        "delete",
        "test_and_delete",
        "append_values",
        "append_unique_values",
        "remove_values",
        "test_and_reset",
        "batch",
    ];
    /// The scripts that are no single write.
    const NO_WRITES: &[&str] = &[
        "group",
        "probe",
        "snapshot",
        "check",
        "set_expiring",
        "start_leases",
        "reap",
        "renew",
        "revoke",
        "expires_at",
    ];
    const OUTCOMES: &[&str] = &[
        "NotAList",
        "NotAnInteger",
        "Overflow",
        "CorruptRevision",
        "RevisionsExhausted",
        "born",
        "unnumbered",
        "batch born",
        "batch of 3",
        "step set_if_not_exists",
        "step test_and_set",
        "step test_and_delete",
        "Step NotAList",
        "Step NotAnInteger",
        "Step Overflow",
        "ListTooLong",
        "Step ListTooLong",
        "BatchTooLarge",
        "group set applied",
        "group set_if_not_exists applied",
        "group set_if_not_exists not applied",
        "group test_and_set applied",
        "group test_and_set not applied",
        "group delete applied",
        "group delete not applied",
        "group test_and_delete applied",
        "group test_and_delete not applied",
        "group inc applied",
        "group inc NotAnInteger",
        "group inc Overflow",
        "group not applied",
        "group exhausted",
        "group refused",
    ];
    let both = CONDITIONAL.iter().flat_map(|name| [format!("{name} applied"), format!("{name} not applied")]);
    let writes = script::ALL
        .iter()
        .map(|script| script.name())
        .filter(|name| !(NO_WRITES.contains(name) || name.starts_with("leased_")));
    both.chain(writes.map(|name| format!("{name} applied")))
        .chain(OUTCOMES.iter().map(|&name| name.to_owned()))
        .filter(|name| !met.contains_key(name))
        .collect()
}

fn histories() -> u64 {
    env::var("RMAP_HISTORIES").map_or(100, |text| text.parse().expect("RMAP_HISTORIES is a number"))
}

/// Prints the command that repeats a history when the history panics.
struct Replay(u64);

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("replay: RMAP_SEED={} cargo test -p integration-tests --test differential", self.0);
        }
    }
}

struct History<'a> {
    rng: Rng,
    scripts: &'a mut Scripts,
    model: Authority,
    /// Number of times that each outcome was met.
    met: &'a mut BTreeMap<String, u64>,
}

impl<'a> History<'a> {
    fn new(scripts: &'a mut Scripts, seed: u64, met: &'a mut BTreeMap<String, u64>) -> Self {
        scripts.delete_hash();
        Self { rng: Rng::with_seed(seed), scripts, model: Authority::new(), met }
    }

    fn run(&mut self) {
        for step in 0..STEPS {
            let what = match self.rng.u8(..100) {
                0..60 => self.write(),
                60..75 => self.group(),
                75..83 => self.read(),
                83..86 => self.scan(),
                _ => self.change_behind(),
            };
            assert_eq!(self.scripts.hash(), self.model.fields(), "hash after step {step}: {what}");
            self.compare_ttl(step, &what);
        }
    }

    fn compare_ttl(&mut self, step: usize, what: &str) {
        let real = self.scripts.pttl();
        let now = self.scripts.time();
        let modelled = match self.model.ttl(now) {
            Some(ttl) => i64::try_from(ttl.as_millis()).unwrap(),
            None if self.model.exists() => -1,
            None => -2,
        };
        let same = if modelled < 0 { real == modelled } else { (real - modelled).abs() < TOLERANCE_MS };
        assert!(same, "time to live after step {step}: {real} ms, not {modelled} ms: {what}");
    }

    fn write(&mut self) -> String {
        let write = Write::new(generate::operation(&mut self.rng, &self.model), generate::ttl(&mut self.rng))
            .lists(generate::lists(&mut self.rng));
        let what = format!("{write:?}");
        let unnumbered = !self.model.fields().contains_key(&b"=rev"[..]);
        let before = self.scripts.time();
        let real = self.scripts.write(&write);
        let mut now = before;
        if let Ok(written) = &real
            && changes(written) > 0
            && unnumbered
        {
            // A first revision is the server's clock, and the model must read it at the same moment.
            now = written.revision.map_or(0, |last| last.get() + 1 - changes(written));
            assert!((before..=self.scripts.time()).contains(&now), "starts at the clock: {what}");
        }
        let (modelled, published) = match self.model.write(now, &write) {
            Ok((written, published)) => (Ok(written), published),
            Err(error) => (Err(error), Vec::new()),
        };
        assert_eq!(real, modelled, "{what}");
        assert_eq!(self.scripts.notifications(), published, "{what}");
        self.note(&write.operation, &modelled);
        if published.len() > 1 {
            self.count(&format!("batch of {}", published.len()));
            if Notification::decode(&published[0]).unwrap().born {
                self.count("batch born");
            }
        }
        for payload in &published {
            let born = Notification::decode(payload).unwrap().born;
            self.count(if born {
                "born"
            } else if unnumbered {
                "unnumbered"
            } else {
                "numbered"
            });
        }
        what
    }

    /// Sends a group, which must equal its writes one after the other. The whole group may be refused if one of its
    /// writes would be.
    fn group(&mut self) -> String {
        let operations = generate::group(&mut self.rng, &self.model);
        let ttl = generate::ttl(&mut self.rng);
        let what = format!("group of {operations:?}, {ttl:?}");
        let unnumbered = !self.model.fields().contains_key(&b"=rev"[..]);
        let before = self.scripts.time();
        let real = self.scripts.group(ttl, &operations);
        let first = real.iter().flatten().flatten().find(|written| written.applied);
        let mut now = before;
        if let Some(first) = first.filter(|_| unnumbered) {
            now = first.revision.unwrap().get();
            assert!((before..=self.scripts.time()).contains(&now), "starts at the clock: {what}");
        }
        let writes = operations.iter().map(|operation| Write::new(operation.clone(), ttl));
        let (model, modelled, published) = one_by_one(&self.model, now, writes);
        match real {
            Ok(real) => {
                assert_eq!(real, modelled, "{what}");
                assert_eq!(self.scripts.notifications(), published, "{what}");
                self.model = model;
                self.note_group(&operations, &modelled);
            }
            Err(WriteError::RevisionsExhausted) => {
                assert!(near_the_end(&self.model, operations.len()), "{what}");
                self.scripts.expect_silence(&what);
                self.count("group exhausted");
            }
            Err(error) => {
                assert_eq!(modelled, vec![Err(error); operations.len()], "{what}");
                self.scripts.expect_silence(&what);
                self.count("group refused");
            }
        }
        what
    }

    fn note_group(&mut self, operations: &[Operation], outcomes: &[Result<WriteReply, WriteError>]) {
        for (operation, outcome) in operations.iter().zip(outcomes) {
            let outcome = match outcome {
                Ok(written) if written.applied => "applied".to_owned(),
                Ok(_) => "not applied".to_owned(),
                Err(error) => format!("{error:?}"),
            };
            self.count(&format!("group {} {outcome}", operation.name()));
        }
        let applied = outcomes.iter().flatten().any(|written| written.applied);
        self.count(if applied { "group applied" } else { "group not applied" });
    }

    fn note(&mut self, operation: &Operation, outcome: &Result<WriteReply, WriteError>) {
        for step in (0..).map_while(|index| operation.step(index)) {
            self.count(&format!("step {}", step.name()));
        }
        let outcome = match outcome {
            Ok(written) if written.applied => "applied".to_owned(),
            Ok(_) => "not applied".to_owned(),
            Err(WriteError::Step { cause, .. }) => {
                self.count(&format!("Step {cause:?}"));
                return;
            }
            Err(error) => {
                self.count(&format!("{error:?}"));
                return;
            }
        };
        self.count(&format!("{} {outcome}", operation.name()));
    }

    fn count(&mut self, what: &str) {
        *self.met.entry(what.to_owned()).or_default() += 1;
    }
}

/// The outcomes of writes that run one after another, with the model after them and all payloads in order.
fn one_by_one(
    model: &Authority,
    now: u64,
    writes: impl Iterator<Item = Write>,
) -> (Authority, Vec<Result<WriteReply, WriteError>>, Vec<Vec<u8>>) {
    let (mut model, mut published) = (model.clone(), Vec::new());
    let outcomes = writes
        .map(|write| {
            model.write(now, &write).map(|(written, payloads)| {
                published.extend(payloads);
                written
            })
        })
        .collect();
    (model, outcomes, published)
}

/// True if this many more revisions could reach the limit.
fn near_the_end(model: &Authority, writes: usize) -> bool {
    let revision = model.fields().remove(REVISION_FIELD).and_then(|text| Revision::parse(&text));
    revision.is_some_and(|revision| revision.get() + writes as u64 >= Revision::LIMIT)
}

/// Number of notifications, and so of revisions, of a write.
fn changes(written: &WriteReply) -> u64 {
    written.batch.as_ref().map_or_else(|| u64::from(written.applied), |batch| u64::from(batch.changed))
}

/// Checks the rule for lists on many more values than histories reach.
#[test]
fn lists_follow_one_rule() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "lists");
    let seed = env::var("RMAP_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    let _replay = Replay(seed);
    let mut rng = Rng::with_seed(seed);
    let (mut sound, mut refused) = (0, 0);
    for _ in 0..histories() * 50 {
        let value = generate::list_like(&mut rng);
        let mut model = Authority::new();
        for field in [(&b"=rev"[..], &b"1"[..]), (b"l", &value)] {
            scripts.hset(field.0, field.1);
            model.hset(field.0, field.1);
        }
        let operation = Operation::Key(KeyOperation::AppendValues {
            key: Key::new("l").unwrap(),
            items: vec!["x".to_owned()],
        });
        let write = Write::new(operation, Ttl::None);
        let modelled = model.write(0, &write).map(|(written, _)| written);
        assert_eq!(scripts.write(&write), modelled, "{}", value.escape_ascii());
        *(if modelled.is_ok() { &mut sound } else { &mut refused }) += 1;
    }
    assert!(sound > 0 && refused > 0, "both sides of the rule were met: {sound} and {refused}");
    scripts.notifications();
}
