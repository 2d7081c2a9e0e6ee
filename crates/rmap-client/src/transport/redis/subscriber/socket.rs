//! Opening the socket of a subscriber connection.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::super::fred::Target;
use super::super::server::Server;

/// A stream of bytes in both directions, of whatever kind.
pub(super) trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Socket for T {}

/// Connects to a server in the way of the target. Tries all addresses of a name.
pub(super) async fn open(target: &Target, server: &Server) -> io::Result<Box<dyn Socket>> {
    #[cfg(unix)]
    if let Some(path) = target.socket() {
        return Ok(Box::new(tokio::net::UnixStream::connect(path).await?));
    }
    // A dependency of the program has enabled TLS in the library; nothing may be sent unencrypted.
    if target.uses_tls() && !cfg!(feature = "tls") {
        return Err(io::Error::other("TLS needs the feature `tls` of rmap-client"));
    }
    let socket = TcpStream::connect((host(server), server.port)).await?;
    socket.set_nodelay(true)?;
    #[cfg(feature = "tls")]
    if target.uses_tls() {
        let name = server.certified.as_deref().unwrap_or_else(|| host(server)).to_owned();
        return Ok(Box::new(target.encrypt(socket, name).await?));
    }
    Ok(Box::new(socket))
}

/// An IPv6 address has brackets in a URL, and nowhere else.
fn host(server: &Server) -> &str {
    let host = server.host.as_str();
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
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
            let target = Target::from_url(url).unwrap();
            assert_eq!(host(&target.hosts()[0]), expected);
        }
    }
}
