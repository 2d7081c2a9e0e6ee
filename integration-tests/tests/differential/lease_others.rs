//! Steps of a history with leases that are no writes of the map: reaps, renewals, reads, and changes past the scripts.

use std::collections::BTreeMap;
use std::time::Duration;

use rmap_proto::{Expiry, Held, Leases, Mark, Read, ReadReply};

use crate::generate;
use crate::leases::History;

impl History<'_> {
    pub(crate) fn reap(&mut self) -> String {
        let ttl = generate::ttl(&mut self.rng);
        let real = self.scripts.reap(ttl);
        let (shared, updates) = (self.scripts.map.shared_channel(), self.scripts.map.updates_channel());
        let (reaped, expected) = match self.model.reap(self.now, ttl) {
            Ok((reaped, published, news)) => {
                let deletions = published.into_iter().map(|payload| (updates.clone(), payload.into()));
                let news = news.map(|news| (shared, news.encode()));
                self.count(match (reaped.deleted, reaped.dropped, reaped.next) {
                    (2.., _, _) => "reap deleted several",
                    (1, _, _) => "reap deleted",
                    (_, 1.., _) => "reap dropped",
                    (_, _, Some(_)) => "reap in time",
                    (_, _, None) => "reap none left",
                });
                (Ok(reaped), deletions.chain(news).collect::<Vec<_>>())
            }
            Err(error) => {
                self.count(&format!("reap {error:?}"));
                (Err(error), Vec::new())
            }
        };
        assert_eq!(real, reaped, "reap at {}", self.now);
        assert_eq!(self.scripts.messages(), expected, "reap at {}", self.now);
        format!("reap {reaped:?}")
    }

    /// A few leases that began, each once, some with a wrong fence.
    fn some_held(&mut self) -> Vec<Held> {
        let mut some: BTreeMap<_, Held> = BTreeMap::new();
        for _ in 0..self.rng.usize(1..4) {
            let held = match self.rng.choice(&self.begun) {
                Some(held) if self.rng.u8(..5) > 0 => held.clone(),
                _ => Held::new(generate::key(&mut self.rng), self.now),
            };
            some.insert(held.key.clone(), held);
        }
        // The last leases are more often held.
        for held in self.begun.iter().rev().take(self.rng.usize(..3)) {
            some.entry(held.key.clone()).or_insert_with(|| held.clone());
        }
        some.into_values().collect()
    }

    pub(crate) fn renew(&mut self) -> String {
        let expiry = Expiry::new(Duration::from_millis(self.rng.u64(1000..4000))).unwrap();
        let leases = self.some_held();
        let what = format!("renew {leases:?} for {expiry:?}");
        let real = self.scripts.renew(expiry, &leases);
        let modelled = self.model.renew(self.now, expiry, &leases);
        assert_eq!(real, modelled, "{what}");
        assert_eq!(self.scripts.messages(), [], "{what}");
        if let Ok(lost) = modelled {
            self.count(if lost.len() < leases.len() { "renew kept" } else { "renew lost" });
        }
        what
    }

    pub(crate) fn revoke(&mut self) -> String {
        let (ttl, leases) = (generate::ttl(&mut self.rng), self.some_held());
        let what = format!("revoke {leases:?}");
        let real = self.scripts.revoke(ttl, &leases);
        let (modelled, published) = match self.model.revoke(self.now, ttl, &leases) {
            Ok((revoked, published)) => (Ok(revoked), published),
            Err(error) => (Err(error), Vec::new()),
        };
        assert_eq!(real, modelled, "{what}");
        assert_eq!(self.scripts.notifications(), published, "{what}");
        if let Ok(revoked) = modelled {
            self.count(if revoked.deleted > 0 { "revoke deleted" } else { "revoke not held" });
        }
        what
    }

    pub(crate) fn expires_at(&mut self) -> String {
        let key = generate::key(&mut self.rng);
        let real = self.scripts.expires_at(&key);
        let modelled = self.model.expires_at(self.now, &key);
        assert_eq!(real, modelled, "expires_at {key}");
        self.count(if matches!(modelled, Ok(Some(_))) { "expires" } else { "expires not" });
        format!("expires_at {key}")
    }

    pub(crate) fn probe(&mut self) -> String {
        let read = Read::Probe { mark: Mark::new(self.scripts.map.sync_channel("test"), 1) };
        let leases = |reply| match reply {
            Ok(ReadReply::Probe(probe)) => Ok(probe.leases),
            Ok(_) => panic!("no probe"),
            Err(error) => Err(error),
        };
        let real = leases(self.scripts.read(&read));
        let modelled = leases(self.model.read(self.now, &read));
        assert_eq!(real, modelled, "probe at {}", self.now);
        self.scripts.messages();
        self.count(match real {
            Ok(Leases::Off) => "probe off",
            Ok(Leases::On { next: None }) => "probe on",
            Ok(Leases::On { next: Some(_) }) => "probe next",
            Ok(Leases::Unknown) => panic!("the server says all"),
            Err(_) => "probe refused",
        });
        "probe".to_owned()
    }

    pub(crate) fn start(&mut self) -> String {
        self.scripts.start_leases().unwrap();
        self.model.start_leases(self.now);
        "start".to_owned()
    }

    /// A change past the scripts of rmap: fields, the hash, the sidecars.
    pub(crate) fn change_behind(&mut self) -> String {
        match self.rng.u8(..20) {
            0..7 => {
                let key = generate::key(&mut self.rng);
                // Often the same value, which nobody can tell apart from the value that the lease guards.
                let held = self.model.fields().remove(key.as_bytes()).filter(|_| self.rng.bool());
                let value = held.unwrap_or_else(|| generate::value(&mut self.rng));
                self.scripts.hset(key.as_bytes(), &value);
                self.model.hset(key.as_bytes(), &value);
                format!("HSET {key}")
            }
            7..12 => {
                let field = generate::field(&mut self.rng);
                self.scripts.hdel(&field);
                self.model.hdel(&field);
                format!("HDEL {}", field.escape_ascii())
            }
            12..15 => {
                let value = generate::revision(&mut self.rng);
                self.scripts.hset("=rev", value);
                self.model.hset("=rev", value);
                format!("HSET =rev {value}")
            }
            15..18 => {
                self.scripts.delete_hash();
                self.model.delete_hash();
                "DEL".to_owned()
            }
            _ => {
                let (side, leases) = (self.rng.bool(), self.rng.bool());
                self.scripts.delete_sidecars(side, leases);
                self.model.delete_sidecars(side, leases);
                format!("DEL of sidecars {side} {leases}")
            }
        }
    }
}
