//! The kinds of writes. A kind decides the output of its [`Writing`](crate::Writing).

use std::fmt;

use rmap_core::Value;
use rmap_proto::{BatchReply, Key, ResultKind, list};

use super::intent::{Intent, Keys};
use crate::written::{Appended, Attempt, Batched, Cleared, Incremented, Removed, StepResult, Written};

/// A kind of write. Only the types of this module implement it.
pub trait Kind: sealed::Sealed + fmt::Debug + 'static {
    /// The output of a write of this kind.
    type Output: fmt::Debug + Clone + Send + Sync + Unpin + 'static;

    /// `None`: the answer lacks something that the operation promises.
    #[doc(hidden)]
    fn output(intent: &Intent, answer: rmap_proto::WriteReply) -> Option<Self::Output>;
}

mod sealed {
    pub trait Sealed {}
}

/// Copies the value, because a slice of the reply would keep the buffer of the whole reply alive.
fn own(bytes: &[u8]) -> Value {
    Value::from(bytes)
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident -> $output:ty, |$intent:ident, $answer:ident| $convert:expr;)+) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            #[non_exhaustive]
            pub struct $kind;

            impl sealed::Sealed for $kind {}

            impl Kind for $kind {
                type Output = $output;

                fn output($intent: &Intent, $answer: rmap_proto::WriteReply) -> Option<$output> {
                    $convert
                }
            }
        )+
    };
}

kinds! {
    /// `set`.
    Set -> Written, |_intent, answer| {
        Some(Written { revision: answer.revision?, previous: answer.previous.map(|previous| own(&previous)) })
    };
    /// `set_if_not_exists` and `test_and_set`.
    TestedSet -> Attempt, |intent, answer| Some(attempt(intent, answer));
    /// `delete`, `test_and_delete` and `test_and_reset`.
    Tested -> Attempt, |intent, answer| Some(attempt(intent, answer));
    /// `inc`.
    Inc -> Incremented, |_intent, answer| {
        let value = std::str::from_utf8(answer.value.as_deref()?).ok()?.parse().ok()?;
        Some(Incremented { value, revision: answer.revision? })
    };
    /// `append_values` and `append_unique_values`.
    Append -> Appended, |_intent, answer| {
        let values = items(answer.value.as_deref())?;
        Some(Appended { values, applied: answer.applied, revision: answer.revision })
    };
    /// `remove_values`.
    Remove -> Removed, |_intent, answer| {
        let values = items(answer.value.as_deref())?;
        Some(Removed { values, applied: answer.applied, revision: answer.revision })
    };
    /// `reset` and `destroy`.
    Clear -> Cleared, |_intent, answer| Some(Cleared { revision: answer.revision? });
    /// [`Batch::commit`](crate::Batch::commit).
    Commit -> Batched, |intent, answer| batched(intent, answer);
}

fn attempt(intent: &Intent, answer: rmap_proto::WriteReply) -> Attempt {
    Attempt {
        applied: answer.applied,
        revision: answer.revision,
        previous: answer.previous.map(|previous| own(&previous)),
        origin: intent.origin(),
    }
}

fn items(value: Option<&[u8]>) -> Option<Vec<String>> {
    value.map_or_else(|| Some(Vec::new()), |value| list::parse(value).ok())
}

fn batched(intent: &Intent, answer: rmap_proto::WriteReply) -> Option<Batched> {
    let (applied, revision) = (answer.applied, answer.revision);
    let BatchReply { changed, failed, values, .. } = answer.batch?;
    let Keys::Steps(steps) = &intent.keys else { return None };
    let mut values = values.into_iter();
    let result = |(_, kind): &(Key, ResultKind)| {
        Some(match kind {
            ResultKind::Previous => StepResult::Done,
            ResultKind::Fence => {
                values.next()?;
                StepResult::Done
            }
            ResultKind::Integer => StepResult::Sum(std::str::from_utf8(&values.next()??).ok()?.parse().ok()?),
            ResultKind::List => StepResult::List(items(values.next()?.as_deref())?),
        })
    };
    let results = if applied { steps.iter().map(result).collect::<Option<_>>()? } else { Vec::new() };
    Some(Batched { applied, revision, changed, failed, results, origin: intent.origin() })
}
