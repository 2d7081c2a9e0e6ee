//! The measured calls.

use bytes::Bytes;
use rmap_bench::data::{key, value};
use rmap_proto::script::{self, Invocation};
use rmap_proto::{BatchOperation, Key, KeyOperation, MapName, Mark, Operation, Read, Ttl, Write, list};

use super::ENTRIES;
use crate::raw::{Raw, encode};
use crate::world::fill;

/// The map of the calls that leave its keys in place.
pub(super) const MAP: &str = "scripts";

/// The map of the calls that consume its keys. It is filled again before each round.
const USED_UP: &str = "used-up";

/// A small map, and a map without entries.
const SMALL: &str = "small";
const EMPTY: &str = "empty";

/// A map with the longest allowed list, and one with an empty list.
const LONG: &str = "long";

const SMALL_ENTRIES: u64 = 1_000;
const LONGEST: usize = 100_000;

/// A script that performs a set the way Pulse does, in our words.
const PULSE_WAY: &str = "
local previous = redis.call('HGET', KEYS[1], ARGV[2])
local revision = tostring(redis.call('HINCRBY', KEYS[1], '=rev', 1))
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('HSET', KEYS[1], '=kind', 'set')
local payload = struct.pack('<I4c0I4c0I4c0', #ARGV[2], ARGV[2], #ARGV[3], ARGV[3], #revision, revision)
redis.call('PUBLISH', ARGV[1], 'set:' .. payload)
return {revision, previous}
";

/// Creates the call with this number, as bytes.
type Command = Box<dyn Fn(u64) -> Vec<u8>>;

/// One kind of call.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) map: &'static str,
    pub(super) entries: u64,
    pub(super) command: Command,
    /// Number of replies to one call.
    pub(super) replies: usize,
    /// Number of keys that one call handles.
    pub(super) keys: u64,
    /// Factor by which fewer calls are made than of a cheap kind.
    pub(super) weight: u64,
    /// Values with which the map is filled before each round, for calls that consume them.
    pub(super) afresh: Option<fn(u64) -> Vec<u8>>,
}

impl Case {
    fn new(name: &'static str, command: impl Fn(u64) -> Vec<u8> + 'static) -> Self {
        Self {
            name,
            map: MAP,
            entries: ENTRIES,
            command: Box::new(command),
            replies: 1,
            keys: 1,
            weight: 1,
            afresh: None,
        }
    }

    fn write(name: &'static str, operation: fn(u64) -> Operation) -> Self {
        Self::new(name, move |number| write(MAP, operation(number)))
    }

    /// Writes that consume values of a kind.
    fn used_up(name: &'static str, value: fn(u64) -> Vec<u8>, operation: fn(u64) -> Operation) -> Self {
        let case = Self::new(name, move |number| write(USED_UP, operation(number)));
        Self { map: USED_UP, afresh: Some(value), ..case }
    }

    fn on(self, map: &'static str, entries: u64) -> Self {
        Self { map, entries, ..self }
    }
}

/// All cases. Loads the scripts and fills the small maps.
pub(super) fn cases(raw: &mut Raw) -> Vec<Case> {
    for script in script::ALL {
        raw.command(&["SCRIPT", "LOAD", script.source()]);
    }
    fill(raw, SMALL, SMALL_ENTRIES, value);
    fill(raw, EMPTY, 0, value);
    fill(raw, LONG, 1, |_| list::encode(numbers(LONGEST - 1)));
    let mut cases = floors(raw);
    cases.extend(writes());
    cases.extend(lists());
    cases.extend(longest_lists());
    cases.extend(whole_maps());
    cases
}

fn floors(raw: &mut Raw) -> Vec<Case> {
    let empty = raw.command(&["SCRIPT", "LOAD", "return 1"]).text().to_owned();
    let pulse = raw.command(&["SCRIPT", "LOAD", PULSE_WAY]).text().to_owned();
    let (hash, channel) = (format!("map:{MAP}:content"), format!("map:{MAP}:updates"));
    let own = hash.clone();
    let empty = Case::new("empty script", move |_| encode(&["EVALSHA", &empty, "1", &own]));
    let (own, to) = (hash.clone(), channel.clone());
    let bare = Case::new("HSET and PUBLISH", move |number| {
        let (key, value) = (key(number), value(number));
        let mut both = encode(&[b"HSET".as_slice(), own.as_bytes(), &key, &value]);
        both.extend(encode(&[b"PUBLISH".as_slice(), to.as_bytes(), &value]));
        both
    });
    let pulse = Case::new("set Pulse's way", move |number| {
        let words: [&[u8]; 7] = [
            b"EVALSHA",
            pulse.as_bytes(),
            b"1",
            hash.as_bytes(),
            channel.as_bytes(),
            &key(number),
            &value(number),
        ];
        encode(&words)
    });
    vec![empty, Case { replies: 2, ..bare }, pulse]
}

fn writes() -> Vec<Case> {
    let sets = |number| {
        let steps =
            (number..number + 64).map(|number| KeyOperation::Set { key: name(number), value: bytes(number) });
        Operation::Batch(BatchOperation::new(Vec::new(), steps.collect()))
    };
    let batch = Case::write("set, batches of 64", sets);
    vec![
        Case::write("set", |number| {
            Operation::Key(KeyOperation::Set { key: name(number), value: bytes(number) })
        }),
        Case { keys: 64, weight: 16, ..batch },
        Case::write("set_if_not_exists, not applied", |number| {
            Operation::Key(KeyOperation::SetIfNotExists { key: name(number), value: bytes(number) })
        }),
        Case::used_up("set_if_not_exists, applied", plain, |number| {
            Operation::Key(KeyOperation::SetIfNotExists { key: name(number + ENTRIES), value: bytes(number) })
        }),
        Case::write("test_and_set, applied", |number| {
            Operation::Key(KeyOperation::TestAndSet {
                key: name(number),
                test: bytes(number),
                value: bytes(number),
            })
        }),
        Case::write("inc", |number| {
            Operation::Key(KeyOperation::Inc { key: name(ENTRIES + number % 100), delta: 1 })
        }),
        Case::used_up("delete", plain, |number| Operation::Key(KeyOperation::Delete { key: name(number) })),
        Case::used_up("test_and_delete, applied", plain, |number| {
            Operation::Key(KeyOperation::TestAndDelete { key: name(number), test: bytes(number) })
        }),
    ]
}

fn lists() -> Vec<Case> {
    vec![
        Case::used_up("append_values", short_list, |number| {
            Operation::Key(KeyOperation::AppendValues { key: name(number), items: vec!["three".to_owned()] })
        }),
        Case::used_up("append_unique_values, applied", short_list, |number| {
            Operation::Key(KeyOperation::AppendUniqueValues {
                key: name(number),
                items: vec!["three".to_owned()],
            })
        }),
        Case::used_up("remove_values, applied", short_list, |number| {
            Operation::Key(KeyOperation::RemoveValues { key: name(number), items: vec!["one".to_owned()] })
        }),
    ]
}

/// Every other call undoes the previous one.
fn longest_lists() -> Vec<Case> {
    let items = |number: u64, key, items: Vec<String>| {
        if number.is_multiple_of(2) {
            write(LONG, Operation::Key(KeyOperation::AppendValues { key, items }))
        } else {
            write(LONG, Operation::Key(KeyOperation::RemoveValues { key, items }))
        }
    };
    let one = Case::new("append or remove one of 100,000 items", move |number| {
        items(number, name(0), vec!["one".to_owned()])
    });
    let all =
        Case::new("append or remove 100,000 items", move |number| items(number, name(1), numbers(LONGEST)));
    [one, all].map(|case| Case { weight: 1_000, ..case.on(LONG, 2) }).into()
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{number:05}")).collect()
}

fn whole_maps() -> Vec<Case> {
    let mark = || Mark::new(Bytes::from_static(b"map:scripts:sync:1"), 1);
    let probe = Case::new("probe", move |_| read(MAP, &Read::Probe { mark: mark() }));
    let snapshot = Case::new("snapshot, for each entry", move |_| {
        read(SMALL, &Read::Snapshot { mark: mark(), max_fields: SMALL_ENTRIES, max_bytes: 1 << 20 })
    });
    let reset = Case::new("reset of an empty map", |_| write(EMPTY, Operation::Reset));
    let snapshot = Case { keys: SMALL_ENTRIES, weight: 100, ..snapshot.on(SMALL, SMALL_ENTRIES) };
    vec![probe, snapshot, reset.on(EMPTY, 0)]
}

fn plain(number: u64) -> Vec<u8> {
    value(number).to_vec()
}

fn short_list(_: u64) -> Vec<u8> {
    br#"["one","two"]"#.to_vec()
}

fn name(number: u64) -> Key {
    Key::new(key(number)).unwrap()
}

fn bytes(number: u64) -> Bytes {
    plain(number).into()
}

fn write(map: &str, operation: Operation) -> Vec<u8> {
    let write = Write::new(operation, Ttl::None);
    bytes_of(script::write(&MapName::new(map).unwrap(), &write).unwrap())
}

fn read(map: &str, read: &Read) -> Vec<u8> {
    bytes_of(script::read(&MapName::new(map).unwrap(), read))
}

/// The request in the wire format. fred computes the hash of the script.
fn bytes_of(invocation: Invocation) -> Vec<u8> {
    match invocation {
        Invocation::Script { script, key, args, .. } => {
            let hash = fred::util::sha1_hash(script.source());
            let head = [&b"EVALSHA"[..], hash.as_bytes(), b"1", &key[..]];
            let words: Vec<&[u8]> = head.into_iter().chain(args.iter().map(|arg| &arg[..])).collect();
            encode(&words)
        }
        Invocation::Command { .. } => unreachable!("all of these are scripts"),
    }
}
