//! A server that speaks just enough of the protocol to pass for an old Redis, and for the sentinel that names it.

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A server that claims to be Redis 6.2.14 in the check of a map and perhaps in `INFO`, and disconnects when asked for
/// its role.
pub(crate) struct FakeServer {
    port: u16,
    _tasks: JoinSet<()>,
}

impl FakeServer {
    /// Starts a server that answers `INFO` with a version, or refuses it.
    pub(crate) async fn start(version: Option<&'static str>) -> Self {
        Self::start_for(version, usize::MAX).await
    }

    /// Starts a server that closes each connection after this number of answers.
    pub(crate) async fn start_for(version: Option<&'static str>, answers: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                connections.spawn(serve(socket, version, answers));
            }
        });
        Self { port, _tasks: tasks }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

async fn serve(socket: TcpStream, version: Option<&'static str>, answers: usize) {
    let mut socket = BufReader::new(socket);
    for _ in 0..answers {
        let Some(command) = command(&mut socket).await else { return };
        let reply = match (command[0].as_str(), version) {
            ("PING", _) => "+PONG\r\n".to_owned(),
            ("AUTH", _) => "+OK\r\n".to_owned(),
            ("CLIENT", _) => ":1\r\n".to_owned(),
            ("INFO", Some(version)) => bulk(&format!("# Server\r\nredis_version:{version}\r\n")),
            ("INFO", None) => "-NOPERM this user has no permissions to run the 'info' command\r\n".to_owned(),
            ("EVALSHA", _) => "-NOSCRIPT No matching script. Please use EVAL.\r\n".to_owned(),
            ("SENTINEL", _) => {
                let port = socket.get_ref().local_addr().unwrap().port();
                format!("*2\r\n{}{}", bulk("127.0.0.1"), bulk(&port.to_string()))
            }
            ("ROLE", _) => return,
            ("EVAL", _) => format!("*5\r\n:1\r\n:0\r\n$-1\r\n{}:-1\r\n", bulk("6.2.14")),
            _ => "-ERR unknown command\r\n".to_owned(),
        };
        if socket.get_mut().write_all(reply.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Reads one command, or `None` at the end.
async fn command(socket: &mut BufReader<TcpStream>) -> Option<Vec<String>> {
    let mut words = Vec::new();
    for _ in 0..number(socket).await? {
        let mut word = vec![0; number(socket).await? + 2];
        socket.read_exact(&mut word).await.ok()?;
        word.truncate(word.len() - 2);
        words.push(String::from_utf8(word).unwrap());
    }
    Some(words)
}

/// Reads the number in a line such as `*3` or `$12`.
async fn number(socket: &mut BufReader<TcpStream>) -> Option<usize> {
    let mut line = String::new();
    socket.read_line(&mut line).await.ok()?;
    line.get(1..)?.trim_end().parse().ok()
}

fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}
