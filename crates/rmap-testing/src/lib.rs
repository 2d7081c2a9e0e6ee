//! Tests of a transport's contract, and tools for tests of a service on rmap: private servers that a test can break, a
//! proxy that breaks traffic, listeners that see the published bytes, and waits for a condition without guessed pauses.
//!
//! - [`contract`]: the suite that every transport of [`rmap-client`](rmap_client) has to pass.
//! - [`Server`], [`Sentinel`]: `redis-server` processes that a test starts, stops, freezes and kills.
//! - [`Proxy`]: cuts connections, holds data back, slows it down, loses one request, one reply or one message.
//! - [`Listener`]: publications, byte by byte. [`Scripts`]: the Lua scripts on a bare connection.
//!
//! Everything here panics when it fails, as tests do.
//!
//! ```no_run
//! use rmap_client::Client;
//! use rmap_testing::{Proxy, Server, eventually_async, must_end};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let server = Server::start();
//! let proxy = Proxy::new(&server).await;
//! let client = must_end(Client::connect(proxy.url())).await.unwrap();
//! let flags = must_end(client.map("flags").join()).await.unwrap();
//!
//! proxy.cut(None);
//! eventually_async("the map notices", || !flags.status().is_live()).await;
//! eventually_async("the map follows again", || flags.status().is_live()).await;
//! # }
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod calls;
pub mod contract;
mod eventually;
mod hang;
mod launch;
mod listener;
mod outside;
mod port;
mod process;
mod proxy;
mod scripts;
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
pub use scripts::Scripts;
pub use sentinel::Sentinel;
pub use server::{Builder, Server};
pub use tls::certificate_authority;
