//! The program as a process, and requests to it.

use std::path::Path;
use std::process::{ExitStatus, Stdio};

use rmap_testing::must_end;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// The service in a process of its own, killed on drop.
pub(crate) struct Program {
    child: Child,
    address: String,
}

impl Program {
    /// Starts the program on a free port, and waits until it listens.
    pub(crate) async fn start(redis_url: &str) -> Self {
        Self::start_with(redis_url, None).await
    }

    /// The same with a store.
    pub(crate) async fn start_with(redis_url: &str, store: Option<&Path>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_example-flags"));
        command.env("REDIS_URL", redis_url).env("LISTEN", "127.0.0.1:0");
        if let Some(store) = store {
            command.env("STORE", store);
        }
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        must_end(output.read_line(&mut line)).await.unwrap();
        let address = line.trim().strip_prefix("listening on ").expect("the program's first line").to_owned();
        Self { child, address }
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        self.ask("GET", path, "").await
    }

    pub(crate) async fn put(&self, path: &str, json: &str) -> (u16, String) {
        self.ask("PUT", path, json).await
    }

    /// Waits until the program says that it is ready.
    pub(crate) async fn ready(&self) {
        self.ready_and("").await;
    }

    /// Waits until the program says that it is ready, and this.
    pub(crate) async fn ready_and(&self, this: &str) {
        must_end(async {
            loop {
                let (code, health) = self.get("/readyz").await;
                if code == 200 && health.contains(this) {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        })
        .await;
    }

    /// Opens a stream, and waits until its first event is there.
    pub(crate) async fn open(&self, path: &str) -> Stream {
        let mut stream = BufReader::new(self.request("GET", path, "").await);
        let mut read = String::new();
        while !read.contains("data: ") {
            assert_ne!(must_end(stream.read_line(&mut read)).await.unwrap(), 0, "no event: {read}");
        }
        Stream { stream, read }
    }

    /// Asks the program to end, as an orchestrator does.
    pub(crate) async fn stop(mut self) -> ExitStatus {
        let pid = self.child.id().expect("it runs").to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
        must_end(self.child.wait()).await.unwrap()
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = self.request(method, path, body).await;
        let mut answer = String::new();
        must_end(stream.read_to_string(&mut answer)).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status code");
        (code, body.to_owned())
    }

    async fn request(&self, method: &str, path: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }
}

/// A response that goes on.
pub(crate) struct Stream {
    stream: BufReader<TcpStream>,
    read: String,
}

impl Stream {
    /// The whole response, once it has ended.
    pub(crate) async fn rest(mut self) -> String {
        self.stream.read_to_string(&mut self.read).await.unwrap();
        self.read
    }
}
