//! Resyncs counted by their cause.

/// Number of resyncs by cause. Each field counts the [`Reason`](crate::Reason) of the same name.
///
/// ```
/// # use rmap_core::Resyncs;
/// let resyncs = Resyncs::default();
/// assert_eq!((resyncs.gap, resyncs.total()), (0, 0));
/// assert_eq!(resyncs.by_reason()[0], ("gap", 0));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resyncs {
    /// Caused by `Reason::Gap`.
    pub gap: u64,
    /// Caused by `Reason::Undecodable`.
    pub undecodable: u64,
    /// Caused by `Reason::Lagged`.
    pub lagged: u64,
    /// Caused by `Reason::BrokenBatch`.
    pub broken_batch: u64,
    /// Caused by `Reason::TooMuchHeld`.
    pub too_much_held: u64,
    /// Caused by `Reason::Mismatch`.
    pub mismatch: u64,
    /// Caused by `Reason::Differs`.
    pub differs: u64,
    /// Caused by `Reason::Lost`: the loss of a kept content was followed.
    pub lost: u64,
    /// Caused by `Reason::NoAnswer`.
    pub no_answer: u64,
    /// Caused by `Reason::Failed`.
    pub failed: u64,
    /// Any other cause. No resync has one today.
    pub other: u64,
}

impl Resyncs {
    /// Each cause with its number, by the name of its field.
    #[must_use]
    pub const fn by_reason(&self) -> [(&'static str, u64); 11] {
        [
            ("gap", self.gap),
            ("undecodable", self.undecodable),
            ("lagged", self.lagged),
            ("broken_batch", self.broken_batch),
            ("too_much_held", self.too_much_held),
            ("mismatch", self.mismatch),
            ("differs", self.differs),
            ("lost", self.lost),
            ("no_answer", self.no_answer),
            ("failed", self.failed),
            ("other", self.other),
        ]
    }

    /// Number of all resyncs.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.by_reason().iter().map(|(_, count)| count).sum()
    }
}

/// Serializes each cause with its number.
#[cfg(feature = "serde")]
impl serde::Serialize for Resyncs {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.by_reason())
    }
}
