//! `Debug` forms that show sizes only, because received bytes hold values and debug output ends up in logs.

use std::fmt;

use rmap_proto::Escaped;

use super::frame::{Frame, Received};

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message { channel, payload } => {
                write!(f, "Message({}, {} bytes)", Escaped(channel), payload.len())
            }
            Self::Confirmed => f.write_str("Confirmed"),
            Self::Done => f.write_str("Done"),
            Self::Refused(error) => write!(f, "Refused({error})"),
        }
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Received({} bytes)", self.bytes.len())
    }
}
