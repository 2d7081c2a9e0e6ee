//! A private server: started for one test, broken by the test, gone when it is dropped.

use std::fs;
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::launch::{Attempt, DEADLINE, launch};
use crate::port;
use crate::process::Process;
use crate::tls;

const LOG: &str = "server.log";

/// A separate `redis-server` process on a free loopback port, with a temporary directory, killed on drop.
#[derive(Debug)]
pub struct Server {
    settings: Builder,
    port: u16,
    tls_port: Option<u16>,
    /// `None` while the server is stopped. Dropped before its working folder.
    process: Mutex<Option<Process>>,
    folder: TempDir,
}

/// Settings of a [`Server`].
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until `start`"]
pub struct Builder {
    arguments: Vec<String>,
    password: Option<String>,
    acl: Option<String>,
    persistent: bool,
    tls: bool,
}

impl Builder {
    /// Adds one argument of the command line, for example `--maxmemory`.
    pub fn arg(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Keeps the content across stops, kills and restarts. Without it a restarted server is empty.
    pub const fn persistent(mut self) -> Self {
        self.persistent = true;
        self
    }

    /// Speaks TLS on a second port, see [`Server::tls_port`].
    pub const fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Demands this password of the default user. [`Server::url`] contains it.
    pub fn requirepass(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Adds users by the rules of an ACL file, one `user NAME ...` a line. The default user keeps all rights unless a
    /// line says otherwise.
    pub fn aclfile(mut self, rules: impl Into<String>) -> Self {
        self.acl = Some(rules.into());
        self
    }

    /// Starts the server and waits until it takes commands.
    ///
    /// # Panics
    ///
    /// When the program is not installed or does not start.
    #[must_use]
    pub fn start(self) -> Server {
        let folder = tempfile::Builder::new().prefix("rmap-test-").tempdir().expect("a temporary directory");
        let mut server =
            Server { settings: self, folder, port: 0, tls_port: None, process: Mutex::default() };
        loop {
            server.port = port::free();
            server.tls_port = server.settings.tls.then(port::free);
            // Another process may take the port between the look and the start.
            if let Attempt::Ready(process) = server.launch() {
                *server.process() = Some(process);
                return server;
            }
        }
    }
}

impl Server {
    /// Starts a server without persistence and without a password.
    ///
    /// # Panics
    ///
    /// When the program is not installed or does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// Begins a server with settings.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The port on 127.0.0.1. It stays the same across restarts.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The port on 127.0.0.1 for connections with TLS, if there is one. The certificate is for `localhost` and
    /// 127.0.0.1.
    #[must_use]
    pub const fn tls_port(&self) -> Option<u16> {
        self.tls_port
    }

    /// The password of the default user.
    pub(crate) fn password(&self) -> Option<&str> {
        self.settings.password.as_deref()
    }

    /// The URL for the default user.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.settings.password {
            Some(password) => self.url_for_user("default", password),
            None => format!("redis://127.0.0.1:{}", self.port),
        }
    }

    /// The URL for a user of the ACL file. Both must be plain enough for a URL.
    #[must_use]
    pub fn url_for_user(&self, user: &str, password: &str) -> String {
        format!("redis://{user}:{password}@127.0.0.1:{}", self.port)
    }

    /// The process id.
    ///
    /// # Panics
    ///
    /// When the server is stopped.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process().as_ref().expect("the server runs").id()
    }

    /// A client of crate `redis` for the default user.
    ///
    /// # Panics
    ///
    /// When crate `redis` rejects the URL.
    #[must_use]
    pub fn client(&self) -> redis::Client {
        redis::Client::open(self.url()).expect("the URL is one")
    }

    /// A new connection that shares no code with rmap.
    ///
    /// # Panics
    ///
    /// When the server is unreachable.
    #[must_use]
    pub fn connection(&self) -> redis::Connection {
        self.client().get_connection().expect("the server can be reached")
    }

    /// Asks the server to end, and waits until it has.
    ///
    /// # Panics
    ///
    /// When the server does not end.
    pub fn stop(&self) {
        self.end(Signal::TERM);
    }

    /// Kills the server without warning.
    ///
    /// # Panics
    ///
    /// When the server does not end.
    pub fn kill(&self) {
        self.end(Signal::KILL);
    }

    /// Starts the server again on the same port, after ending it if it runs.
    ///
    /// # Panics
    ///
    /// When the server does not start.
    pub fn restart(&self) {
        self.stop();
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Attempt::Ready(process) = self.launch() {
                *self.process() = Some(process);
                return;
            }
            assert!(Instant::now() < deadline, "port {} is not free again", self.port);
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Freezes the server: connections stay open, and nothing is answered.
    ///
    /// # Panics
    ///
    /// When the server is stopped.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Ends a [`pause`](Self::pause).
    ///
    /// # Panics
    ///
    /// When the server is stopped.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        // The process is consistent at every moment, so a panic elsewhere does no harm.
        self.process.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn signal(&self, signal: Signal) {
        self.process().as_ref().expect("the server runs").signal(signal);
    }

    fn end(&self, signal: Signal) {
        let Some(process) = self.process().take() else { return };
        // A frozen process cannot end.
        process.signal(Signal::CONT);
        process.signal(signal);
        process.wait();
    }

    fn launch(&self) -> Attempt {
        launch(&self.arguments(), &self.folder.path().join(LOG), "Ready to accept connections")
    }

    fn arguments(&self) -> Vec<String> {
        let folder = self.folder.path().display().to_string();
        let port = self.port.to_string();
        let appendonly = if self.settings.persistent { "yes" } else { "no" };
        let mut arguments: Vec<String> = [
            &["--port", &port, "--bind", "127.0.0.1", "--dir", &folder, "--save", ""][..],
            &["--appendonly", appendonly, "--appendfsync", "always", "--daemonize", "no"],
        ]
        .concat()
        .into_iter()
        .map(str::to_owned)
        .collect();
        if let Some(port) = self.tls_port {
            arguments.extend(["--tls-port".to_owned(), port.to_string()]);
            arguments
                .extend(tls::settings().into_iter().flat_map(|(name, value)| [format!("--{name}"), value]));
        }
        if let Some(password) = &self.settings.password {
            arguments.extend(["--requirepass".to_owned(), password.clone()]);
        }
        if let Some(rules) = &self.settings.acl {
            let path = self.folder.path().join("users.acl");
            fs::write(&path, rules).expect("an ACL file");
            arguments.extend(["--aclfile".to_owned(), path.display().to_string()]);
        }
        arguments.extend(self.settings.arguments.iter().cloned());
        arguments
    }
}
