//! Payloads as a Go peer reads and writes them. This module shares no code with ours.

/// The change in a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    Set { key: Vec<u8>, value: Vec<u8> },
    Delete { key: Vec<u8> },
    Reset,
    Destroy,
}

/// A payload that a Go peer understands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) event: Event,
    pub(crate) revision: u64,
    /// Bytes after the revision of `set` and `del`, which a Go peer ignores.
    pub(crate) trailing: Vec<u8>,
}

/// Reads a payload. `None` if a Go peer cannot.
pub(crate) fn parse(payload: &[u8]) -> Option<Message> {
    if let Some(mut rest) = payload.strip_prefix(b"set:") {
        let event = Event::Set { key: sized(&mut rest)?, value: sized(&mut rest)? };
        let revision = number(&sized(&mut rest)?)?;
        return Some(Message { event, revision, trailing: rest.to_vec() });
    }
    if let Some(mut rest) = payload.strip_prefix(b"del:") {
        let event = Event::Delete { key: sized(&mut rest)? };
        let revision = number(&sized(&mut rest)?)?;
        return Some(Message { event, revision, trailing: rest.to_vec() });
    }
    let (event, rest) = match payload.strip_prefix(b"reset:") {
        Some(rest) => (Event::Reset, rest),
        None => (Event::Destroy, payload.strip_prefix(b"destroy:")?),
    };
    Some(Message { event, revision: number(rest)?, trailing: Vec::new() })
}

/// Writes a payload as a Go peer does, with nothing after the revision.
pub(crate) fn encode(event: &Event, revision: u64) -> Vec<u8> {
    let text = revision.to_string();
    match event {
        Event::Set { key, value } => joined(b"set:", &[key, value, text.as_bytes()]),
        Event::Delete { key } => joined(b"del:", &[key, text.as_bytes()]),
        Event::Reset => format!("reset:{text}").into_bytes(),
        Event::Destroy => format!("destroy:{text}").into_bytes(),
    }
}

fn joined(word: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut payload = word.to_vec();
    for part in parts {
        payload.extend(u32::try_from(part.len()).unwrap().to_le_bytes());
        payload.extend(*part);
    }
    payload
}

fn sized(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let (taken, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *rest = after;
    Some(taken.to_vec())
}

/// Reads plain decimal digits, without an exponent or anything after them.
fn number(text: &[u8]) -> Option<u64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    if digits { std::str::from_utf8(text).ok()?.parse().ok() } else { None }
}
