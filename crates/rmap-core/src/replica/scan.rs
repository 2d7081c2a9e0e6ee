//! Reading a large map in pages.
//!
//! From the begin mark on, notifications go straight into the staging table, in an unbroken chain of revisions. An entry
//! of a page is skipped when a notification touched its key since the page was asked for. At the end mark the chain's
//! revision and count must be the server's.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use rmap_proto::{Change, Entries, Notification, Page, Probe, Revision, is_reserved};

use super::batch::Chain;
use super::held::Held;
use super::probe::Live;
use super::{Replica, State};
use crate::content::Table;
use crate::output::{Disposition, Request, RequestId};
use crate::status::{Reason, ScanProgress};

/// About how many bytes of keys and values a page may have.
const PAGE_BYTES: u64 = 1 << 20;

/// Fields of the first page: nobody knows yet how large they are.
const FIRST_PAGE: u64 = 8;

/// A scan that is under way.
#[derive(Debug)]
pub(super) struct Scan {
    /// Reached through [`Scan::staging`] alone.
    table: Table,
    /// The page that came last, until it is in the table.
    kept: Option<Kept>,
    revision: Option<Revision>,
    chain: Chain,
    /// Names of the reserved fields; a set, since pages may repeat fields.
    reserved: BTreeSet<Bytes>,
    read: u64,
    total: u64,
    /// How many fields the page that is under way may have, about.
    count: u64,
    stage: Stage,
    pub(super) deadline: Duration,
}

#[derive(Debug)]
enum Stage {
    Page { id: RequestId, touched: BTreeSet<Box<[u8]>> },
    End(End),
}

/// A page with the keys that notifications touched from its request to its arrival.
#[derive(Debug)]
struct Kept {
    content: Vec<(Bytes, Bytes)>,
    touched: BTreeSet<Box<[u8]>>,
}

/// The probe that ends the scan.
#[derive(Debug)]
struct End {
    id: RequestId,
    asked_at: Duration,
    /// True once the mark is there; what comes later is held.
    marked: bool,
    reply: Option<Probe>,
    held: Held,
}

impl Scan {
    pub(super) fn awaited(&self) -> Option<RequestId> {
        match &self.stage {
            Stage::Page { id, .. } => Some(*id),
            Stage::End(end) => end.reply.is_none().then_some(end.id),
        }
    }

    /// Enters one notification into the staging table; false when it does not continue the chain.
    fn enter(&mut self, notification: &Notification<'_>) -> bool {
        let follows = self.revision.is_some_and(|local| notification.revision.follows(local));
        if !follows || !self.chain.accept(notification.remaining) {
            return false;
        }
        self.revision = Some(notification.revision);
        match notification.change {
            Change::Set { key, value } => self.staging().set(key, value.into()),
            Change::Delete { key } => self.staging().remove(key),
            Change::Reset | Change::Destroy => return false,
        }
        if let (Stage::Page { touched, .. }, Some(key)) = (&mut self.stage, notification.key()) {
            touched.insert(key.into());
        }
        true
    }

    /// Takes a page but does not enter it yet: the server is to work on what is asked for next in the meantime.
    fn keep(&mut self, entries: Entries, touched: BTreeSet<Box<[u8]>>) {
        self.staging();
        self.read += (entries.content.len() + entries.reserved.len()) as u64;
        self.reserved.extend(entries.reserved);
        self.kept = Some(Kept { content: entries.content, touched });
    }

    /// The staging table, with the page that was kept.
    ///
    /// A page that was kept is the same as one entered at its arrival. Its `touched` ends there: what comes later is
    /// noted for the next page. And a notification that comes later finds the page in the table, since it gets there
    /// only through here.
    pub(super) fn staging(&mut self) -> &mut Table {
        if let Some(Kept { content, touched }) = self.kept.take() {
            for (key, value) in &content {
                if !touched.contains(&key[..]) {
                    self.table.set(key, value[..].into());
                }
            }
        }
        &mut self.table
    }

    /// The revision and number of fields that the end probe must show.
    fn expected(&mut self) -> (Option<Revision>, u64) {
        (self.revision, (self.staging().len() + self.reserved.len()) as u64)
    }
}

impl Replica {
    pub(super) fn begin_scan(&mut self, now: Duration, begin: Probe, held: Held) {
        let count = FIRST_PAGE.min(self.config.page_fields);
        let id = self.request(Request::Page { cursor: 0, count });
        self.state = State::Scanning(Box::new(Scan {
            table: Table::with_room(self.content.hasher(), begin.fields),
            kept: None,
            revision: begin.revision,
            chain: Chain::default(),
            reserved: BTreeSet::new(),
            read: 0,
            total: begin.fields,
            count,
            stage: Stage::Page { id, touched: BTreeSet::new() },
            deadline: now + self.config.request_timeout,
        }));
        self.tell_scan(0, begin.fields);
        for payload in held.into_payloads() {
            self.handle_notification(now, &payload);
        }
    }

    fn tell_scan(&mut self, read: u64, total: u64) {
        self.status.scan = Some(ScanProgress { read, total });
        self.tell_status();
    }

    pub(super) fn on_scan_notification(&mut self, now: Duration, payload: &[u8]) -> Disposition {
        let State::Scanning(scan) = &mut self.state else { return Disposition::Ignored };
        if let Stage::End(end) = &mut scan.stage
            && end.marked
        {
            if end.held.push(payload, &self.config) {
                return Disposition::Held;
            }
            self.resync(now, Reason::TooMuchHeld);
            return Disposition::Gap;
        }
        let notification = match Notification::decode(payload) {
            Ok(notification) => notification,
            Err(error) => {
                self.resync(now, Reason::Undecodable(error));
                return Disposition::Gap;
            }
        };
        if notification.key().is_some_and(is_reserved) {
            return Disposition::Ignored;
        }
        if notification.is_whole() {
            return self.end_scan_whole(now, payload);
        }
        if scan.enter(&notification) {
            return Disposition::Held;
        }
        let local = scan.revision;
        self.resync(now, Reason::Gap { local, found: notification.revision });
        Disposition::Gap
    }

    /// A whole snapshot among the notifications makes every page needless.
    fn end_scan_whole(&mut self, now: Duration, payload: &[u8]) -> Disposition {
        self.status.scan = None;
        self.link.misses = 0;
        self.state = State::Live(Live::new(now));
        self.on_live_notification(now, payload)
    }

    pub(super) fn on_page(&mut self, now: Duration, page: Page) {
        let State::Scanning(scan) = &mut self.state else { return };
        let Stage::Page { touched, .. } = &mut scan.stage else { return };
        let touched = std::mem::take(touched);
        scan.count = next_count(scan.count, &page.entries, self.config.page_fields);
        scan.keep(page.entries, touched);
        self.link.misses = 0;
        let count = scan.count;
        let (read, total) = (scan.read, scan.total);
        let stage = if page.cursor == 0 {
            let id = self.request(Request::Probe);
            Stage::End(End { id, asked_at: now, marked: false, reply: None, held: Held::default() })
        } else {
            let id = self.request(Request::Page { cursor: page.cursor, count });
            Stage::Page { id, touched: BTreeSet::new() }
        };
        if let State::Scanning(scan) = &mut self.state {
            scan.stage = stage;
            scan.deadline = now + self.config.request_timeout;
        }
        self.tell_scan(read, total);
    }

    pub(super) fn on_scan_mark(&mut self, now: Duration, id: u64) {
        if let State::Scanning(scan) = &mut self.state
            && let Stage::End(end) = &mut scan.stage
            && end.id.get() == id
        {
            end.marked = true;
            self.finish_scan(now);
        }
    }

    pub(super) fn on_scan_probe(&mut self, now: Duration, probe: Probe) {
        if let State::Scanning(scan) = &mut self.state
            && let Stage::End(end) = &mut scan.stage
        {
            end.reply = Some(probe);
            self.finish_scan(now);
        }
    }

    /// Publishes the staging table once mark and reply of the end probe are there and fit.
    fn finish_scan(&mut self, now: Duration) {
        let State::Scanning(scan) = &mut self.state else { return };
        let Stage::End(end) = &mut scan.stage else { return };
        if !end.marked {
            return;
        }
        let Some(probe) = end.reply.take() else { return };
        let (id, asked_at, held) = (end.id, end.asked_at, std::mem::take(&mut end.held));
        let expected = scan.expected();
        let whole_batches = scan.chain.is_complete();
        let reserved = scan.reserved.len() as u64;
        let staging = std::mem::replace(scan.staging(), Table::new(self.content.hasher()));
        if self.is_failover(probe.replication_id.as_ref()) {
            self.replace_connections(now, Reason::Failover);
        } else if (probe.revision, probe.fields) != expected || !whole_batches {
            self.resync(now, Reason::Mismatch { local: expected.0, server: probe.revision });
        } else {
            self.install(&probe, staging, reserved);
            self.go_live(now, id, asked_at, &probe, held);
        }
    }
}

/// How many fields the next page may have, by what this one weighed: large values must neither hold up the server nor
/// take longer than an answer may.
fn next_count(count: u64, entries: &Entries, most: u64) -> u64 {
    let bytes: usize = entries.content.iter().map(|(key, value)| key.len() + value.len()).sum();
    let fitting = count.saturating_mul(PAGE_BYTES) / (bytes as u64).max(1);
    fitting.clamp(1, count.saturating_mul(4)).min(most)
}
