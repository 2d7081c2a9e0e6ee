//! The address of one server.

use std::fmt;

/// A server, a sentinel or a node of a cluster; or a Unix socket, with its path in the place of the host.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) host: String,
    /// Zero for a socket.
    pub(super) port: u16,
    /// The name in its certificate, if it is not the host.
    #[cfg(feature = "tls")]
    pub(super) certified: Option<String>,
}

impl Server {
    pub(super) const fn new(host: String, port: u16) -> Self {
        Self {
            host,
            port,
            #[cfg(feature = "tls")]
            certified: None,
        }
    }
}

impl PartialEq for Server {
    /// Two addresses are equal whatever their certificates name.
    fn eq(&self, other: &Self) -> bool {
        (&self.host, self.port) == (&other.host, other.port)
    }
}

impl Eq for Server {}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            0 => f.write_str(&self.host),
            port => write!(f, "{}:{port}", self.host),
        }
    }
}
