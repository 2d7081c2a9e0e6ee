//! Turns fred's frames into replies.

use ::fred::types::Resp3Frame;
use rmap_proto::{Reply, ServerError};

/// The server's answer: a reply or an error.
pub(in super::super) type Answer = Result<Reply, ServerError>;

/// Reads a frame; `Err` names a kind that a RESP2 server does not send.
pub(super) fn read(frame: Resp3Frame) -> Result<Answer, &'static str> {
    if let Resp3Frame::SimpleError { data, .. } = &frame {
        return Ok(Err(ServerError::parse(data)));
    }
    plain(frame).map(Ok)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "fred has frames of RESP3, all of them refused alike")]
fn plain(frame: Resp3Frame) -> Result<Reply, &'static str> {
    match frame {
        Resp3Frame::BlobString { data, .. } | Resp3Frame::SimpleString { data, .. } => Ok(Reply::Bytes(data)),
        Resp3Frame::Number { data, .. } => Ok(Reply::Integer(data)),
        Resp3Frame::Null => Ok(Reply::Nil),
        Resp3Frame::Array { data, .. } => array(data),
        // fred takes an inner array for a push, with an extra word in front, if it looks like a message: for example
        // a page of two fields, the first of which is called `pmessage`.
        Resp3Frame::Push { mut data, .. } if !data.is_empty() => {
            data.remove(0);
            array(data)
        }
        Resp3Frame::SimpleError { .. } | Resp3Frame::BlobError { .. } => Err("an error inside of an array"),
        _ => Err("a kind of frame that is not RESP2"),
    }
}

fn array(frames: Vec<Resp3Frame>) -> Result<Reply, &'static str> {
    frames.into_iter().map(plain).collect::<Result<_, _>>().map(Reply::Array)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn text(text: &'static str) -> Resp3Frame {
        Resp3Frame::BlobString { data: Bytes::from_static(text.as_bytes()), attributes: None }
    }

    #[test]
    fn errors_are_split() {
        let frame = Resp3Frame::SimpleError { data: "NOPERM no right".into(), attributes: None };
        assert_eq!(read(frame), Ok(Err(ServerError::parse("NOPERM no right"))));
    }

    #[test]
    fn an_inner_array_that_fred_took_for_a_message_is_restored() {
        let prefix = Resp3Frame::SimpleString { data: Bytes::from_static(b"pubsub"), attributes: None };
        let inner = Resp3Frame::Push {
            data: vec![prefix, text("pmessage"), text("a"), text("b"), text("c")],
            attributes: None,
        };
        let frame = Resp3Frame::Array { data: vec![text("0"), inner], attributes: None };
        let bytes = |text: &'static str| Reply::Bytes(Bytes::from_static(text.as_bytes()));
        let page = Reply::Array(vec![bytes("pmessage"), bytes("a"), bytes("b"), bytes("c")]);
        assert_eq!(read(frame), Ok(Ok(Reply::Array(vec![bytes("0"), page]))));
    }

    #[test]
    fn foreign_kinds_are_named() {
        assert!(read(Resp3Frame::Boolean { data: true, attributes: None }).is_err());
        assert!(read(Resp3Frame::Push { data: Vec::new(), attributes: None }).is_err());
    }
}
