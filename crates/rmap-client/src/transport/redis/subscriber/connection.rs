//! Makes a subscriber connection: its socket, the login, and the rights of its user.

use std::io;

use bytes::BytesMut;
use rmap_proto::ServerError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::super::error::ConnectError;
use super::super::greeting::{Greeting, greeting};
use super::super::options::RedisOptions;
use super::super::server::Server;
use super::frame::{self, Frame, Received};
use super::socket::{self, Socket};

/// Longest answer before the first subscription.
const LONGEST_ANSWER: usize = 64 << 10;

/// A connection on which nothing is subscribed yet.
pub(super) struct Connection {
    pub(super) socket: Box<dyn Socket>,
    pub(super) received: Received,
    /// True if the user may send PING, which detects a dead connection.
    pub(super) may_ping: bool,
}

impl Connection {
    /// Connects to a server, in one attempt.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind.
    pub(super) async fn open(options: &RedisOptions, server: &Server) -> Result<Self, ConnectError> {
        let lost = |error: io::Error| ConnectError::from_io(options.address(), &error);
        let refused = |error: ServerError| ConnectError::from_server(options.address(), &error);
        let options = &options.with_credentials_for(server).await?;
        let socket = socket::open(options.target(), server).await.map_err(lost)?;
        let mut connection = Self { socket, received: Received::default(), may_ping: true };
        if let (user, Some(password)) = options.target().credentials() {
            let user = user.map(str::as_bytes);
            let words: Vec<&[u8]> =
                [&b"AUTH"[..]].into_iter().chain(user).chain([password.as_bytes()]).collect();
            connection.ask(&words).await.map_err(lost)?.map_err(refused)?;
        }
        let answer = connection.ask(&[b"PING"]).await.map_err(lost)?;
        if greeting(answer).map_err(refused)? == Greeting::WithoutPing {
            tracing::warn!("no PING on the subscriber connection: only probes find out that it is dead");
            connection.may_ping = false;
        }
        Ok(connection)
    }

    /// Sends a command and waits for its answer.
    async fn ask(&mut self, words: &[&[u8]]) -> io::Result<Result<(), ServerError>> {
        let mut command = BytesMut::new();
        frame::encode(words, &mut command);
        self.socket.write_all(&command).await?;
        self.socket.flush().await?;
        loop {
            match self.received.take().map_err(invalid)? {
                Some(Frame::Done) => return Ok(Ok(())),
                Some(Frame::Refused(error)) => return Ok(Err(error)),
                Some(Frame::Message { .. } | Frame::Confirmed) => {
                    return Err(invalid("the server answered something else"));
                }
                None if self.received.bytes.len() > LONGEST_ANSWER => {
                    return Err(invalid("the server's answer is too long"));
                }
                None if self.socket.read_buf(&mut self.received.bytes).await? == 0 => {
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "the server closed the connection",
                    ));
                }
                None => {}
            }
        }
    }
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
