//! Chooses the error when no sentinel led to a master.

use std::cmp::Ordering;

use super::super::error::ConnectError;
use super::super::options::RedisOptions;

/// The failure to report among several, whatever their order.
#[derive(Debug, Default)]
pub(super) struct MostTelling(Option<(Rank, ConnectError)>);

/// A server's failure ranks above a sentinel's, and any answer above none.
type Rank = (Side, bool);

/// The peer at which an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Sentinel,
    Server,
}

impl MostTelling {
    pub(super) fn add(&mut self, side: Side, error: ConnectError) {
        let rank = (side, !matches!(error, ConnectError::Unreachable { .. }));
        let is_better = |(other, reported): &(Rank, ConnectError)| match rank.cmp(other) {
            Ordering::Greater => true,
            Ordering::Equal => error.to_string() < reported.to_string(),
            Ordering::Less => false,
        };
        if self.0.as_ref().is_none_or(is_better) {
            self.0 = Some((rank, error));
        }
    }

    pub(super) fn into_error(self, sentinels: &RedisOptions) -> ConnectError {
        let none = || ConnectError::Other {
            address: sentinels.address(),
            reason: "no sentinel is given".to_owned(),
        };
        match self.0 {
            // The failure of one sentinel stands for all of them.
            Some(((Side::Sentinel, false), ConnectError::Unreachable { reason, .. })) => {
                ConnectError::Unreachable { address: sentinels.address(), reason }
            }
            Some((_, error)) => error,
            None => none(),
        }
    }
}
