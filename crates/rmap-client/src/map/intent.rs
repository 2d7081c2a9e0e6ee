//! The part of a write that its answer or its error has to name.

use rmap_proto::{Key, MapName, Operation, ResultKind, WriteError};

use crate::Error;
use crate::error::During;
use crate::runtime::Ended;
use crate::transport::{Cause, TransportError};
use crate::written::Origin;

/// The part of a write that its answer or its error has to name.
#[derive(Debug)]
pub struct Intent {
    pub(super) map: MapName,
    pub(super) operation: &'static str,
    pub(super) keys: Keys,
}

#[derive(Debug)]
pub(super) enum Keys {
    None,
    One(Key),
    /// The steps of a batch, with the kinds of their results.
    Steps(Vec<(Key, ResultKind)>),
}

impl Intent {
    pub(super) fn origin(&self) -> Origin {
        Origin { map: self.map.clone(), operation: self.operation }
    }

    pub(super) fn by(map: &MapName, operation: &Operation) -> Self {
        let keys = match operation {
            Operation::Key(operation) => Keys::One(operation.key().clone()),
            Operation::Batch(batch) => {
                Keys::Steps(batch.steps.iter().map(|step| (step.key().clone(), step.result())).collect())
            }
            Operation::Reset | Operation::Destroy | Operation::TestAndReset { .. } => Keys::None,
        };
        Self { map: map.clone(), operation: operation.name(), keys }
    }

    pub(super) fn during(&self) -> During<'_> {
        let key = match &self.keys {
            Keys::One(key) => Some(key),
            Keys::None | Keys::Steps(_) => None,
        };
        During { map: &self.map, operation: self.operation, key }
    }

    /// The error of an operation. An error of one step of a batch names the key of that step.
    pub(super) fn failed(&self, error: TransportError) -> Error {
        if let (TransportError::Authority(WriteError::Step { step, cause }), Keys::Steps(steps)) =
            (&error, &self.keys)
        {
            let key = steps.get(*step).map(|(key, _)| key);
            return During { key, ..self.during() }.fail(TransportError::Authority((**cause).clone()));
        }
        self.during().fail(error)
    }

    /// The error of a write whose runtime has ended.
    pub(super) fn cut_off(&self, ended: Ended) -> Error {
        match ended {
            Ended::Before => Error::Closed { map: self.map.clone() },
            Ended::Meanwhile => self.during().fail(TransportError::Indeterminate(Cause::RuntimeEnded)),
        }
    }
}
