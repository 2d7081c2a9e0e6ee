//! Operations on a map of ours.

use rmap_client::{Error, InvalidKey, Map};

use crate::call::{Call, Outcome, Refusal};

/// Performs an operation.
///
/// # Panics
///
/// When our API cannot express the arguments: items that are no text, tests without keys.
pub(crate) async fn call(map: &Map, call: &Call) -> Result<Outcome, Refusal> {
    let outcome = attempt(map, call).await.map_err(|error| refusal(&error))?;
    Ok(outcome.without_absent_lists())
}

async fn attempt(map: &Map, call: &Call) -> Result<Outcome, Error> {
    let previous = |value: Option<rmap_client::Value>| value.map(|value| value.as_bytes().to_vec());
    let outcome = |attempt: rmap_client::Attempt| Outcome::Attempt {
        previous: previous(attempt.previous),
        applied: attempt.applied,
    };
    Ok(match call {
        Call::Set { key, value } => Outcome::Previous(previous(map.set(key, value).await?.previous)),
        Call::SetIfNotExists { key, value } => {
            Outcome::Applied(map.set_if_not_exists(key, value).await?.applied)
        }
        Call::TestAndSet { key, test, value } => outcome(map.test_and_set(key, test, value).await?),
        Call::Delete { key } => {
            let attempt = map.delete(key).await?;
            assert_eq!(attempt.applied, attempt.existed());
            Outcome::Previous(previous(attempt.previous))
        }
        Call::TestAndDelete { key, test } => outcome(map.test_and_delete(key, test).await?),
        Call::Inc { key, delta } => Outcome::Sum(map.inc(key, *delta).await?.value),
        Call::Append { key, items } => listed(map.append_values(key, texts(items)).await?.values),
        Call::AppendUnique { key, items } => {
            listed(map.append_unique_values(key, texts(items)).await?.values)
        }
        Call::Remove { key, items } => {
            let removed = map.remove_values(key, texts(items)).await?;
            Outcome::Removed { list: Some(bytes(removed.values)), removed: removed.applied }
        }
        Call::Reset => map.reset().await.map(|_| Outcome::Done)?,
        Call::Destroy => map.destroy().await.map(|_| Outcome::Done)?,
        Call::TestAndReset { keys, tests } => {
            assert_eq!(keys.len(), tests.len(), "our API takes pairs");
            Outcome::Applied(map.test_and_reset(keys.iter().zip(tests)).await?.applied)
        }
    })
}

fn listed(values: Vec<String>) -> Outcome {
    Outcome::List(Some(bytes(values)))
}

fn bytes(values: Vec<String>) -> Vec<Vec<u8>> {
    values.into_iter().map(String::into_bytes).collect()
}

fn texts(items: &[Vec<u8>]) -> Vec<&str> {
    items.iter().map(|item| std::str::from_utf8(item).expect("our API takes text")).collect()
}

/// # Panics
///
/// When no test expects such an error.
#[expect(clippy::wildcard_enum_match_arm, reason = "all others are failures of a test")]
pub(crate) fn refusal(error: &Error) -> Refusal {
    assert_eq!(
        error.outcome(),
        Some(rmap_client::Outcome::Rejected),
        "nothing of this should be left open: {error}"
    );
    match error {
        Error::InvalidKey { cause: InvalidKey::Empty, .. } => Refusal::EmptyKey,
        Error::InvalidKey { cause: InvalidKey::EqualsSign { .. }, .. } => Refusal::ReservedKey,
        Error::InvalidName { .. } => Refusal::BadName,
        Error::NotAnInteger { .. } => Refusal::NotAnInteger,
        Error::Overflow { .. } => Refusal::Overflow,
        Error::Closed { .. } => Refusal::Closed,
        Error::NotAList { .. } => Refusal::NotAList,
        Error::NoTests { .. } => Refusal::NoTests,
        Error::CorruptRevision { .. } => Refusal::CorruptRevision,
        Error::RevisionsExhausted { .. } => Refusal::Exhausted,
        other => panic!("not expected: {other}"),
    }
}
