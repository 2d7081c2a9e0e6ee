//! Properties of the decoders on arbitrary bytes. The fuzz target `notification` and the test of its corpus share this
//! file.

use bytes::Bytes;
use rmap_proto::script::{check_refused, decode_check, decode_read, decode_written};
use rmap_proto::{
    Change, Key, MapName, Mark, Notification, Part, Read, ReadReply, Reply, Revision, ServerError,
    WriteError, is_reserved, list,
};

/// Deepest nesting of arrays in a generated reply.
const DEPTH: u8 = 3;

/// Chooses the decoder by the first byte and feeds it the rest.
pub(crate) fn check(data: &[u8]) {
    let Some((&decoder, input)) = data.split_first() else { return };
    match decoder % 8 {
        0 => check_payload(input),
        1 => check_tail(input),
        2 => check_list(input),
        3 => check_number(input),
        4 => check_names(input),
        5 => check_error(input),
        6 => check_written(Input::new(input).reply(DEPTH)),
        _ => check_reads(input),
    }
}

/// A decoded payload begins with its own encoding without tags, and survives encoding and decoding.
fn check_payload(payload: &[u8]) {
    let key = Notification::key_of(payload);
    let notification = match Notification::decode(payload) {
        Ok(notification) => notification,
        Err(fault) => {
            assert!(fault.offset <= payload.len(), "{fault}");
            return;
        }
    };
    assert_eq!(key, notification.key());
    assert_eq!(Notification::decode(&notification.encode()), Ok(notification));
    let plain = Notification::new(notification.revision, notification.change).encode();
    let tail = payload.strip_prefix(&plain[..]).expect("a payload begins with what it says");
    match notification.change {
        Change::Set { .. } | Change::Delete { .. } => {
            let found = Tags {
                remaining: notification.remaining,
                born: notification.born,
                left: notification.lease_left,
            };
            assert_eq!(tags(tail), Some(found));
            let cut = Notification::decode(&plain[..plain.len() - 1]);
            assert!(cut.is_err(), "cut short: {cut:?}");
        }
        Change::Reset | Change::Destroy => {
            assert!(tail.is_empty());
            assert_eq!((notification.remaining, notification.born), (0, false));
            assert_eq!(notification.lease_left, None);
        }
    }
    assert_eq!(notification.is_whole(), notification.born || notification.key().is_none());
    assert_ne!(notification.key(), Some(&b""[..]));
}

/// Bytes after a sound payload never alter the change: they are our tags, foreign bytes, or a fault.
fn check_tail(tail: &[u8]) {
    let set = Notification::new(Revision::ONE, Change::Set { key: b"k", value: b"v" });
    let payload = [&set.encode()[..], tail].concat();
    match (Notification::decode(&payload), tags(tail)) {
        (Ok(found), Some(tags)) => assert_eq!(found, tags.on(set)),
        (Err(fault), None) => assert_eq!(fault.part, Part::Extension),
        (found, expected) => panic!("{found:?} where the tags are {expected:?}"),
    }
    let reset = [b"reset:1", tail].concat();
    let digits = tail.iter().all(u8::is_ascii_digit) && tail.len() < 14;
    assert_eq!(Notification::decode(&reset).is_ok(), digits);
}

/// The tags of a notification.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tags {
    remaining: u32,
    born: bool,
    left: Option<u64>,
}

impl Tags {
    /// A notification without tags, with these tags.
    pub(crate) fn on(self, notification: Notification<'_>) -> Notification<'_> {
        notification.remaining(self.remaining).born(self.born).lease_left(self.left)
    }
}

/// An independent reader of the tags `B`, `N` and `L`. `None` stands for a fault.
pub(crate) fn tags(tail: &[u8]) -> Option<Tags> {
    let (mut remaining, mut born, mut left) = (None, None, None);
    let Some(mut rest) = tail.strip_prefix(b"RM") else { return Some(Tags::default()) };
    while let Some((tag, after)) = rest.split_first() {
        let (length, after) = after.split_first_chunk::<4>()?;
        let (field, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        let repeated = match tag {
            b'B' => remaining.replace(u32::from_le_bytes(field.try_into().ok()?)).is_some(),
            b'N' if field.is_empty() => born.replace(true).is_some(),
            b'N' => true,
            b'L' => {
                let number = str::from_utf8(field).ok().and_then(|text| text.parse::<u64>().ok());
                left = left.or_else(|| number.filter(|number| number.to_string().as_bytes() == field));
                false
            }
            _ => false,
        };
        if repeated {
            return None;
        }
        rest = after;
    }
    Some(Tags { remaining: remaining.unwrap_or_default(), born: born.unwrap_or_default(), left })
}

/// A list survives writing and reading.
fn check_list(value: &[u8]) {
    let Ok(items) = list::parse(value) else { return };
    let written = list::encode(&items);
    assert_eq!(list::parse(&written).as_ref(), Ok(&items));
    if !value.contains(&b'[') {
        assert!(items.iter().all(|item| !item.is_empty() && !item.contains(',')));
    }
}

/// Exactly canonical decimal is a mark. A revision is canonical decimal below the limit.
fn check_number(text: &[u8]) {
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<u64>().ok());
    let canonical = number.filter(|number| number.to_string().as_bytes() == text);
    assert_eq!(Mark::parse_id(text), canonical);
    let below = canonical.filter(|number| *number < Revision::LIMIT);
    assert_eq!(Revision::parse(text).map(Revision::get), below);
}

fn check_names(text: &[u8]) {
    let key = Key::new(text);
    assert_eq!(key.is_ok(), !text.is_empty() && !is_reserved(text));
    let Ok(name) = MapName::new(text) else { return };
    assert!(!text.is_empty() && !text.contains(&b' ') && !text.contains(&0));
    assert_eq!(&name.hash_key()[..], [b"map:", text, b":content"].concat());
}

/// Every error reply is classified, and a refused check names a right.
fn check_error(text: &[u8]) {
    let text = String::from_utf8_lossy(text);
    let error = ServerError::parse(&text);
    let name = MapName::new("flags").expect("a valid name");
    assert_eq!(check_refused(&name, &error).is_some(), error.code == "NOPERM");
    let classified = WriteError::from_server(error.clone());
    if error.code == "ERR" && !error.message.contains("Script killed by user") {
        assert_eq!(classified, WriteError::Indeterminate(error));
    }
}

fn check_written(reply: Reply) {
    let _ = decode_check(reply.clone());
    let Ok(written) = decode_written(reply) else { return };
    assert!(written.revision.is_none_or(|revision| revision.get() < Revision::LIMIT));
}

fn check_reads(input: &[u8]) {
    let reply = Input::new(input).reply(DEPTH);
    let mark = Mark::new(Bytes::new(), 1);
    let reads = [
        Read::Snapshot { mark: mark.clone(), max_fields: 1000, max_bytes: 1 << 20 },
        Read::Probe { mark },
        Read::Page { cursor: 0, count: 1000 },
    ];
    for read in reads {
        let entries = match decode_read(&read, reply.clone()) {
            Ok(ReadReply::Snapshot(snapshot)) => snapshot.content.unwrap_or_default(),
            Ok(ReadReply::Page(page)) => page.entries,
            Ok(_) | Err(_) => continue,
        };
        assert!(entries.content.iter().all(|(key, _)| !is_reserved(key)));
        assert!(entries.reserved.iter().all(|field| is_reserved(field)));
    }
}

/// Bytes that generate a reply, consumed from the front.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Generates a reply of any shape. Small numbers and flat arrays take few bytes, since every sound reply has them.
    fn reply(&mut self, depth: u8) -> Reply {
        match self.byte() {
            0 => Reply::Nil,
            1 => Reply::Integer(i64::from(i8::from_ne_bytes([self.byte()]))),
            2 => {
                let mut number = [0; 8];
                let taken = self.take(8);
                number[..taken.len()].copy_from_slice(taken);
                Reply::Integer(i64::from_le_bytes(number))
            }
            3 if depth > 0 => {
                let length = self.byte() % 32;
                Reply::Array((0..length).map(|_| self.reply(depth - 1)).collect())
            }
            length => Reply::Bytes(Bytes::copy_from_slice(self.take(usize::from(length % 32)))),
        }
    }
}
