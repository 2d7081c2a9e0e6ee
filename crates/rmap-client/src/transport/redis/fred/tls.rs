//! TLS, with the configuration that fred keeps.

use std::io;

use ::fred::types::config::TlsConnector;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::target::Target;

impl Target {
    /// Encrypts a socket to a server whose certificate has this name.
    pub(in super::super) async fn encrypt(
        &self,
        socket: TcpStream,
        name: String,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Send + Unpin + use<>> {
        let connector = self.0.tls.as_ref().map(|tls| &tls.connector);
        #[allow(irrefutable_let_patterns, reason = "how many kinds there are is decided by fred's features")]
        let Some(TlsConnector::Rustls(connector)) = connector else {
            return Err(io::Error::other("TLS by anything but rustls is not supported"));
        };
        let name = name.try_into().map_err(io::Error::other)?;
        connector.connect(name, socket).await
    }
}
