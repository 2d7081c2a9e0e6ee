//! Counts of grouped writes.

/// Counts of writes sent alone and together, since the transport was made.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # let client = rmap_client::Client::in_memory();
/// if let Some(groups) = client.stats().groups {
///     println!("{} writes in {} groups, at most {}", groups.grouped, groups.groups, groups.largest);
/// }
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupStats {
    /// Writes that were sent alone.
    pub alone: u64,
    /// Groups of two or more writes that were sent as one step.
    pub groups: u64,
    /// Writes that were sent in such groups: divided by `groups` it is the mean size of a group.
    pub grouped: u64,
    /// Number of writes of the largest group.
    pub largest: u64,
}
