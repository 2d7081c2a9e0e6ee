//! Typed access to the elements of a reply.

use std::time::Duration;
use std::vec::IntoIter;

use bytes::Bytes;

use crate::error::ReplyError;
use crate::{Reply, Revision};

/// The elements of an array reply that are not read yet.
pub(super) struct Elements {
    request: &'static str,
    rest: IntoIter<Reply>,
}

impl Elements {
    pub(super) fn new(request: &'static str, reply: Reply) -> Result<Self, ReplyError> {
        match reply {
            Reply::Array(elements) => Ok(Self { request, rest: elements.into_iter() }),
            Reply::Nil | Reply::Integer(_) | Reply::Bytes(_) => Err(fault(request, "not an array")),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.len() == 0
    }

    pub(super) fn fault(&self, problem: &str) -> ReplyError {
        fault(self.request, problem)
    }

    pub(super) fn any(&mut self, what: &str) -> Result<Reply, ReplyError> {
        self.rest.next().ok_or_else(|| fault(self.request, &format!("{what} is missing")))
    }

    pub(super) fn integer(&mut self, what: &str) -> Result<i64, ReplyError> {
        match self.any(what)? {
            Reply::Integer(integer) => Ok(integer),
            Reply::Nil | Reply::Bytes(_) | Reply::Array(_) => {
                Err(self.fault(&format!("{what} is not an integer")))
            }
        }
    }

    pub(super) fn flag(&mut self, what: &str) -> Result<bool, ReplyError> {
        match self.integer(what)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(self.fault(&format!("{what} is {other}, neither 0 nor 1"))),
        }
    }

    pub(super) fn count(&mut self, what: &str) -> Result<u64, ReplyError> {
        let integer = self.integer(what)?;
        u64::try_from(integer).map_err(|_| self.fault(&format!("{what} is {integer}")))
    }

    /// Reads a number of milliseconds. -1 stands for none.
    pub(super) fn time_left(&mut self, what: &str) -> Result<Option<Duration>, ReplyError> {
        match self.integer(what)? {
            -1 => Ok(None),
            millis => match u64::try_from(millis) {
                Ok(millis) => Ok(Some(Duration::from_millis(millis))),
                Err(_) => Err(self.fault(&format!("{what} is {millis}"))),
            },
        }
    }

    /// Reads a revision. -1 stands for a missing hash.
    pub(super) fn revision(&mut self) -> Result<Option<Revision>, ReplyError> {
        let integer = self.integer("revision")?;
        if integer == -1 {
            return Ok(None);
        }
        let revision = u64::try_from(integer).ok().and_then(Revision::new);
        revision.map(Some).ok_or_else(|| self.fault(&format!("{integer} is no revision")))
    }

    pub(super) fn bytes(&mut self, what: &str) -> Result<Bytes, ReplyError> {
        self.optional_bytes(what)?.ok_or_else(|| self.fault(&format!("{what} is nil")))
    }

    pub(super) fn optional_bytes(&mut self, what: &str) -> Result<Option<Bytes>, ReplyError> {
        match self.any(what)? {
            Reply::Nil => Ok(None),
            Reply::Bytes(bytes) => Ok(Some(bytes)),
            Reply::Integer(_) | Reply::Array(_) => Err(self.fault(&format!("{what} is not a string"))),
        }
    }

    pub(super) fn end(&self) -> Result<(), ReplyError> {
        if self.is_empty() { Ok(()) } else { Err(self.fault("more elements than expected")) }
    }
}

pub(super) fn fault(request: &'static str, problem: &str) -> ReplyError {
    ReplyError { request, problem: problem.to_owned() }
}
