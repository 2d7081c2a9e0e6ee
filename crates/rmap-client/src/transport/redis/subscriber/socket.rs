//! Opening the socket of a subscriber connection.

use std::io;

use ::fred::types::config::{Config, Server, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A stream of bytes in both directions, of whatever kind.
pub(super) trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Socket for T {}

/// Connects to a server, in the way of the configuration; of the addresses that a name has, all are tried.
pub(super) async fn open(config: &Config, server: &Server) -> io::Result<Box<dyn Socket>> {
    #[cfg(unix)]
    if let ServerConfig::Unix { path } = &config.server {
        return Ok(Box::new(tokio::net::UnixStream::connect(path).await?));
    }
    // Somebody else has switched TLS on in fred; nothing may go out in the clear.
    if config.uses_tls() && !cfg!(feature = "tls") {
        return Err(io::Error::other("TLS needs the feature `tls` of rmap-client"));
    }
    let socket = TcpStream::connect((host(server), server.port)).await?;
    socket.set_nodelay(true)?;
    #[cfg(feature = "tls")]
    if let Some(tls) = &config.tls {
        return encrypted(socket, server, &tls.connector).await;
    }
    Ok(Box::new(socket))
}

/// An IPv6 address has brackets in a URL, and nowhere else.
fn host(server: &Server) -> &str {
    let host = &*server.host;
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

#[cfg(feature = "tls")]
async fn encrypted(
    socket: TcpStream,
    server: &Server,
    connector: &::fred::types::config::TlsConnector,
) -> io::Result<Box<dyn Socket>> {
    #[allow(irrefutable_let_patterns, reason = "how many kinds there are is decided by fred's features")]
    let ::fred::types::config::TlsConnector::Rustls(connector) = connector else {
        return Err(io::Error::other("TLS by anything but rustls is not supported"));
    };
    let name = server.tls_server_name.as_deref().unwrap_or_else(|| host(server)).to_owned();
    let name = name.try_into().map_err(io::Error::other)?;
    Ok(Box::new(connector.connect(name, socket).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_the_brackets_of_a_url() {
        for (url, expected) in [
            ("redis://[::1]:6379", "::1"),
            ("redis://127.0.0.1", "127.0.0.1"),
            ("redis://localhost:1", "localhost"),
        ] {
            let config = Config::from_url(url).unwrap();
            assert_eq!(host(&config.server.hosts()[0]), expected);
        }
    }
}
