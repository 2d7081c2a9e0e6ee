//! Every kind of write on every kind of hash, with each command withdrawn that a script may call, and with full memory.
//! The write is whole, as in the model, or refused without a trace. Its outcome is never unknown.

use std::collections::BTreeMap;

use fastrand::Rng;
use integration_tests::Server;
use rmap_model::Authority;
use rmap_proto::{KeyOperation, Notification, Operation, Ttl, Write, WriteError, WriteReply};

use crate::{
    absolute, batch, bytes, delete, every_operation, inc, key, may_delete, plain, set, sliding, texts,
};
use integration_tests::Scripts;

/// Rights that may be withdrawn: all commands of the scripts, commands that they once called, the channel, and writing
/// to the key.
const RULES: &[&str] = &[
    "-hdel",
    "-hget",
    "-hgetall",
    "-hincrby",
    "-hkeys",
    "-hlen",
    "-hmget",
    "-hset",
    "-persist",
    "-pexpire",
    "-pexpireat",
    "-pexpiretime",
    "-pttl",
    "-publish",
    "-time",
    "-unlink",
    "resetchannels",
    READ_ONLY,
];
const READ_ONLY: &str = "resetkeys %R~*";
const ALL: &[&str] = &["+@all", "~*", "&*"];

const BY_HAND_MS: u64 = 10_000_000;

/// Hashes without the key `k`, and whether they get it. Without `=rev` or `=kind` the script creates more than `HSET`
/// can take back.
const STATES: &[(&[(&str, &str)], bool)] = &[
    (&[("=kind", "set"), ("=rev", "7")], true),
    (&[("=kind", "set"), ("=rev", "7"), ("n", "5"), ("d", "x")], true),
    (&[("=kind", "set"), ("=rev", "7"), ("n", "5"), ("d", "x")], false),
    (&[("=rev", "7"), ("n", "5")], true),
    (&[("=kind", "odd"), ("d", "x")], true),
    (&[], true),
    (&[("d", "x")], false),
    (&[], false),
];

/// Requests of one script.
#[derive(Debug, Clone)]
enum Request {
    Alone(Operation),
    Group(Vec<Operation>),
}

/// A request, the previous value of `k`, whether it works with full memory, and its needs on a complete hash.
struct Case {
    request: Request,
    held: &'static str,
    frees: bool,
    needs: &'static [&'static str],
}

const SETS: &[&str] = &[READ_ONLY, "-hmget", "-hset", "-publish", "resetchannels"];
const DELETES: &[&str] = &[READ_ONLY, "-hmget", "-hset", "-hdel", "-publish", "resetchannels"];
const CLEARS: &[&str] = &[READ_ONLY, "-hmget", "-hset", "-unlink", "-pttl", "-publish", "resetchannels"];
const TESTED_CLEARS: &[&str] =
    &[READ_ONLY, "-hget", "-hmget", "-hset", "-unlink", "-pttl", "-publish", "resetchannels"];

fn cases() -> Vec<Case> {
    let alone = |(held, operation): (&'static str, Operation)| {
        let (frees, needs) = match &operation {
            Operation::Reset | Operation::Destroy => (true, CLEARS),
            Operation::TestAndReset { .. } => (true, TESTED_CLEARS),
            Operation::Batch(_) => (false, SETS),
            Operation::Key(on_key) if may_delete(on_key) => (true, DELETES),
            Operation::Key(_) => (false, SETS),
        };
        Case { request: Request::Alone(operation), held, frees, needs }
    };
    let shortened = Operation::Key(KeyOperation::RemoveValues { key: key("k"), items: texts(&["5"]) });
    let (put, drop) = (
        |name: &str| KeyOperation::Set { key: key(name), value: bytes("new") },
        |name: &str| KeyOperation::Delete { key: key(name) },
    );
    let batch = |frees, needs, steps| Case { request: Request::Alone(batch(steps)), held: "5", frees, needs };
    let group =
        |frees, needs, operations| Case { request: Request::Group(operations), held: "5", frees, needs };
    let mut cases: Vec<Case> = every_operation().into_iter().map(alone).collect();
    cases.extend([
        Case { frees: false, needs: SETS, ..alone((r#"["5","6"]"#, shortened)) },
        batch(false, DELETES, vec![put("new"), drop("k"), KeyOperation::Inc { key: key("n"), delta: 1 }]),
        batch(
            false,
            DELETES,
            vec![drop("k"), drop("d"), drop("k"), put("k"), drop("d"), put("x"), drop("k")],
        ),
        batch(true, DELETES, vec![drop("k"), drop("d"), drop("n")]),
        group(false, DELETES, vec![set("new", "v"), inc("n", 1), delete("k"), set("k", "w"), delete("d")]),
        group(false, DELETES, vec![set("k", "v"), delete("k"), inc("n", -1)]),
        group(false, SETS, vec![inc("n", 1), set("k", "v"), inc("k", 1)]),
        group(true, DELETES, vec![delete("k"), delete("d"), delete("k"), delete("n")]),
    ]);
    cases
}

/// One try.
#[derive(Debug, Clone)]
struct Setting {
    state: usize,
    ttl: Ttl,
    expires: bool,
    full: bool,
}

struct Rights {
    scripts: Scripts,
    /// Number of tries that were refused, and of those that were not.
    seen: BTreeMap<bool, usize>,
}

impl Rights {
    fn new(server: &Server) -> Self {
        Self { scripts: Scripts::new(server, "rights"), seen: BTreeMap::new() }
    }

    fn log_in(&mut self, withdrawn: &[&str]) {
        let rules: Vec<&str> = withdrawn.iter().flat_map(|rule| rule.split(' ')).collect();
        self.scripts.log_in(&[ALL, &rules].concat());
    }

    /// Creates the same hash on the server and in the model.
    fn given(&mut self, case: &Case, setting: &Setting) -> Authority {
        let (fields, has_key) = STATES[setting.state];
        let key = has_key.then_some(("k", case.held));
        let fields: Vec<_> = fields.iter().copied().chain(key).collect();
        self.scripts.given(&fields);
        let mut model = Authority::new();
        for (field, value) in fields {
            model.hset(field, value);
        }
        if setting.expires && model.exists() {
            self.scripts.expire(BY_HAND_MS);
            model.expire(0, std::time::Duration::from_millis(BY_HAND_MS));
        }
        model
    }

    fn run(
        &mut self,
        request: &Request,
        ttl: Ttl,
    ) -> Result<Vec<Result<WriteReply, WriteError>>, WriteError> {
        match request {
            Request::Alone(operation) => {
                self.scripts.write(&Write::new(operation.clone(), ttl)).map(|written| vec![Ok(written)])
            }
            Request::Group(operations) => self.scripts.group(ttl, operations),
        }
    }

    /// Tries the request. Returns true if it was refused. Everything unexpected fails the test.
    fn attempt(&mut self, case: &Case, setting: &Setting, withdrawn: &[&str]) -> bool {
        let model = self.given(case, setting);
        let before = (self.scripts.hash(), self.scripts.deadline());
        let what = format!("{:?} in {setting:?} with {withdrawn:?}", case.request);
        if setting.full {
            self.scripts.command(&["CONFIG", "SET", "maxmemory", "1"]);
        }
        let outcome = self.run(&case.request, setting.ttl);
        if setting.full {
            self.scripts.command(&["CONFIG", "SET", "maxmemory", "0"]);
        }
        let refused = match outcome {
            Ok(outcomes) => {
                self.expect_whole(model, case, setting, &outcomes, &what);
                false
            }
            Err(WriteError::Rejected(error)) => {
                assert!(error.code != "OOM" || (setting.full && !case.frees), "{error}: {what}");
                assert_eq!((self.scripts.hash(), self.scripts.deadline()), before, "{what}");
                self.scripts.expect_silence(&what);
                true
            }
            Err(error) => panic!("{error}: {what}"),
        };
        *self.seen.entry(refused).or_default() += 1;
        refused
    }

    fn expect_whole(
        &mut self,
        mut model: Authority,
        case: &Case,
        setting: &Setting,
        outcomes: &[Result<WriteReply, WriteError>],
        what: &str,
    ) {
        let published = self.scripts.notifications();
        // A first revision is the server's clock, and the model must read it at the same moment.
        let now = match (model.revision().unwrap(), published.first()) {
            (Some(revision), _) if revision.get() > 0 => 1,
            (_, None) => 1,
            (_, Some(payload)) => Notification::decode(payload).unwrap().revision.get(),
        };
        let operations = match &case.request {
            Request::Alone(operation) => std::slice::from_ref(operation),
            Request::Group(operations) => operations,
        };
        let (mut modelled, mut payloads) = (Vec::new(), Vec::new());
        if setting.expires && model.exists() {
            model.expire(now, std::time::Duration::from_millis(BY_HAND_MS));
        }
        for operation in operations {
            let outcome = model.write(now, &Write::new(operation.clone(), setting.ttl));
            modelled.push(outcome.map(|(written, more)| {
                payloads.extend(more);
                written
            }));
        }
        assert_eq!(outcomes, modelled, "{what}");
        assert_eq!(published, payloads, "{what}");
        assert_eq!(self.scripts.hash(), model.fields(), "{what}");
        let left = match model.ttl(now) {
            Some(ttl) => i64::try_from(ttl.as_millis()).unwrap(),
            None => -1 - i64::from(!model.exists()),
        };
        // The times to live are far apart: none, by hand, absolute, sliding.
        assert!(self.scripts.pttl().abs_diff(left) < BY_HAND_MS / 2, "{left}: {what}");
    }
}

fn settings() -> Vec<Setting> {
    let ttls = [plain, absolute, sliding].map(|handle| handle(Operation::Reset).ttl);
    let mut settings = Vec::new();
    for state in 0..STATES.len() {
        for (index, ttl) in ttls.into_iter().enumerate() {
            for full in [false, true] {
                // Each kind of handle meets both, on one state or another.
                settings.push(Setting { state, ttl, expires: (state + index) % 2 == 0, full });
            }
        }
    }
    settings
}

#[test]
fn with_all_rights_nothing_is_refused_but_what_needs_memory() {
    let server = Server::start();
    let mut rights = Rights::new(&server);
    rights.log_in(&[]);
    for case in cases() {
        for setting in settings() {
            let refused = rights.attempt(&case, &setting, &[]);
            assert!(!refused || setting.full, "{:?} in {setting:?}", case.request);
            assert!(!refused || !case.frees, "{:?} in {setting:?}", case.request);
        }
    }
    assert!(rights.seen[&true] > 100 && rights.seen[&false] > 100, "{:?}", rights.seen);
}

#[test]
fn without_one_right_a_write_is_whole_or_leaves_no_trace() {
    let server = Server::start();
    let mut rights = Rights::new(&server);
    for rule in RULES {
        rights.log_in(&[rule]);
        for case in cases() {
            for setting in settings() {
                let refused = rights.attempt(&case, &setting, &[rule]);
                if setting.state == 1 && !setting.full && setting.ttl == Ttl::None {
                    let expected = case.needs.contains(rule);
                    assert_eq!(refused, expected, "{:?} with {rule}", case.request);
                }
            }
        }
    }
    assert!(rights.seen[&true] > 100 && rights.seen[&false] > 100, "{:?}", rights.seen);
}

/// `RMAP_SEED=… cargo test -p integration-tests --test scripts without_several` replays a failure.
#[test]
fn without_several_rights_a_write_is_whole_or_leaves_no_trace() {
    let seed = std::env::var("RMAP_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("replay: RMAP_SEED={seed} cargo test -p integration-tests --test scripts without_several");
    let mut rng = Rng::with_seed(seed);
    let server = Server::start();
    let mut rights = Rights::new(&server);
    let (cases, settings) = (cases(), settings());
    for _ in 0..600 {
        let mut rules = RULES.to_vec();
        rng.shuffle(&mut rules);
        rules.truncate(rng.usize(2..5));
        rights.log_in(&rules);
        for _ in 0..10 {
            let (case, setting) = (&cases[rng.usize(..cases.len())], &settings[rng.usize(..settings.len())]);
            rights.attempt(case, setting, &rules);
        }
    }
    assert!(rights.seen[&true] > 100 && rights.seen[&false] > 100, "{:?}", rights.seen);
}

/// The first command already refuses a value of another type, whatever else is withdrawn.
#[test]
fn a_key_of_another_type_is_told_and_kept() {
    let server = Server::start();
    let mut rights = Rights::new(&server);
    for rule in RULES.iter().filter(|rule| !["-hmget", READ_ONLY].contains(*rule)) {
        rights.log_in(&[rule]);
        for case in cases() {
            rights.scripts.delete_hash();
            rights.scripts.command(&["SET", "map:rights:content", "text"]);
            for ttl in [plain, sliding].map(|handle| handle(Operation::Reset).ttl) {
                assert_eq!(rights.run(&case.request, ttl), Err(WriteError::WrongType), "{:?}", case.request);
            }
        }
    }
    rights.scripts.expect_silence("another type");
}
