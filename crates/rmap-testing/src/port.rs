//! Ports for private servers.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};

/// Below the range from which systems take the local ports of outgoing connections, so that a server that is stopped
/// for a while finds its port free again.
const PORTS: std::ops::Range<u64> = 10_000..32_000;

/// A loopback port that nobody listens on at this moment.
pub(crate) fn free() -> u16 {
    loop {
        // The standard library's only source of randomness; it differs for every call.
        let random = RandomState::new().hash_one(std::process::id());
        let port = PORTS.start + random % (PORTS.end - PORTS.start);
        let port = u16::try_from(port).expect("the range is one of ports");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
