//! A string of bytes that decides every step of a history, read from the front.

use rmap_proto::{Entries, Notification, Page, Probe, ReadReply, Replication, Revision, Snapshot};
use std::time::Duration;

pub(super) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// The next byte, or 0 at the end.
    pub(super) fn byte(&mut self) -> u8 {
        self.next().unwrap_or_default()
    }

    pub(super) fn flag(&mut self) -> bool {
        self.byte() % 2 == 1
    }

    /// One of a few keys, so that operations collide.
    pub(super) fn key(&mut self) -> Vec<u8> {
        vec![b'a' + self.byte() % 5]
    }

    pub(super) fn value(&mut self) -> Vec<u8> {
        let byte = self.byte();
        vec![b'0' + byte % 10; usize::from(byte / 64)]
    }

    pub(super) fn raw(&mut self) -> Vec<u8> {
        let length = usize::from(self.byte() % 64).min(self.0.len());
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken.to_vec()
    }

    /// A revision close to another, or any.
    pub(super) fn revision(&mut self, near: Option<Revision>) -> Revision {
        let base = near.map_or(0, Revision::get);
        let number = match self.byte() {
            255 => Revision::LIMIT - 1,
            254 => u64::from(self.byte()),
            step @ 128.. => base.saturating_sub(u64::from(step - 128)),
            step => base.saturating_add(u64::from(step)),
        };
        Revision::new(number.min(Revision::LIMIT - 1)).unwrap_or(Revision::ZERO)
    }

    /// A sound payload that nobody published.
    pub(super) fn payload(&mut self, near: Option<Revision>) -> Vec<u8> {
        let revision = self.revision(near);
        let kind = self.byte();
        let (key, value) = if kind & 4 == 0 { (self.key(), self.value()) } else { (self.raw(), self.raw()) };
        let change = match kind & 3 {
            0 | 1 => rmap_proto::Change::Set { key: &key, value: &value },
            2 => rmap_proto::Change::Delete { key: &key },
            _ => rmap_proto::Change::Reset,
        };
        let remaining = if kind & 8 == 0 { 0 } else { u32::from(self.byte()) };
        let born = kind & 16 != 0;
        Notification::new(revision, change).born(born).remaining(remaining).encode()
    }

    /// A reply that no server gave.
    pub(super) fn reply(&mut self, near: Option<Revision>) -> ReadReply {
        match self.byte() % 3 {
            0 => ReadReply::Probe(self.probe(near)),
            1 => ReadReply::Page(Page::new(u64::from(self.byte() % 4), self.entries())),
            _ => {
                let probe = self.probe(near);
                let content = self.flag().then(|| self.entries());
                ReadReply::Snapshot(Snapshot::new(probe, content))
            }
        }
    }

    fn probe(&mut self, near: Option<Revision>) -> Probe {
        let shape = self.byte();
        Probe::new(
            (shape & 1 == 1).then(|| self.revision(near)),
            if shape & 2 == 0 { u64::from(self.byte()) } else { u64::MAX },
        )
        .cleared(shape & 32 != 0)
        .ttl(
            (shape & 4 != 0).then(|| {
                if shape & 8 == 0 { Duration::from_millis(self.byte().into()) } else { Duration::MAX }
            }),
        )
        .replication((shape & 16 == 0).then(|| Replication::new(vec![b'0' + shape % 3].into(), shape.into())))
        .clock((shape & 64 == 0).then_some(u64::MAX))
    }

    fn entries(&mut self) -> Entries {
        let count = self.byte() % 8;
        let content = (0..count).map(|_| (self.key().into(), self.value().into())).collect();
        let reserved = if self.flag() { vec!["=rev".into(), "=kind".into()] } else { Vec::new() };
        Entries::new(content, reserved)
    }
}
