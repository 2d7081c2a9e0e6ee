//! A private sentinel, which watches one master and replaces a lost master.

use std::collections::HashMap;
use std::fs;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::launch::{Attempt, launch};
use crate::port;
use crate::process::Process;
use crate::server::Server;
use crate::tls;

/// The sentinel's name for the servers that it watches.
const SERVICE: &str = "main";

/// A sentinel that decides alone, on a free loopback port, killed on drop.
///
/// The sentinel takes a server for dead after half a second of silence. It demands the password of its master, and it
/// speaks TLS if the master does.
#[derive(Debug)]
pub struct Sentinel {
    port: u16,
    tls_port: Option<u16>,
    /// The user and password of clients, as part of a URL.
    login: String,
    /// Dropped before its working folder.
    process: Process,
    _folder: TempDir,
}

impl Sentinel {
    /// Starts a sentinel that watches this master and the replicas that the master reports.
    ///
    /// # Panics
    ///
    /// When the program is not installed or does not start.
    #[must_use]
    pub fn of(master: &Server) -> Self {
        let folder = tempfile::Builder::new().prefix("rmap-test-").tempdir().expect("a temporary directory");
        loop {
            let port = port::free();
            let tls_port = master.tls_port().map(|_| port::free());
            // Another process may take a port between the look and the start.
            if let Attempt::Ready(process) = start(&folder, port, tls_port, master) {
                let login = master.password().map(|password| format!("default:{password}@"));
                return Self { port, tls_port, login: login.unwrap_or_default(), process, _folder: folder };
            }
        }
    }

    /// The URL by which clients find the master.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_at("redis-sentinel", "127.0.0.1", self.port)
    }

    /// The same URL with another sentinel, at this port.
    #[must_use]
    pub fn url_with(&self, other: u16) -> String {
        format!("{}&node=127.0.0.1:{other}", self.url())
    }

    /// The URL by which clients find the master with TLS all the way.
    ///
    /// # Panics
    ///
    /// When the master does not speak TLS.
    #[must_use]
    pub fn tls_url(&self) -> String {
        self.url_at("rediss-sentinel", "localhost", self.tls_port.expect("a master that speaks TLS"))
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// A new connection to the sentinel itself.
    ///
    /// # Panics
    ///
    /// When the sentinel is unreachable.
    #[must_use]
    pub fn connection(&self) -> redis::Connection {
        let client = redis::Client::open(format!("redis://{}127.0.0.1:{}", self.login, self.port))
            .expect("the URL is one");
        client.get_connection().expect("the sentinel can be reached")
    }

    /// The port of the master that the sentinel currently names.
    ///
    /// # Panics
    ///
    /// When the sentinel does not answer.
    #[must_use]
    pub fn master(&self) -> u16 {
        let mut ask = redis::cmd("SENTINEL");
        ask.arg("GET-MASTER-ADDR-BY-NAME").arg(SERVICE);
        let (_, port): (String, u16) = ask.query(&mut self.connection()).expect("the sentinel answers");
        port
    }

    /// True if the sentinel knows this replica of the master.
    ///
    /// # Panics
    ///
    /// When the sentinel does not answer.
    #[must_use]
    pub fn knows(&self, replica: &Server) -> bool {
        let mut ask = redis::cmd("SENTINEL");
        ask.arg("REPLICAS").arg(SERVICE);
        let replicas: Vec<HashMap<String, String>> =
            ask.query(&mut self.connection()).expect("the sentinel answers");
        replicas.iter().any(|known| known["port"] == replica.port().to_string())
    }

    /// Promotes a replica although the master is well. Returns false if the sentinel does not know a good replica yet.
    ///
    /// # Panics
    ///
    /// When the sentinel does not answer.
    #[must_use]
    pub fn fail_over(&self) -> bool {
        let mut ask = redis::cmd("SENTINEL");
        ask.arg("FAILOVER").arg(SERVICE);
        ask.query::<()>(&mut self.connection()).is_ok()
    }

    /// Freezes the sentinel: connections can be made, and nothing is answered.
    pub fn pause(&self) {
        self.process.signal(Signal::STOP);
    }

    fn url_at(&self, scheme: &str, host: &str, port: u16) -> String {
        format!("{scheme}://{}{host}:{port}?sentinelServiceName={SERVICE}", self.login)
    }
}

fn start(folder: &TempDir, port: u16, tls_port: Option<u16>, master: &Server) -> Attempt {
    let file = folder.path().join("sentinel.conf");
    let mut settings = format!(
        "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor {SERVICE} 127.0.0.1 {} 1\n\
         sentinel down-after-milliseconds {SERVICE} 500\nsentinel failover-timeout {SERVICE} 5000\n",
        folder.path().display(),
        master.tls_port().unwrap_or_else(|| master.port())
    );
    if let Some(port) = tls_port {
        settings += &format!("tls-port {port}\ntls-replication yes\n");
        settings.extend(tls::settings().map(|(name, value)| format!("{name} {value}\n")));
    }
    if let Some(password) = master.password() {
        settings += &format!("requirepass {password}\nsentinel auth-pass {SERVICE} {password}\n");
    }
    fs::write(&file, settings).expect("a settings file");
    let arguments = [file.display().to_string(), "--sentinel".to_owned()];
    launch(&arguments, &folder.path().join("sentinel.log"), "+monitor master")
}
