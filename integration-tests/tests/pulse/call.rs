//! Operations and their outcomes, in terms that both sides share.

/// An operation with its arguments, in the form of Pulse's functions.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    Set { key: Vec<u8>, value: Vec<u8> },
    SetIfNotExists { key: Vec<u8>, value: Vec<u8> },
    TestAndSet { key: Vec<u8>, test: Vec<u8>, value: Vec<u8> },
    Delete { key: Vec<u8> },
    TestAndDelete { key: Vec<u8>, test: Vec<u8> },
    Inc { key: Vec<u8>, delta: i64 },
    Append { key: Vec<u8>, items: Vec<Vec<u8>> },
    AppendUnique { key: Vec<u8>, items: Vec<Vec<u8>> },
    Remove { key: Vec<u8>, items: Vec<Vec<u8>> },
    Reset,
    Destroy,
    TestAndReset { keys: Vec<Vec<u8>>, tests: Vec<Vec<u8>> },
}

/// The result of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The key's previous value, or `None` for a missing key.
    Previous(Option<Vec<u8>>),
    Attempt {
        previous: Option<Vec<u8>>,
        applied: bool,
    },
    Applied(bool),
    Sum(i64),
    /// `None` for a missing list, which Pulse distinguishes from an empty list.
    List(Option<Vec<Vec<u8>>>),
    Removed {
        list: Option<Vec<Vec<u8>>>,
        removed: bool,
    },
    Done,
}

impl Outcome {
    /// Drops the difference between a missing and an empty list, which ours does not have.
    pub(crate) fn without_absent_lists(self) -> Self {
        match self {
            Self::List(list) => Self::List(Some(list.unwrap_or_default())),
            Self::Removed { list, removed } => {
                Self::Removed { list: Some(list.unwrap_or_default()), removed }
            }
            same @ (Self::Previous(_)
            | Self::Attempt { .. }
            | Self::Applied(_)
            | Self::Sum(_)
            | Self::Done) => same,
        }
    }
}

/// The reason why an operation failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    EmptyKey,
    ReservedKey,
    BadName,
    NotAnInteger,
    Overflow,
    Closed,
    NotAList,
    NoTests,
    LengthsDiffer,
    CorruptRevision,
    /// Ours: there is no further revision. Pulse: it cannot read its own revision.
    Exhausted,
}

impl Refusal {
    /// Classifies an error text of Pulse.
    pub(crate) fn of_pulse(text: &str) -> Self {
        let known = [
            ("key cannot be empty in", Self::EmptyKey),
            ("cannot contain '=' in", Self::ReservedKey),
            ("not a valid map name", Self::BadName),
            ("for key a: ERR hash value is not an integer", Self::CorruptRevision),
            ("ERR hash value is not an integer", Self::NotAnInteger),
            ("ERR increment or decrement would overflow", Self::Overflow),
            ("is stopped", Self::Closed),
            ("requires len(keys) == len(tests)", Self::LengthsDiffer),
            ("returned invalid set revision", Self::Exhausted),
        ];
        let found = known.iter().find(|(part, _)| text.contains(part));
        found.unwrap_or_else(|| panic!("the error is not known: {text}")).1
    }
}
