//! A way to the server that can be cut, and that can hold messages back.

use std::sync::Arc;

use integration_tests::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Passes connections on to a server.
pub(crate) struct Proxy {
    port: u16,
    state: watch::Sender<State>,
    _task: JoinSet<()>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    /// Messages of the server to subscribers wait.
    Held,
    /// There are no connections.
    Cut,
}

impl Proxy {
    pub(crate) async fn new(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (state, observer) = watch::channel(State::Open);
        let mut task = JoinSet::new();
        task.spawn(accept(listener, server.port(), observer));
        Self { port, state, _task: task }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Lets everything pass.
    pub(crate) fn open(&self) {
        self.state.send_replace(State::Open);
    }

    /// Holds back the server's messages on connections that have subscribed.
    pub(crate) fn hold(&self) {
        self.state.send_replace(State::Held);
    }

    /// Ends all connections and accepts no new ones.
    pub(crate) fn cut(&self) {
        self.state.send_replace(State::Cut);
    }
}

async fn accept(listener: TcpListener, server: u16, state: watch::Receiver<State>) {
    let mut connections = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        if *state.borrow() != State::Cut {
            connections.spawn(pass(client, server, state.clone()));
        }
    }
}

/// Passes one connection on until an end or the proxy closes it.
async fn pass(client: TcpStream, server: u16, mut state: watch::Receiver<State>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let subscribed = Arc::new(watch::Sender::new(false));
    let requests = requests(from_client, to_server, Arc::clone(&subscribed));
    let replies = replies(from_server, to_client, subscribed, state.clone());
    tokio::select! {
        () = requests => {}
        () = replies => {}
        _ = state.wait_for(|state| *state == State::Cut) => {}
    }
}

async fn requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, subscribed: Arc<watch::Sender<bool>>) {
    let mut chunk = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        let chunk = &chunk[..length];
        if chunk.windows(13).any(|words| words == b"\r\nSUBSCRIBE\r\n") {
            subscribed.send_replace(true);
        }
        if to.write_all(chunk).await.is_err() {
            return;
        }
    }
}

async fn replies(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    subscribed: Arc<watch::Sender<bool>>,
    mut state: watch::Receiver<State>,
) {
    let mut chunk = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        let subscribed = *subscribed.borrow();
        let _ = state.wait_for(|state| *state == State::Open || *state == State::Held && !subscribed).await;
        if to.write_all(&chunk[..length]).await.is_err() {
            return;
        }
    }
}
