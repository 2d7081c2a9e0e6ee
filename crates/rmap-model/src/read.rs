//! Reads of the model.

use bytes::Bytes;
use rmap_proto::{Entries, KIND_FIELD, Page, Probe, Read, ReadReply, Snapshot, WriteError, is_reserved};

use super::Authority;

impl Authority {
    /// Performs a read. The caller must deliver the read's mark in the same step.
    ///
    /// # Errors
    ///
    /// [`WriteError::CorruptRevision`] when the field `=rev` is not a revision.
    pub fn read(&mut self, now_ms: u64, read: &Read) -> Result<ReadReply, WriteError> {
        self.advance(now_ms);
        Ok(match read {
            Read::Snapshot { max_fields, max_bytes, .. } => {
                let probe = self.probe(now_ms)?;
                let small = probe.fields <= *max_fields && self.bytes() <= *max_bytes;
                ReadReply::Snapshot(Snapshot::new(probe, small.then(|| entries(self.fields.iter()))))
            }
            Read::Probe { .. } => ReadReply::Probe(self.probe(now_ms)?),
            Read::Page { cursor, count } => {
                let (cursor, page) = self.fields.page(*cursor, *count);
                ReadReply::Page(Page::new(cursor, entries(page.into_iter())))
            }
        })
    }

    fn probe(&self, now_ms: u64) -> Result<Probe, WriteError> {
        Ok(Probe::new(self.revision()?, self.fields.len() as u64)
            .cleared(matches!(self.fields.get(KIND_FIELD).map(|kind| &kind[..]), Some(b"reset" | b"destroy")))
            .ttl(self.ttl(now_ms))
            .replication(self.replication.clone())
            .clock(Some(now_ms))
            .leases(self.leases(now_ms)))
    }

    /// Total length of all fields and values.
    fn bytes(&self) -> u64 {
        self.fields.iter().map(|(field, value)| (field.len() + value.len()) as u64).sum()
    }
}

fn entries<'a>(fields: impl Iterator<Item = (&'a Bytes, &'a Bytes)>) -> Entries {
    let mut entries = Entries::default();
    for (field, value) in fields {
        if is_reserved(field) {
            entries.reserved.push(field.clone());
        } else {
            entries.content.push((field.clone(), value.clone()));
        }
    }
    entries
}
