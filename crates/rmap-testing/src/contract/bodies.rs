//! The bodies of the suite.

pub(super) mod clears;
pub(super) mod deletes;
pub mod every;
pub(super) mod increments;
pub(super) mod joins;
pub(super) mod lists;
pub(super) mod lives;
pub(super) mod outside;
pub(super) mod reads;
pub(super) mod refusals;
pub(super) mod sets;
pub(super) mod streams;
pub(super) mod transport;
pub(super) mod updates;
pub(super) mod waits;
pub(super) mod watches;
pub(super) mod wire;
