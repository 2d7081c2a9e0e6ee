//! Random histories with leases: the model beside the scripts, which read a time that the history sets.
//!
//! Some writes go past the sidecars, as those of Go, of an older rmap, and of a handle that does not know yet. After every
//! step the hash, the records and the deadlines must be the same.

use std::collections::BTreeMap;
use std::env;
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use integration_tests::{Scripts, Server};
use rmap_model::Authority;
use rmap_proto::{Expiry, Held, KeyOperation, Notification, OnlyIf, Operation, Ttl, Write, WriteError};

use crate::{MOST_HISTORIES, generate, histories, one_by_one};

const STEPS: usize = 120;

/// Events that histories must reach, or they are worthless.
const OUTCOMES: &[&str] = &[
    "began alone",
    "began in a batch",
    "began in a group",
    "not begun",
    "carried by inc",
    "carried by append_values",
    "carried by append_unique_values",
    "carried by remove_values",
    "carried by batch",
    "carried by group",
    "ended by set",
    "ended by set_if_not_exists",
    "ended by test_and_set",
    "ended by delete",
    "ended by test_and_delete",
    "ended by batch",
    "ended by group",
    "ended by reset",
    "ended by destroy",
    "ended by test_and_reset",
    "ended by a life",
    "kept past the sidecars",
    "reap deleted",
    "reap deleted several",
    "reap dropped",
    "reap in time",
    "reap none left",
    "reap CorruptRevision",
    "reap RevisionsExhausted",
    "renew kept",
    "renew lost",
    "revoke deleted",
    "revoke not held",
    "expires",
    "expires not",
    "probe off",
    "probe on",
    "probe next",
];

#[test]
fn the_scripts_do_with_leases_what_the_model_says() {
    let server = Server::start();
    let (first, histories) = match env::var("RMAP_SEED") {
        Ok(seed) => (seed.parse().expect("RMAP_SEED is a number"), 1),
        Err(_) => (fastrand::u64(..), histories()),
    };
    let mut scripts = Scripts::new(&server, "leases");
    scripts.follow_time();
    let mut met = BTreeMap::new();
    let missed = |met: &BTreeMap<String, u64>| -> Vec<&str> {
        OUTCOMES.iter().copied().filter(|name| !met.contains_key(*name)).collect()
    };
    let mut index = 0;
    while index < histories || index < MOST_HISTORIES && histories > 30 && !missed(&met).is_empty() {
        let seed = first.wrapping_add(index);
        let replay = Replay(seed);
        History::new(&mut scripts, seed, &mut met).run();
        drop(replay);
        index += 1;
    }
    assert!(histories <= 30 || missed(&met).is_empty(), "never met: {:?} in {met:#?}", missed(&met));
}

/// Prints the command that repeats a history when the history panics.
struct Replay(u64);

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "replay: RMAP_SEED={} cargo test -p integration-tests --test differential leases",
                self.0
            );
        }
    }
}

pub(crate) struct History<'a> {
    pub(crate) rng: Rng,
    pub(crate) scripts: &'a mut Scripts,
    pub(crate) model: Authority,
    pub(crate) now: u64,
    /// Leases that began, some of which have ended.
    pub(crate) begun: Vec<Held>,
    met: &'a mut BTreeMap<String, u64>,
}

impl<'a> History<'a> {
    fn new(scripts: &'a mut Scripts, seed: u64, met: &'a mut BTreeMap<String, u64>) -> Self {
        scripts.delete_hash();
        scripts.delete_sidecars(true, true);
        let mut rng = Rng::with_seed(seed);
        let now = 1_700_000_000_000 + rng.u64(..1000);
        Self { rng, scripts, model: Authority::new(), now, begun: Vec::new(), met }
    }

    fn run(&mut self) {
        for step in 0..STEPS {
            self.pass();
            let what = match self.rng.u8(..100) {
                0..40 => self.write(),
                40..52 => self.group(),
                52..66 => self.reap(),
                66..74 => self.renew(),
                74..79 => self.revoke(),
                79..83 => self.expires_at(),
                83..86 => self.probe(),
                86..88 => self.start(),
                _ => self.change_behind(),
            };
            let what = format!("after step {step} at {}: {what}", self.now);
            assert_eq!(self.scripts.hash(), self.model.fields(), "hash {what}");
            assert_eq!(self.scripts.side(), self.modelled_side(), "side {what}");
            assert_eq!(self.scripts.deadlines(), self.model.lease_book().deadlines, "leases {what}");
        }
    }

    /// Time passes, and the clock is sometimes set back.
    fn pass(&mut self) {
        match self.rng.u8(..20) {
            0..8 => {}
            8..14 => self.now += self.rng.u64(..300),
            14..18 => self.now += self.rng.u64(..2_000),
            18 => self.now += self.rng.u64(..10_000),
            _ => self.now -= self.rng.u64(..3_000),
        }
        self.scripts.set_time(self.now);
    }

    fn modelled_side(&mut self) -> BTreeMap<Bytes, Bytes> {
        let Some(side) = self.model.lease_book().side.clone() else { return BTreeMap::new() };
        let mut fields: BTreeMap<Bytes, Bytes> = BTreeMap::from([("=leases".into(), "1".into())]);
        fields.extend(side.fence.map(|fence| ("=fence".into(), fence.to_string().into())));
        for (key, record) in side.records {
            let digest = self.scripts.sha1(&record.value);
            fields.insert(key, format!("{} {} {digest}", record.fence, record.revision).into());
        }
        fields
    }

    /// Sometimes sets the key of an operation with a lease instead.
    fn leased(&mut self, operation: KeyOperation) -> KeyOperation {
        if self.rng.u8(..5) > 1 {
            return operation;
        }
        let key = operation.key().clone();
        let held = self.model.fields().remove(key.as_bytes());
        let only_if = match (self.rng.u8(..6), held) {
            (0, _) => OnlyIf::Absent,
            (1, Some(value)) => OnlyIf::Equals(value),
            (2, _) => OnlyIf::Equals(generate::value(&mut self.rng)),
            _ => OnlyIf::Any,
        };
        let expiry = Expiry::new(Duration::from_millis(self.rng.u64(1000..4000))).unwrap();
        KeyOperation::SetExpiring { key, value: generate::value(&mut self.rng), expiry, only_if }
    }

    fn operation(&mut self) -> Operation {
        match generate::operation(&mut self.rng, &self.model) {
            Operation::Key(operation) => Operation::Key(self.leased(operation)),
            Operation::Batch(mut batch) => {
                batch.steps = batch.steps.into_iter().map(|step| self.leased(step)).collect();
                Operation::Batch(batch)
            }
            other @ (Operation::Reset | Operation::TestAndReset { .. } | Operation::Destroy) => other,
        }
    }

    fn write(&mut self) -> String {
        let operation = self.operation();
        let aware = self.rng.u8(..5) > 0 || operation.begins_lease();
        let write = Write::new(operation, generate::ttl(&mut self.rng))
            .lists(generate::lists(&mut self.rng))
            .leases(aware);
        let what = format!("{write:?}");
        let before = self.model.clone();
        let real = self.scripts.write(&write);
        let modelled = self.model.write(self.now, &write);
        let (written, published) = match modelled {
            Ok((written, published)) => (Ok(written), published),
            Err(error) => (Err(error), Vec::new()),
        };
        assert_eq!(real, written, "{what}");
        assert_eq!(self.scripts.notifications(), published, "{what}");
        self.remember(&published);
        let name = write.operation.name();
        let began =
            published.iter().any(|payload| Notification::decode(payload).unwrap().lease_left.is_some());
        if began {
            self.count(if name == "batch" { "began in a batch" } else { "began alone" });
        } else if name == "set_expiring" {
            self.count("not begun");
        }
        if !published.is_empty() {
            self.note(&before, name, aware);
        }
        what
    }

    fn group(&mut self) -> String {
        let operations: Vec<_> = generate::group(&mut self.rng, &self.model)
            .into_iter()
            .map(|operation| match operation {
                Operation::Key(operation) => Operation::Key(self.leased(operation)),
                other @ (Operation::Reset
                | Operation::TestAndReset { .. }
                | Operation::Destroy
                | Operation::Batch(_)) => other,
            })
            .collect();
        let ttl = generate::ttl(&mut self.rng);
        let what = format!("group of {operations:?}, {ttl:?}");
        let real = self.scripts.group_leased(ttl, &operations);
        let before = self.model.clone();
        let writes = operations.iter().map(|operation| Write::new(operation.clone(), ttl).leases(true));
        let (model, modelled, published) = one_by_one(&self.model, self.now, writes);
        match real {
            Ok(real) => {
                assert_eq!(real, modelled, "{what}");
                assert_eq!(self.scripts.notifications(), published, "{what}");
                self.model = model;
                if self.remember(&published) {
                    self.count("began in a group");
                }
                self.note(&before, "group", true);
            }
            Err(error) => {
                assert!(
                    matches!(error, WriteError::RevisionsExhausted | WriteError::CorruptRevision),
                    "{error}: {what}"
                );
                self.scripts.expect_silence(&what);
            }
        }
        what
    }

    /// Notes the leases that notifications announce. Returns whether there is one.
    fn remember(&mut self, published: &[Vec<u8>]) -> bool {
        let mut any = false;
        for payload in published {
            let notification = Notification::decode(payload).unwrap();
            let Some(key) = notification.key().filter(|_| notification.lease_left.is_some()) else {
                continue;
            };
            any = true;
            let record = self.model.lease_book().side.iter().find_map(|side| side.records.get(key));
            if let Some(record) = record {
                self.begun.push(Held::new(rmap_proto::Key::new(key).unwrap(), record.fence));
            }
        }
        any
    }

    /// Counts what an applied write did to leases.
    fn note(&mut self, before: &Authority, name: &str, aware: bool) {
        let records = |model: &Authority| {
            model.lease_book().side.as_ref().map(|side| side.records.clone()).unwrap_or_default()
        };
        let (old, new) = (records(before), records(&self.model));
        let ended = old.keys().any(|key| !new.contains_key(key));
        let carried = old.iter().any(|(key, record)| {
            new.get(key).is_some_and(|after| after.fence == record.fence && after.value != record.value)
        });
        if ended {
            self.count(&if before.exists() {
                format!("ended by {name}")
            } else {
                "ended by a life".to_owned()
            });
        }
        if carried {
            self.count(&format!("carried by {name}"));
        }
        if !aware && !old.is_empty() {
            self.count("kept past the sidecars");
        }
    }

    pub(crate) fn count(&mut self, what: &str) {
        *self.met.entry(what.to_owned()).or_default() += 1;
    }
}

/// A model and a server agree that a lease of a handle without sidecars does not exist.
#[test]
fn a_reap_of_a_map_that_never_had_leases_makes_no_sidecar() {
    let server = Server::start();
    let mut scripts = Scripts::new(&server, "none");
    let reaped = scripts.reap(Ttl::None).unwrap();
    assert_eq!((reaped.revision, reaped.deleted, reaped.dropped, reaped.next), (None, 0, 0, None));
    assert_eq!((scripts.side().len(), scripts.deadlines()), (0, None));
}
