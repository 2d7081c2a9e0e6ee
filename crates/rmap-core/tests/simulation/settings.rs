//! Settings of the replicas and the mixture of operations of one history.

use std::time::Duration;

use fastrand::Rng;
use rmap_core::{ReplicaSettings, WhenLost};
use rmap_proto::{BatchOperation, Key, KeyOperation, Operation};

/// Settings of the replicas.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) nodes: u64,
    /// True if they scan even small maps, in pages of one or two fields.
    pub(crate) scan: bool,
    /// True if every second replica compares one entry at a time.
    pub(crate) compare: bool,
    /// True if they hold almost nothing.
    hold_little: bool,
    /// True if every third replica records no changes.
    unobserved: bool,
    /// True if no user may run INFO.
    pub(crate) info_denied: bool,
    /// True if the server's clock is so late that soon no life can begin.
    pub(crate) late: bool,
    quick_probes: bool,
    quick_timeout: bool,
    /// True if the driver reports what arrives, so that replicas wait for late replies.
    pub(crate) counts: bool,
    /// True if replicas verify their content now and then.
    pub(crate) verify: bool,
    /// True if replicas keep their content when the hash is lost.
    pub(crate) keep: bool,
}

impl Settings {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        Self {
            nodes: [1, 2, 3, 3][rng.usize(0..4)],
            scan: rng.bool(),
            compare: rng.bool(),
            hold_little: rng.u8(0..6) == 0,
            unobserved: rng.bool(),
            info_denied: rng.u8(0..6) == 0,
            late: rng.u8(0..20) == 0,
            quick_probes: rng.bool(),
            quick_timeout: rng.u8(0..4) == 0,
            counts: rng.bool(),
            verify: rng.u8(0..4) == 0,
            // From a copy, so that the other settings and the steps of a seed stay the same.
            keep: rng.clone().u8(0..3) == 0,
        }
    }

    pub(crate) fn of_replica(&self, node: u64) -> ReplicaSettings {
        let mut replica = ReplicaSettings::default();
        if self.scan {
            replica = replica.small_map(2, 1 << 20).page_fields(1);
        }
        if self.compare && node.is_multiple_of(2) {
            replica = replica.compared(1);
        }
        if self.hold_little {
            replica = replica.held(3, 300);
        }
        if self.quick_probes {
            replica = replica.probe_interval(Duration::from_millis(500));
        }
        if self.quick_timeout {
            replica = replica.request_timeout(Duration::from_millis(500));
        }
        if self.counts {
            replica = replica.patience(Duration::from_secs(3));
        }
        if self.verify {
            replica = replica.verify_interval(Duration::from_secs(3));
        }
        if self.keep {
            replica = replica.when_lost(WhenLost::Keep);
        }
        replica
    }

    /// Time that these settings need to settle, beyond the time that every history needs, in milliseconds.
    pub(crate) const fn more_to_settle(&self) -> u64 {
        // Replicas wait for a lost reply while the connection lives. A verification pauses after each page, and follows
        // each saved snapshot.
        let late = if self.counts { 125_000 } else { 0 };
        let verified = if self.verify || self.scan { 160_000 } else { 0 };
        let kept = if self.keep { 60_000 } else { 0 };
        late + verified + kept
    }

    pub(crate) const fn observes(&self, node: u64) -> bool {
        !(self.unobserved && node % 3 == 2)
    }
}

/// Frequency of each kind of write, and the number of keys.
#[derive(Debug, Clone)]
pub(crate) struct Operations {
    weights: [u32; 9],
    keys: u8,
}

impl Operations {
    /// With few keys a scan would be over at once.
    pub(crate) fn draw(scan: bool, rng: &mut Rng) -> Self {
        let keys: &[u8] = if scan { &[4, 8, 16] } else { &[1, 2, 4, 4, 12] };
        let mut weights = [0; 9].map(|_: u32| if rng.bool() { 0 } else { rng.u32(1..8) });
        weights[0] += 4;
        Self { weights, keys: keys[rng.usize(0..keys.len())] }
    }

    pub(crate) fn key(&self, rng: &mut Rng) -> Vec<u8> {
        vec![b'a' + rng.u8(0..self.keys)]
    }

    pub(crate) fn write(&self, rng: &mut Rng) -> Operation {
        let key = Key::new(self.key(rng)).unwrap();
        let value = value(rng).into();
        let mut chance = rng.u32(0..self.weights.iter().sum());
        let kind = self.weights.iter().position(|weight| match chance.checked_sub(*weight) {
            Some(rest) => {
                chance = rest;
                false
            }
            None => true,
        });
        match kind.unwrap_or_default() {
            0 => Operation::Key(KeyOperation::Set { key, value }),
            1 => Operation::Key(KeyOperation::SetIfNotExists { key, value }),
            2 => Operation::Key(KeyOperation::TestAndSet { key, test: "1".into(), value }),
            3 => Operation::Key(KeyOperation::Delete { key }),
            4 => Operation::Key(KeyOperation::Inc { key, delta: 1 }),
            5 => Operation::Key(KeyOperation::AppendValues { key, items: vec!["i".to_owned()] }),
            6 => Operation::Key(KeyOperation::RemoveValues { key, items: vec!["i".to_owned()] }),
            7 => Operation::Reset,
            _ => Operation::Destroy,
        }
    }

    pub(crate) fn batch(&self, rng: &mut Rng) -> Operation {
        let steps = (0..rng.usize(2..=6)).map(|_| self.step(rng)).collect();
        Operation::Batch(BatchOperation::new(Vec::new(), steps))
    }

    fn step(&self, rng: &mut Rng) -> KeyOperation {
        let key = Key::new(self.key(rng)).unwrap();
        match rng.u8(0..8) {
            0..4 => KeyOperation::Set { key, value: value(rng).into() },
            4..7 => KeyOperation::Delete { key },
            _ => KeyOperation::AppendUniqueValues { key, items: vec!["i".to_owned()] },
        }
    }
}

pub(crate) fn value(rng: &mut Rng) -> Vec<u8> {
    rng.u8(0..3).to_string().into_bytes()
}
