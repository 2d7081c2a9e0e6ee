//! One connection through a proxy, frame by frame.

use std::io;
use std::sync::Arc;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;

use super::direction::Direction;
use super::flow::Flow;
use super::frame;
use super::rules::{Mishap, Rules, Side, Trap};

/// Passes a connection on until one end or the proxy ends it. Dropping the sockets closes them.
pub(super) async fn pass(client: TcpStream, rules: watch::Receiver<Rules>, trap: Arc<Trap>) {
    let Ok(connection) = Connection::open(client, rules, trap).await else { return };
    // The reason for the end does not matter.
    let _ = connection.run().await;
}

/// The proxy closes the connection.
struct Ended;

impl From<io::Error> for Ended {
    fn from(_: io::Error) -> Self {
        Self
    }
}

struct Connection {
    rules: watch::Receiver<Rules>,
    trap: Arc<Trap>,
    client: TcpStream,
    server: TcpStream,
    /// The current port of `server`.
    port: u16,
    side: Side,
    /// Number of cuts of each side when this connection began.
    cuts: [u64; 2],
    requests: Flow,
    replies: Flow,
    /// Number of requests without a reply. Meaningless once the connection has subscribed.
    outstanding: usize,
    /// Number of replies before the one that is to be lost.
    losing: Option<usize>,
}

impl Connection {
    async fn open(client: TcpStream, rules: watch::Receiver<Rules>, trap: Arc<Trap>) -> io::Result<Self> {
        let (commands, subscriber) = {
            let rules = rules.borrow();
            (rules.of(Side::Commands).clone(), rules.of(Side::Subscriber).clone())
        };
        client.set_nodelay(true)?;
        Ok(Self {
            rules,
            trap,
            client,
            server: connect(commands.port).await?,
            port: commands.port,
            side: Side::Commands,
            cuts: [commands.cuts, subscriber.cuts],
            requests: Flow::new(Direction::Requests),
            replies: Flow::new(Direction::Replies),
            outstanding: 0,
            losing: None,
        })
    }

    async fn run(mut self) -> Result<(), Ended> {
        loop {
            let mut rule = self.rules.borrow_and_update().of(self.side).clone();
            if rule.cuts != self.cuts[self.side as usize] {
                return Err(Ended);
            }
            let requests_flow = !*rule.stalled.of(Direction::Requests);
            let replies_flow = !*rule.stalled.of(Direction::Replies);
            self.requests.cross(rule.line.as_ref());
            self.replies.cross(rule.line.as_ref());
            let across = [self.requests.across(), self.replies.across()];
            tokio::select! {
                changed = self.rules.changed() => changed.map_err(|_| Ended)?,
                length = self.client.read_buf(&mut self.requests.bytes), if self.requests.may_read() => {
                    received(length)?;
                    self.requests.due = Some(Instant::now() + *rule.delay.of(Direction::Requests));
                }
                length = self.server.read_buf(&mut self.replies.bytes), if self.replies.may_read() => {
                    received(length)?;
                    self.replies.due = Some(Instant::now() + *rule.delay.of(Direction::Replies));
                }
                () = until(across[0]), if across[0].is_some() => {
                    self.requests.write_piece(&mut self.server).await?;
                }
                () = until(across[1]), if across[1].is_some() => {
                    self.replies.write_piece(&mut self.client).await?;
                }
                () = until(self.requests.due), if requests_flow && self.requests.due.is_some() => {
                    self.requests.due = None;
                    self.pass_requests().await?;
                }
                () = until(self.replies.due), if replies_flow && self.replies.due.is_some() => {
                    self.replies.due = None;
                    self.pass_replies().await?;
                }
            }
        }
    }

    async fn pass_requests(&mut self) -> Result<(), Ended> {
        while let Some(request) = self.requests.frame() {
            let subscribed = self.side == Side::Subscriber;
            if frame::is_command(&request, "SUBSCRIBE") {
                self.side = Side::Subscriber;
            }
            if !subscribed {
                self.change_server().await?;
            }
            self.outstanding += 1;
            match self.trap.spring(Direction::Requests, &request) {
                Some(Mishap::LoseRequest) => {
                    self.requests.finish(&mut self.server).await?;
                    return Err(Ended);
                }
                Some(Mishap::LoseReply) => self.losing = Some(self.outstanding),
                Some(Mishap::LoseMessage | Mishap::RepeatMessage) | None => {}
            }
            let slow = self.rules.borrow().of(self.side).line.is_some();
            self.requests.write(&request, &mut self.server, slow).await?;
        }
        Ok(())
    }

    async fn pass_replies(&mut self) -> Result<(), Ended> {
        let slow = self.rules.borrow().of(self.side).line.is_some();
        while let Some(reply) = self.replies.frame() {
            self.outstanding = self.outstanding.saturating_sub(1);
            self.losing = self.losing.map(|replies| replies - 1);
            if self.losing == Some(0) {
                self.replies.finish(&mut self.client).await?;
                return Err(Ended);
            }
            let times = if frame::is_command(&reply, "message") { self.times(&reply) } else { 1 };
            for _ in 0..times {
                self.replies.write(&reply, &mut self.client, slow).await?;
            }
        }
        Ok(())
    }

    /// Number of times that a message is passed on.
    fn times(&self, message: &[u8]) -> usize {
        match self.trap.spring(Direction::Replies, message) {
            Some(Mishap::LoseMessage) => 0,
            Some(Mishap::RepeatMessage) => 2,
            Some(Mishap::LoseRequest | Mishap::LoseReply) | None => 1,
        }
    }

    /// Moves the connection to its side's server, once no reply is missing.
    async fn change_server(&mut self) -> io::Result<()> {
        let port = self.rules.borrow().of(self.side).port;
        if port != self.port && self.outstanding == 0 {
            self.server = connect(port).await?;
            self.port = port;
        }
        Ok(())
    }
}

async fn connect(port: u16) -> io::Result<TcpStream> {
    let server = TcpStream::connect(("127.0.0.1", port)).await?;
    server.set_nodelay(true)?;
    Ok(server)
}

/// Treats the end of the stream as the end of the connection.
fn received(length: io::Result<usize>) -> Result<(), Ended> {
    if length? == 0 { Err(Ended) } else { Ok(()) }
}

/// Waits until a time, if there is one. The timer is only used if there is something to wait for.
async fn until(due: Option<Instant>) {
    if let Some(due) = due
        && due > Instant::now()
    {
        tokio::time::sleep_until(due).await;
    }
}
