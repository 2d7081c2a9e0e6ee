//! The traffic of a connection in one direction.

use std::io;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::direction::Direction;
use super::frame;
use super::line::Line;

/// Bytes that came from one end and have not been passed on.
pub(super) struct Flow {
    direction: Direction,
    pub(super) bytes: Vec<u8>,
    /// Earliest time to pass the bytes on. Nothing more is read before.
    pub(super) due: Option<Instant>,
    /// Frames that wait for a slow line.
    waiting: Vec<u8>,
    /// Number of waiting bytes that were passed on.
    written: usize,
    crossing: Option<Crossing>,
}

/// A piece that is crossing a slow line.
struct Crossing {
    line: Line,
    bytes: usize,
    across: Instant,
}

impl Flow {
    pub(super) fn new(direction: Direction) -> Self {
        let bytes = Vec::with_capacity(1 << 16);
        Self { direction, bytes, due: None, waiting: Vec::new(), written: 0, crossing: None }
    }

    /// The next whole frame.
    pub(super) fn frame(&mut self) -> Option<Vec<u8>> {
        let length = frame::length(&self.bytes)?;
        // Copied at once: byte by byte, a large frame takes a second in an unoptimized build.
        let frame = self.bytes[..length].to_vec();
        self.bytes.copy_within(length.., 0);
        self.bytes.truncate(self.bytes.len() - length);
        Some(frame)
    }

    pub(super) const fn may_read(&self) -> bool {
        self.due.is_none() && self.waiting.is_empty()
    }

    /// Passes a frame on, at once or behind the waiting frames.
    pub(super) async fn write(&mut self, frame: &[u8], to: &mut TcpStream, slow: bool) -> io::Result<()> {
        if slow || !self.waiting.is_empty() {
            self.waiting.extend_from_slice(frame);
            return Ok(());
        }
        to.write_all(frame).await
    }

    /// Puts the next piece on its line. Without a line the piece is across at once.
    pub(super) fn cross(&mut self, line: Option<&Line>) {
        if self.waiting.is_empty() || self.crossing.is_some() {
            return;
        }
        let fast = Line::new(u64::MAX);
        let line = line.unwrap_or(&fast).clone();
        let bytes = line.piece(self.waiting.len() - self.written);
        let across = line.take(self.direction, bytes);
        self.crossing = Some(Crossing { line, bytes, across });
    }

    /// The time at which the piece on the line is across.
    pub(super) fn across(&self) -> Option<Instant> {
        self.crossing.as_ref().map(|crossing| crossing.across)
    }

    pub(super) async fn write_piece(&mut self, to: &mut TcpStream) -> io::Result<()> {
        let Some(Crossing { line, bytes, .. }) = self.crossing.take() else { return Ok(()) };
        to.write_all(&self.waiting[self.written..self.written + bytes]).await?;
        line.count(self.direction, bytes);
        self.written += bytes;
        if self.written == self.waiting.len() {
            (self.waiting, self.written) = (Vec::new(), 0);
        }
        Ok(())
    }

    /// Passes on the waiting bytes, because the connection ends.
    pub(super) async fn finish(&self, to: &mut TcpStream) -> io::Result<()> {
        to.write_all(&self.waiting[self.written..]).await
    }
}
