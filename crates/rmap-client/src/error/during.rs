//! Turns errors of a transport into errors of the API.

use rmap_proto::{Key, MAX_BATCH_BYTES, MAX_BATCH_STEPS, MapName, WriteError};

use crate::Error;
use crate::transport::{Cause, TransportError};

/// The request that an error of the transport belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct During<'a> {
    pub(crate) map: &'a MapName,
    pub(crate) operation: &'static str,
    pub(crate) key: Option<&'a Key>,
}

impl During<'_> {
    pub(crate) fn fail(&self, error: TransportError) -> Error {
        let (map, operation) = (self.map.clone(), self.operation);
        match error {
            TransportError::NotSent(cause) => Error::NotSent { map, operation, cause },
            TransportError::Indeterminate(cause) => Error::Indeterminate { map, operation, cause },
            TransportError::Authority(error) => self.refuse(error),
        }
    }

    fn refuse(&self, error: WriteError) -> Error {
        let (map, operation) = (self.map.clone(), self.operation);
        match (error, self.key.cloned()) {
            (WriteError::NotAList, Some(key)) => Error::NotAList { map, key },
            (WriteError::ListTooLong, Some(key)) => Error::ListTooLong { map, key },
            (WriteError::NotAnInteger, Some(key)) => Error::NotAnInteger { map, key },
            (WriteError::Overflow, Some(key)) => Error::Overflow { map, key },
            (WriteError::CorruptRevision, _) => Error::CorruptRevision { map },
            (WriteError::RevisionsExhausted, _) => Error::RevisionsExhausted { map },
            (WriteError::WrongType, _) => Error::WrongType { map },
            (WriteError::NoTests, _) => Error::NoTests { map },
            (WriteError::TooManySteps { count }, _) => {
                Error::TooManySteps { map, count, limit: MAX_BATCH_STEPS }
            }
            (WriteError::BatchTooLarge, _) => {
                Error::BatchTooLarge { map, bytes: None, limit: MAX_BATCH_BYTES }
            }
            (WriteError::Rejected(cause), _) => Error::Rejected { map, operation, cause },
            (WriteError::Indeterminate(error), _) => {
                Error::Indeterminate { map, operation, cause: Cause::Server(error) }
            }
            // An error that does not fit the operation proves nothing about its outcome.
            (error, _) => {
                let cause = Cause::UnexpectedReply { problem: error.to_string() };
                Error::Indeterminate { map, operation, cause }
            }
        }
    }
}
