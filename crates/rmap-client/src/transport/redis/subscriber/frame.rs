//! Decodes and encodes RESP2 on the subscriber connection.
//!
//! A frame there is a line or a short flat array. The decoder refuses anything else at once, so that no server can
//! make it recurse, or wait for a length that no frame has.

use std::ops::Range;

use bytes::{Buf, Bytes, BytesMut};
use rmap_proto::ServerError;

/// Longer than any line that a server sends.
const LONGEST_LINE: usize = 64 << 10;

/// Longer payloads are not copied.
const LONGEST_COPY: usize = 16 << 10;

/// Longest string that a client can publish at a server with default settings.
const LONGEST_STRING: usize = 512 << 20;

/// A message and a confirmation have three elements, the answer to a PING two.
const MOST_ELEMENTS: usize = 3;

/// One message, or one answer.
#[derive(PartialEq, Eq)]
pub(super) enum Frame {
    Message {
        channel: Bytes,
        payload: Bytes,
    },
    /// One channel is subscribed, or is no longer.
    Confirmed,
    /// The positive answer to AUTH or PING.
    Done,
    Refused(ServerError),
}

/// The received bytes are not a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server sent what is no reply: {what} at its byte {at}")]
pub(super) struct Malformed {
    what: &'static str,
    at: usize,
}

/// Received bytes that are not decoded yet.
#[derive(Default)]
pub(super) struct Received {
    pub(super) bytes: BytesMut,
    /// The channel of the last message. Most messages have the same channel as the one before, and share its name.
    channel: Bytes,
}

impl Received {
    /// Takes the next frame; `None` while it is incomplete.
    pub(super) fn take(&mut self) -> Result<Option<Frame>, Malformed> {
        let mut cursor = Cursor { bytes: &self.bytes, at: 0 };
        let parsed = match cursor.frame() {
            Ok(parsed) => parsed,
            Err(Stop::Incomplete) => return Ok(None),
            Err(Stop::Malformed(malformed)) => return Err(malformed),
        };
        let end = cursor.at;
        let frame = match parsed {
            Parsed::Message { channel, payload } => {
                if self.channel != self.bytes[channel.clone()] {
                    self.channel = Bytes::copy_from_slice(&self.bytes[channel]);
                }
                self.bytes.advance(payload.start);
                let after = end - payload.end;
                let payload = self.take_payload(payload.len());
                self.bytes.advance(after);
                Frame::Message { channel: self.channel.clone(), payload }
            }
            Parsed::Other(frame) => {
                self.bytes.advance(end);
                frame
            }
        };
        Ok(Some(frame))
    }

    /// A waiting payload must not keep much more memory than its own, so it is copied out of a large read.
    fn take_payload(&mut self, length: usize) -> Bytes {
        if length > LONGEST_COPY {
            return self.bytes.split_to(length).freeze();
        }
        let payload = Bytes::copy_from_slice(&self.bytes[..length]);
        self.bytes.advance(length);
        payload
    }
}

/// Appends a command.
pub(super) fn encode(words: &[&[u8]], output: &mut BytesMut) {
    output.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        output.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        output.extend_from_slice(word);
        output.extend_from_slice(b"\r\n");
    }
}

enum Parsed {
    Message { channel: Range<usize>, payload: Range<usize> },
    Other(Frame),
}

enum Element {
    String(Range<usize>),
    Other,
}

enum Stop {
    Incomplete,
    Malformed(Malformed),
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn frame(&mut self) -> Result<Parsed, Stop> {
        match self.byte()? {
            b'*' => self.array(),
            b'+' => {
                self.line()?;
                Ok(Parsed::Other(Frame::Done))
            }
            b'-' => {
                let line = self.line()?;
                let text = String::from_utf8_lossy(&self.bytes[line]);
                Ok(Parsed::Other(Frame::Refused(ServerError::parse(&text))))
            }
            _ => Err(self.malformed("an unknown kind", 1)),
        }
    }

    fn array(&mut self) -> Result<Parsed, Stop> {
        let start = self.at;
        let count = self.length(MOST_ELEMENTS)?.ok_or_else(|| self.malformed("no array", self.at - start))?;
        let mut elements = [Element::Other, Element::Other, Element::Other];
        for element in &mut elements[..count] {
            *element = self.element()?;
        }
        let [Element::String(word), second, third] = elements else {
            return Err(self.malformed("an array without a name", self.at - start));
        };
        match (&self.bytes[word], second, third) {
            (b"message", Element::String(channel), Element::String(payload)) => {
                Ok(Parsed::Message { channel, payload })
            }
            (b"subscribe" | b"unsubscribe", ..) if count == 3 => Ok(Parsed::Other(Frame::Confirmed)),
            (b"pong", ..) if count == 2 => Ok(Parsed::Other(Frame::Done)),
            _ => Err(self.malformed("an array of another kind", self.at - start)),
        }
    }

    fn element(&mut self) -> Result<Element, Stop> {
        match self.byte()? {
            b'$' => self.string(),
            b':' => {
                self.line()?;
                Ok(Element::Other)
            }
            _ => Err(self.malformed("an element of another kind", 1)),
        }
    }

    fn string(&mut self) -> Result<Element, Stop> {
        let Some(length) = self.length(LONGEST_STRING)? else { return Ok(Element::Other) };
        let content = self.at..self.at + length;
        self.at = content.end;
        self.end_of_line()?;
        Ok(Element::String(content))
    }

    /// Reads a length and the end of its line; `None` for -1, which stands for nothing.
    fn length(&mut self, most: usize) -> Result<Option<usize>, Stop> {
        let start = self.at;
        let mut length = 0_u64;
        loop {
            match self.byte()? {
                digit @ b'0'..=b'9' => length = length * 10 + u64::from(digit - b'0'),
                b'-' if self.at == start + 1 && self.byte()? == b'1' => {
                    self.end_of_line()?;
                    return Ok(None);
                }
                b'\r' if self.at > start + 1 => break,
                _ => return Err(self.malformed("no length", 1)),
            }
            if length > most as u64 {
                return Err(self.malformed("too great a length", 1));
            }
        }
        self.at -= 1;
        self.end_of_line()?;
        Ok(usize::try_from(length).ok())
    }

    /// The rest of a line, without its end.
    fn line(&mut self) -> Result<Range<usize>, Stop> {
        let rest = &self.bytes[self.at..];
        match rest.iter().take(LONGEST_LINE).position(|&byte| byte == b'\r') {
            Some(length) => {
                let content = self.at..self.at + length;
                self.at = content.end;
                self.end_of_line()?;
                Ok(content)
            }
            None if rest.len() >= LONGEST_LINE => Err(self.malformed("a line without an end", 0)),
            None => Err(Stop::Incomplete),
        }
    }

    fn end_of_line(&mut self) -> Result<(), Stop> {
        for expected in *b"\r\n" {
            if self.byte()? != expected {
                return Err(self.malformed("no end of a line", 1));
            }
        }
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, Stop> {
        let byte = *self.bytes.get(self.at).ok_or(Stop::Incomplete)?;
        self.at += 1;
        Ok(byte)
    }

    /// Reports an error at the place `ago` bytes before the current one.
    const fn malformed(&self, what: &'static str, ago: usize) -> Stop {
        Stop::Malformed(Malformed { what, at: self.at - ago })
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const MESSAGE: &[u8] = b"*3\r\n$7\r\nmessage\r\n$3\r\nabc\r\n$4\r\n\r\n-x\r\n";

    fn message(channel: &'static [u8], payload: &'static [u8]) -> Frame {
        Frame::Message { channel: Bytes::from_static(channel), payload: Bytes::from_static(payload) }
    }

    fn received(bytes: &[u8]) -> Received {
        Received { bytes: bytes.into(), channel: Bytes::new() }
    }

    fn frames() -> Vec<(&'static [u8], Frame)> {
        let refused = |text: &str| Frame::Refused(ServerError::parse(text));
        vec![
            (MESSAGE, message(b"abc", b"\r\n-x")),
            (b"*3\r\n$7\r\nmessage\r\n$1\r\n\xff\r\n$0\r\n\r\n", message(b"\xff", b"")),
            (b"*3\r\n$9\r\nsubscribe\r\n$7\r\nmessage\r\n:1\r\n", Frame::Confirmed),
            (b"*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n", Frame::Confirmed),
            (b"*2\r\n$4\r\npong\r\n$0\r\n\r\n", Frame::Done),
            (b"+PONG\r\n", Frame::Done),
            (b"+OK\r\n", Frame::Done),
            (b"-NOPERM no\r\n", refused("NOPERM no")),
        ]
    }

    #[test]
    fn frames_are_taken_one_after_another_wherever_they_are_cut() {
        let frames = frames();
        let whole: Vec<u8> = frames.iter().flat_map(|(bytes, _)| *bytes).copied().collect();
        for piece in 1..=whole.len() {
            let mut received = Received::default();
            let mut taken = Vec::new();
            for bytes in whole.chunks(piece) {
                received.bytes.extend_from_slice(bytes);
                taken.extend(std::iter::from_fn(|| received.take().unwrap()));
            }
            assert!(received.bytes.is_empty());
            assert!(taken.iter().eq(frames.iter().map(|(_, frame)| frame)), "{piece}: {taken:?}");
        }
    }

    #[test]
    fn what_is_no_frame_is_named_with_its_place() {
        for (bytes, what, at) in [
            (&b"x"[..], "an unknown kind", 0),
            (b"$3\r\nabc\r\n", "an unknown kind", 0),
            (b":1\r\n", "an unknown kind", 0),
            (b"*4\r\n", "too great a length", 1),
            (b"*-1\r\n", "no array", 1),
            (b"*\r\n", "no length", 1),
            (b"*-2\r\n", "no length", 2),
            (b"*1x", "no length", 2),
            (b"*2\r\n*", "an element of another kind", 4),
            (b"*2\r\n$536870913", "too great a length", 13),
            (b"*2\r\n$99999999999999999999999999", "too great a length", 13),
            (b"*2\r\n$1\r\nxyz", "no end of a line", 9),
            (b"+OK\rx", "no end of a line", 4),
            (b"*0\r\n", "an array without a name", 1),
            (b"*1\r\n:1\r\n", "an array without a name", 1),
            (b"*2\r\n$7\r\nmessage\r\n$1\r\nx\r\n", "an array of another kind", 1),
            (b"*3\r\n$7\r\nmessage\r\n$1\r\nx\r\n:1\r\n", "an array of another kind", 1),
            (b"*3\r\n$8\r\npmessage\r\n$1\r\nx\r\n$1\r\nx\r\n", "an array of another kind", 1),
        ] {
            let shown = bytes.escape_ascii();
            assert_eq!(received(bytes).take(), Err(Malformed { what, at }), "{shown}");
        }
    }

    #[test]
    fn a_line_ends_some_time() {
        let mut endless = received(b"+");
        endless.bytes.extend_from_slice(&[b'x'; LONGEST_LINE - 1]);
        assert_eq!(endless.take(), Ok(None));
        let too_long = Err(Malformed { what: "a line without an end", at: 1 });
        endless.bytes.extend_from_slice(b"x");
        assert_eq!(endless.take(), too_long);
        endless.bytes.extend_from_slice(b"\r\n");
        assert_eq!(endless.take(), too_long);
    }

    /// Any change of one byte is a frame, an error, or the beginning of one, but never a panic.
    #[test]
    fn no_bytes_panic() {
        for (bytes, _) in frames() {
            for at in 0..bytes.len() {
                for byte in 0..=u8::MAX {
                    let mut changed = received(bytes);
                    changed.bytes[at] = byte;
                    while let Ok(Some(_)) = changed.take() {}
                }
            }
        }
    }

    #[test]
    fn a_small_payload_keeps_no_more_memory_than_its_own() {
        for (length, own) in [(1, true), (100, true), (LONGEST_COPY, true), (LONGEST_COPY + 1, false)] {
            let mut received = Received::default();
            let head = format!("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n${length}\r\n");
            for part in [head.as_bytes(), &vec![b'x'; length], b"\r\n*3"] {
                received.bytes.extend_from_slice(part);
            }
            let Some(Frame::Message { payload, .. }) = received.take().unwrap() else { panic!() };
            assert_eq!((payload.len(), payload.is_unique()), (length, own));
            assert_eq!(received.bytes, b"*3"[..]);
        }
    }

    /// All frames, and what ended them.
    fn taken(pieces: impl Iterator<Item = Vec<u8>>) -> (Vec<Frame>, Option<Malformed>) {
        let (mut received, mut frames) = (Received::default(), Vec::new());
        for piece in pieces {
            received.bytes.extend_from_slice(&piece);
            loop {
                match received.take() {
                    Ok(Some(frame)) => frames.push(frame),
                    Ok(None) => break,
                    Err(malformed) => return (frames, Some(malformed)),
                }
            }
        }
        (frames, None)
    }

    /// Beginnings and ends of frames in any order, and bytes of which frames are made.
    fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let part = (0..frames().len(), 0..80_usize, 0..80_usize).prop_map(|(number, from, to)| {
            let bytes = frames()[number].0;
            bytes[from.min(bytes.len())..].iter().take(to).copied().collect()
        });
        let whole = (0..frames().len()).prop_map(|number| frames()[number].0.to_vec());
        let noise = vec(prop::sample::select(&b"*$+-:0123456789\r\nmesag"[..]), 0..8);
        vec(prop_oneof![4 => whole, 1 => part, 1 => noise, 1 => vec(any::<u8>(), 0..8)], 0..12)
    }

    proptest! {
        #[test]
        fn it_makes_no_difference_where_bytes_are_cut(pieces in pieces(), cut in 1..40_usize) {
            let bytes = pieces.concat();
            let at_once = taken(std::iter::once(bytes.clone()));
            let cut = taken(bytes.chunks(cut).map(<[u8]>::to_vec));
            prop_assert_eq!(at_once, cut);
        }
    }

    #[test]
    fn commands_are_arrays_of_strings() {
        let mut output = BytesMut::new();
        encode(&[b"SUBSCRIBE", b"a\r\n", b""], &mut output);
        assert_eq!(output, b"*3\r\n$9\r\nSUBSCRIBE\r\n$3\r\na\r\n\r\n$0\r\n\r\n"[..]);
    }
}
