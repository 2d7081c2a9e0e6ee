//! Commands on their way out.

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncWriteExt, WriteHalf};

use super::frame;
use super::socket::Socket;

/// Unwritten bytes, so that writing can be interrupted and resumed.
pub(super) struct Outgoing {
    writer: WriteHalf<Box<dyn Socket>>,
    bytes: BytesMut,
    flushed: bool,
}

impl Outgoing {
    pub(super) fn new(writer: WriteHalf<Box<dyn Socket>>) -> Self {
        Self { writer, bytes: BytesMut::new(), flushed: true }
    }

    pub(super) fn add(&mut self, words: &[&[u8]]) {
        frame::encode(words, &mut self.bytes);
        self.flushed = false;
    }

    pub(super) const fn is_waiting(&self) -> bool {
        !self.flushed
    }

    /// Writes all of it.
    ///
    /// # Cancel safety
    ///
    /// The next call writes the bytes that were left when the future was dropped.
    pub(super) async fn send(&mut self) -> io::Result<()> {
        self.writer.write_all_buf(&mut self.bytes).await?;
        self.writer.flush().await?;
        self.flushed = true;
        Ok(())
    }
}
