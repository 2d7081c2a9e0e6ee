//! Edits of decoded keys.

use std::hash::{BuildHasher, RandomState};

use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;
use rmap_proto::{Key, Revision};

use crate::typed::change::{Decoded, Good};
use crate::typed::rejected::{Rejected, Why};

/// The edit of one key.
#[derive(Debug)]
pub(in crate::typed) struct Edit<T> {
    pub(in crate::typed) key: Key,
    pub(in crate::typed) revision: Option<Revision>,
    pub(in crate::typed) to: To<T>,
}

#[derive(Debug)]
pub(in crate::typed) enum To<T> {
    Good(Good<T>),
    Rejected(Why),
    Gone,
}

/// The net effect of edits.
#[derive(Debug)]
pub(in crate::typed) struct Effects<T> {
    pub(in crate::typed) changes: Vec<Decoded<T>>,
    pub(in crate::typed) rejected: Vec<Rejected>,
    /// Rejected keys that were not rejected before.
    pub(in crate::typed) newly: usize,
}

impl<T> Default for Effects<T> {
    fn default() -> Self {
        Self { changes: Vec::new(), rejected: Vec::new(), newly: 0 }
    }
}

/// The seeded hash function of keys. Peers choose keys, so they must not know the seed.
#[derive(Debug, Clone)]
pub(in crate::typed) struct KeyHasher(SeedableRandomState);

impl KeyHasher {
    pub(super) fn new() -> Self {
        let seed = RandomState::new().hash_one(0);
        Self(SeedableRandomState::with_seed(seed, SharedSeed::global_fixed()))
    }

    #[inline]
    pub(in crate::typed) fn hash(&self, key: &[u8]) -> u64 {
        self.0.hash_one(key)
    }
}
