//! Ports for private servers.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};

/// Below the range of local ports for outgoing connections, so that a stopped server finds its port free later.
const PORTS: std::ops::Range<u64> = 10_000..32_000;

/// A loopback port on which nobody listens at this moment.
pub(crate) fn free() -> u16 {
    loop {
        // The standard library's only source of randomness. It differs for every call.
        let random = RandomState::new().hash_one(std::process::id());
        let port = PORTS.start + random % (PORTS.end - PORTS.start);
        let port = u16::try_from(port).expect("the range is one of ports");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
