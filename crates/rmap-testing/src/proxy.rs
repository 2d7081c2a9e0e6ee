//! A proxy between clients and servers that breaks what passes through it.

mod connection;
mod direction;
mod flow;
mod frame;
mod line;
mod rules;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::Server;
pub use direction::Direction;
pub use line::Line;
pub use rules::Side;
use rules::{Mishap, Rules, Trap};

/// A loopback port that leads to a server while the proxy allows it. Dropping the proxy ends all connections.
///
/// The connections of an rmap client look alike until one of them sends SUBSCRIBE. From then on that connection is on
/// [`Side::Subscriber`], before on [`Side::Commands`].
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    rules: watch::Sender<Rules>,
    trap: Arc<Trap>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    /// Begins to accept connections for a server.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    pub async fn new(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let (rules, observer) = watch::channel(Rules::to(server.port()));
        let trap = Arc::new(Trap::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, observer, Arc::clone(&trap)));
        Self { port, rules, trap, _tasks: tasks }
    }

    /// The URL for the default user without a password.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The URL for a user. Both must be plain enough for a URL.
    #[must_use]
    pub fn url_for_user(&self, user: &str, password: &str) -> String {
        format!("redis://{user}:{password}@127.0.0.1:{}", self.port)
    }

    /// Ends the current connections, on one side or on both. New connections are accepted.
    pub fn cut(&self, side: impl Into<Option<Side>>) {
        let side = side.into();
        self.rules.send_modify(|rules| rules.side(side, |rule| rule.cuts += 1));
    }

    /// Closes new connections at once, until [`heal`](Self::heal). Existing connections stay.
    pub fn refuse(&self) {
        self.rules.send_modify(|rules| rules.refuse = true);
    }

    /// Holds back everything in one direction, on one side or on both, until [`heal`](Self::heal).
    pub fn stall(&self, side: impl Into<Option<Side>>, direction: Direction) {
        let side = side.into();
        self.rules.send_modify(|rules| rules.side(side, |rule| *rule.stalled.of(direction) = true));
    }

    /// Delays everything in one direction, until [`heal`](Self::heal).
    pub fn delay(&self, direction: Direction, delay: Duration) {
        self.rules.send_modify(|rules| rules.side(None, |rule| *rule.delay.of(direction) = delay));
    }

    /// Leads everything over this line, until [`heal`](Self::heal). Several proxies may share a line.
    pub fn slow(&self, line: &Line) {
        self.rules.send_modify(|rules| rules.side(None, |rule| rule.line = Some(line.clone())));
    }

    /// Ends refusals, slow lines, stalls, delays, and a trap that did not spring.
    pub fn heal(&self) {
        self.trap.disarm();
        self.rules.send_modify(Rules::heal);
    }

    /// Drops the next request that contains these bytes before it reaches the server, and ends the connection.
    pub fn lose_request(&self, bytes: impl AsRef<[u8]>) {
        self.trap.arm(bytes.as_ref(), Mishap::LoseRequest);
    }

    /// Passes on the next request that contains these bytes, drops the reply to it, and ends the connection.
    pub fn lose_reply(&self, bytes: impl AsRef<[u8]>) {
        self.trap.arm(bytes.as_ref(), Mishap::LoseReply);
    }

    /// Drops the next message to a subscriber that contains these bytes, without any other sign.
    pub fn lose_message(&self, bytes: impl AsRef<[u8]>) {
        self.trap.arm(bytes.as_ref(), Mishap::LoseMessage);
    }

    /// Passes on the next message to a subscriber that contains these bytes twice.
    pub fn repeat_message(&self, bytes: impl AsRef<[u8]>) {
        self.trap.arm(bytes.as_ref(), Mishap::RepeatMessage);
    }

    /// Leads connections of one side to another server: new connections, and existing ones before their next request.
    ///
    /// A connection that has subscribed stays where it is.
    pub fn reroute(&self, side: impl Into<Option<Side>>, server: &Server) {
        let (side, port) = (side.into(), server.port());
        self.rules.send_modify(|rules| rules.side(side, |rule| rule.port = port));
    }
}

async fn accept(listener: TcpListener, rules: watch::Receiver<Rules>, trap: Arc<Trap>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (client, _) = accepted.expect("a listener accepts");
                if !rules.borrow().refuse {
                    connections.spawn(connection::pass(client, rules.clone(), Arc::clone(&trap)));
                }
            }
            // Otherwise finished tasks would pile up.
            Some(ended) = connections.join_next() => ended.expect("a connection ends in peace"),
        }
    }
}
