//! An independent decoder of the wire format, section 4, as short as possible.

use rmap_proto::{Change, Notification, Part, Revision};

use crate::inputs;

/// Returns the notification, or the part that is at fault.
pub(crate) fn decode(payload: &[u8]) -> Result<Notification<'_>, Part> {
    let colon = payload.iter().position(|byte| *byte == b':').ok_or(Part::Kind)?;
    let (word, rest) = (&payload[..colon], &payload[colon + 1..]);
    match word {
        b"set" => {
            let (key, rest) = key(rest)?;
            let (value, rest) = sized(rest).ok_or(Part::Value)?;
            tagged(Change::Set { key, value }, rest)
        }
        b"del" => {
            let (key, rest) = key(rest)?;
            tagged(Change::Delete { key }, rest)
        }
        b"reset" => Ok(Notification::new(revision(rest)?, Change::Reset)),
        b"destroy" => Ok(Notification::new(revision(rest)?, Change::Destroy)),
        _ => Err(Part::Kind),
    }
}

fn sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

fn key(bytes: &[u8]) -> Result<(&[u8], &[u8]), Part> {
    sized(bytes).filter(|(key, _)| !key.is_empty()).ok_or(Part::Key)
}

fn revision(text: &[u8]) -> Result<Revision, Part> {
    let number: Option<u64> = str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    let canonical = number.filter(|number| number.to_string().as_bytes() == text);
    canonical.and_then(Revision::new).ok_or(Part::Revision)
}

fn tagged<'a>(change: Change<'a>, rest: &'a [u8]) -> Result<Notification<'a>, Part> {
    let (text, tail) = sized(rest).ok_or(Part::Revision)?;
    let revision = revision(text)?;
    let tags = inputs::tags(tail).ok_or(Part::Extension)?;
    Ok(tags.on(Notification::new(revision, change)))
}
