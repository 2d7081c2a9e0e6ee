//! Sentinels name the master of a service, and name another one after a failover.
//!
//! The library asks sentinels only when it connects. A healthy master that is replaced keeps its connections until a
//! sentinel demotes it, which takes about ten seconds, and every write that it acknowledges meanwhile is lost. So the
//! transport connects to the server that a sentinel has named, and keeps asking that sentinel.

mod ask;
mod connect;
mod failure;
mod master;
mod role;

pub(super) use self::ask::Sentinels;
pub(super) use self::connect::connect;
pub(super) use self::master::Master;
