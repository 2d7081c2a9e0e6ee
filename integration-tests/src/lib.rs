//! What the integration tests stand on: private servers that can be broken at will, listeners that see what is really
//! published, and waiting for a condition without guessing how long it takes.
//!
//! Everything here panics when it fails, as tests do.

mod calls;
mod eventually;
mod hang;
mod launch;
mod listener;
mod outside;
mod port;
mod process;
mod proxy;
mod sentinel;
mod server;
mod tls;

pub use calls::{calls, connections_made};
pub use eventually::{eventually, eventually_async};
pub use hang::must_end;
pub use launch::server_program;
pub use listener::Listener;
pub use outside::{block_on, outside};
pub use proxy::{Direction, Line, Proxy, Side};
pub use sentinel::Sentinel;
pub use server::{Builder, Server};
pub use tls::certificate_authority;

/// The README's program compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The first program of the documentation compiles.
#[cfg(doctest)]
#[doc = include_str!("../../docs/first-map.md")]
struct FirstMap;
