//! Operations and their outcomes, in the terms that both sides share.

/// An operation with its arguments, as Pulse's functions take them.
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

/// What an operation returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// What a key held before; `None` when it was missing.
    Previous(Option<Vec<u8>>),
    Attempt {
        previous: Option<Vec<u8>>,
        applied: bool,
    },
    Applied(bool),
    Sum(i64),
    /// `None` where there is no list, which Pulse tells from an empty one.
    List(Option<Vec<Vec<u8>>>),
    Removed {
        list: Option<Vec<Vec<u8>>>,
        removed: bool,
    },
    Done,
}

impl Outcome {
    /// The same without the difference between no list and an empty one, which ours does not make.
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

/// Why an operation failed.
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
    /// Ours: no further revision. Pulse: it cannot read its own.
    Exhausted,
}

impl Refusal {
    /// What an error text of Pulse means.
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
