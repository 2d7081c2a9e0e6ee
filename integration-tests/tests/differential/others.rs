//! Steps of a history that are no writes of the map: reads, and direct changes of the hash.

use std::time::Duration;

use rmap_proto::{Entries, Leases, Mark, Read, ReadReply, Snapshot};

use crate::{BY_HAND, History, generate};

impl History<'_> {
    pub(crate) fn read(&mut self) -> String {
        let mark = Mark::new(self.scripts.map.sync_channel("test"), self.rng.u64(..));
        let read = if self.rng.bool() {
            Read::Probe { mark: mark.clone() }
        } else {
            Read::Snapshot {
                mark: mark.clone(),
                max_fields: self.rng.u64(..8),
                max_bytes: self.rng.u64(..100),
            }
        };
        let what = format!("{read:?}");
        let real = self.scripts.read(&read).map(comparable);
        let now = self.scripts.time();
        let modelled = self.model.read(now, &read).map(comparable);
        assert_eq!(real, modelled, "{what}");
        let marks: Vec<_> = real.iter().map(|_| (mark.channel.clone(), mark.id.to_string().into())).collect();
        assert_eq!(self.scripts.messages(), marks, "{what}");
        what
    }

    pub(crate) fn scan(&mut self) -> String {
        let count = self.rng.u64(1..4);
        let mut real = scan(count, |read| self.scripts.read(read).unwrap());
        let now = self.scripts.time();
        let mut modelled = scan(count, |read| self.model.read(now, read).unwrap());
        sort(&mut real);
        sort(&mut modelled);
        assert_eq!(real, modelled, "scan");
        format!("scan by {count}")
    }

    pub(crate) fn change_behind(&mut self) -> String {
        match self.rng.u8(..10) {
            0..4 => {
                let (field, value) = (generate::other_field(&mut self.rng), generate::value(&mut self.rng));
                self.scripts.hset(&field, &value);
                self.model.hset(&field, &value);
                format!("HSET {} {}", field.escape_ascii(), value.escape_ascii())
            }
            4..6 => {
                let field = generate::field(&mut self.rng);
                self.scripts.hdel(&field);
                self.model.hdel(&field);
                format!("HDEL {}", field.escape_ascii())
            }
            6 => {
                let value = generate::revision(&mut self.rng);
                self.scripts.hset("=rev", value);
                self.model.hset("=rev", value);
                format!("HSET =rev {value}")
            }
            7 => {
                self.scripts.delete_hash();
                self.model.delete_hash();
                "DEL".to_owned()
            }
            8 => {
                let now = self.scripts.time();
                self.scripts.expire(u64::try_from(BY_HAND.as_millis()).unwrap());
                self.model.expire(now, BY_HAND);
                "PEXPIRE".to_owned()
            }
            _ => {
                self.scripts.persist();
                self.model.persist();
                "PERSIST".to_owned()
            }
        }
    }
}

/// Removes what the model cannot know: the order of fields, the exact time to live, the replication id.
fn comparable(mut reply: ReadReply) -> ReadReply {
    if let ReadReply::Snapshot(snapshot) = &mut reply {
        snapshot.content.iter_mut().for_each(sort);
    }
    if let ReadReply::Snapshot(Snapshot { probe, .. }) | ReadReply::Probe(probe) = &mut reply {
        probe.ttl = probe.ttl.map(|_| Duration::ZERO);
        (probe.replication, probe.clock, probe.leases) = (None, None, Leases::Off);
    }
    reply
}

fn sort(entries: &mut Entries) {
    entries.content.sort();
    entries.reserved.sort();
}

fn scan(count: u64, mut read: impl FnMut(&Read) -> ReadReply) -> Entries {
    let mut all = Entries::default();
    let mut cursor = 0;
    loop {
        let ReadReply::Page(page) = read(&Read::Page { cursor, count }) else { panic!("not a page") };
        all.content.extend(page.entries.content);
        all.reserved.extend(page.entries.reserved);
        cursor = page.cursor;
        if cursor == 0 {
            return all;
        }
    }
}
