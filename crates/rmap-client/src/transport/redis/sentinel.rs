//! Sentinels: they name the master of a service, and one day another one.
//!
//! The library asks them when it connects and then never again. A master that is replaced while it is well keeps its
//! connections until a sentinel demotes it, which takes about ten seconds, and what it acknowledges meanwhile is lost. So
//! both connections are made to the server that a sentinel has named, and that sentinel is asked again and again.

mod ask;
mod connect;
mod failure;
mod master;
mod role;

pub(super) use self::ask::Sentinels;
pub(super) use self::connect::connect;
pub(super) use self::master::Master;
