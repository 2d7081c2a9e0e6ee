//! Reading a large map in pages.
//!
//! After the first mark, notifications go straight into a **staging table**, as an unbroken chain of revisions. An
//! entry of a page is skipped if a notification changed its key since the request for the page. At the last mark,
//! revision and field count of the chain must equal the server's.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use rmap_proto::{Change, Entries, Notification, Page, Probe, Revision, is_reserved};

use super::batch::Chain;
use super::held::Held;
use super::patience::Patience;
use super::probe::Live;
use super::rate::{FIRST_PAGE, PAGE_BYTES, bytes_of, next_count};
use super::{Mode, Replica};
use crate::content::Table;
use crate::output::{Disposition, Request, RequestId};
use crate::status::{Reason, ScanProgress};

/// Cursor at which the second half of a hash begins.
///
/// HSCAN visits the slots of a table in the order of their reversed bits, and its cursor is the slot. The first half
/// therefore ends before the cursor 1, however the table grows meanwhile. Redis and Valkey behave so, but only promise
/// that a foreign cursor does no harm. No promise is needed. If fields were left out, their number would not agree at
/// the end, and the next scan would read in one go. A scan also reads in one go when a server rejects this cursor.
const SECOND_HALF: u64 = 1;

/// A scan in progress.
#[derive(Debug)]
pub(super) struct Scan {
    /// Accessed only through [`Scan::staging`].
    table: Table,
    /// The latest pages, which are not in the table yet.
    kept: Vec<Kept>,
    revision: Option<Revision>,
    chain: Chain,
    /// Names of the reserved fields. A set, because pages may repeat fields.
    reserved: BTreeSet<Bytes>,
    read: u64,
    total: u64,
    /// True once both halves are read side by side. Then the server does not idle between two pages.
    halved: bool,
    stage: Stage,
    /// Arrival of the last page.
    came_at: Duration,
    pub(super) patience: Patience,
}

#[derive(Debug)]
enum Stage {
    /// The pages in flight, at most one for each half.
    Pages(Vec<Asked>),
    End(End),
}

/// A page in flight.
#[derive(Debug)]
struct Asked {
    id: RequestId,
    asked_at: Duration,
    cursor: u64,
    /// Approximate number of fields of the page.
    count: u64,
    touched: BTreeSet<Box<[u8]>>,
}

/// A page, and the keys that notifications changed between its request and its arrival. The `Debug` form shows no value.
struct Kept {
    content: Vec<(Bytes, Bytes)>,
    touched: BTreeSet<Box<[u8]>>,
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} entries, {} touched", self.content.len(), self.touched.len())
    }
}

/// The probe that ends the scan.
#[derive(Debug)]
struct End {
    id: RequestId,
    asked_at: Duration,
    /// True once the mark arrived. Later notifications are held.
    marked: bool,
    reply: Option<Probe>,
    held: Held,
}

impl Scan {
    pub(super) fn awaits(&self, id: RequestId) -> bool {
        match &self.stage {
            Stage::Pages(pages) => pages.iter().any(|asked| asked.id == id),
            Stage::End(end) => end.reply.is_none() && end.id == id,
        }
    }

    /// Number of bytes of the notifications held until the scan ends.
    pub(super) const fn held_size(&self) -> usize {
        match &self.stage {
            Stage::Pages(_) => 0,
            Stage::End(end) => end.held.size(),
        }
    }

    /// True once the mark of the final probe arrived.
    pub(super) const fn is_marked(&self) -> bool {
        match &self.stage {
            Stage::Pages(_) => false,
            Stage::End(end) => end.marked,
        }
    }

    /// Enters one notification into the staging table. False when the notification does not continue the chain.
    fn enter(&mut self, notification: &Notification<'_>) -> bool {
        let follows = self.revision.is_some_and(|local| notification.revision.follows(local));
        if !follows || !self.chain.accept(notification.remaining) {
            return false;
        }
        self.revision = Some(notification.revision);
        match notification.change {
            Change::Set { key, value } => self.staging().set(key, value),
            Change::Delete { key } => self.staging().remove(key),
            Change::Reset | Change::Destroy => return false,
        }
        if let (Stage::Pages(pages), Some(key)) = (&mut self.stage, notification.key()) {
            for asked in pages {
                asked.touched.insert(key.into());
            }
        }
        true
    }

    /// Keeps a page without entering it, so that the server can already work on the next request.
    fn keep(&mut self, entries: Entries, touched: BTreeSet<Box<[u8]>>) {
        self.read += (entries.content.len() + entries.reserved.len()) as u64;
        self.reserved.extend(entries.reserved);
        self.kept.push(Kept { content: entries.content, touched });
    }

    /// The staging table, after entering the kept pages.
    ///
    /// Entering a page late gives the same table as entering it at its arrival. Its `touched` keys end at the arrival;
    /// later changes are noted for the pages then in flight. And a later notification finds the page in the table,
    /// because it can reach the table only through this function.
    fn staging(&mut self) -> &mut Table {
        self.enter_pages(usize::MAX);
        &mut self.table
    }

    /// True when pages arrived that are not in the table yet.
    pub(super) const fn has_pages(&self) -> bool {
        !self.kept.is_empty()
    }

    /// Enters kept pages with about `entries` entries, at least one page.
    pub(super) fn enter_pages(&mut self, entries: usize) {
        let mut entered = 0;
        let pages = self.kept.iter().take_while(|page| {
            let enters = entered < entries;
            entered += page.content.len();
            enters
        });
        let pages = pages.count();
        for Kept { content, touched } in self.kept.drain(..pages) {
            for (key, value) in &content {
                if !touched.contains(&key[..]) {
                    self.table.set(key, value);
                }
            }
        }
    }

    /// The revision and field count that the final probe must show.
    fn expected(&mut self) -> (Option<Revision>, u64) {
        (self.revision, (self.staging().len() + self.reserved.len()) as u64)
    }
}

impl Replica {
    pub(super) fn begin_scan(&mut self, now: Duration, begin: Probe, held: Held) {
        // With so few fields, their bytes made the hash too large for one step, so each field may be huge.
        let few = begin.fields <= self.settings.small_fields;
        let count = if few { 1 } else { FIRST_PAGE.min(self.settings.page_fields) };
        let patience = self.patience(now, self.settings.request_timeout);
        let id = self.request(Request::Page { cursor: 0, count });
        self.mode = Mode::Scanning(Box::new(Scan {
            table: Table::with_room(self.content.hasher(), begin.fields),
            kept: Vec::new(),
            revision: begin.revision,
            chain: Chain::default(),
            reserved: BTreeSet::new(),
            read: 0,
            total: begin.fields,
            halved: false,
            stage: Stage::Pages(vec![Asked {
                id,
                asked_at: now,
                cursor: 0,
                count,
                touched: BTreeSet::new(),
            }]),
            came_at: now,
            patience,
        }));
        self.notify_scan(0, begin.fields);
        for payload in held.into_payloads() {
            self.handle_notification(now, &payload);
        }
    }

    fn notify_scan(&mut self, read: u64, total: u64) {
        self.status.scan = Some(ScanProgress { read, total });
        self.notify_status();
    }

    pub(super) fn on_scan_notification(&mut self, now: Duration, payload: &[u8]) -> Disposition {
        let Mode::Scanning(scan) = &mut self.mode else { return Disposition::Ignored };
        if let Stage::End(end) = &mut scan.stage
            && end.marked
        {
            if end.held.push(payload, &self.settings) {
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

    /// Ends the scan early. A notification that determines the whole content makes the pages needless.
    fn end_scan_whole(&mut self, now: Duration, payload: &[u8]) -> Disposition {
        let Mode::Scanning(scan) = &self.mode else { return Disposition::Ignored };
        let floor = scan.revision;
        self.status.scan = None;
        self.status.late_since = None;
        self.connections.misses = 0;
        self.mode = Mode::Live(Live::new(now));
        self.doubt_below(floor);
        self.backoff.settled(now);
        self.on_live_notification(now, payload)
    }

    pub(super) fn on_page(&mut self, now: Duration, id: RequestId, page: Page) {
        let Mode::Scanning(scan) = &mut self.mode else { return self.on_verify_page(now, id, page) };
        let Stage::Pages(pages) = &mut scan.stage else { return };
        let Some(place) = pages.iter().position(|asked| asked.id == id) else { return };
        let Asked { asked_at, cursor, count, touched, .. } = pages.swap_remove(place);
        let last = pages.is_empty();
        let bytes = bytes_of(&page.entries);
        // Two pages share the line. This one had the line to itself only since the arrival of the other.
        let began = asked_at.max(std::mem::replace(&mut scan.came_at, now));
        scan.keep(page.entries, touched);
        self.measure(bytes, now.saturating_sub(began));
        let count = next_count(count, bytes, self.fitting(PAGE_BYTES), self.settings.page_fields);
        let patience = self.patience(now, self.settings.request_timeout);
        self.connections.misses = 0;

        let Mode::Scanning(scan) = &mut self.mode else { return };
        scan.patience = patience;
        let in_first = page.cursor != 0 && is_first_half(page.cursor);
        // A page may reach into the other half. With few fields, which are large then, that would be too much at once.
        let many = scan.total > self.settings.small_fields;
        let halve = cursor == 0 && in_first && many && !self.connections.scans_in_one_go;
        scan.halved |= halve;
        let goes_on = page.cursor != 0 && (in_first || !scan.halved || !is_first_half(cursor));
        let (read, total) = (scan.read, scan.total);
        if goes_on {
            self.ask_page(now, page.cursor, count);
        }
        if halve {
            self.ask_page(now, SECOND_HALF, count);
        }
        if last && !goes_on {
            let id = self.request(Request::Probe);
            let end = End { id, asked_at: now, marked: false, reply: None, held: Held::default() };
            if let Mode::Scanning(scan) = &mut self.mode {
                scan.stage = Stage::End(end);
            }
        }
        self.notify_scan(read, total);
    }

    fn ask_page(&mut self, now: Duration, cursor: u64, count: u64) {
        let id = self.request(Request::Page { cursor, count });
        if let Mode::Scanning(scan) = &mut self.mode
            && let Stage::Pages(pages) = &mut scan.stage
        {
            pages.push(Asked { id, asked_at: now, cursor, count, touched: BTreeSet::new() });
        }
    }

    /// Handles a rejected page. A server, or a proxy in front of it, may reject a cursor that it did not hand out.
    pub(super) fn on_scan_failure(&mut self, id: RequestId) {
        if let Mode::Scanning(scan) = &self.mode
            && let Stage::Pages(pages) = &scan.stage
        {
            let mut begins = pages.iter().filter(|asked| asked.cursor == SECOND_HALF);
            self.connections.scans_in_one_go |= begins.any(|asked| asked.id == id);
        }
    }

    pub(super) fn on_scan_mark(&mut self, now: Duration, id: u64) {
        if let Mode::Scanning(scan) = &mut self.mode
            && let Stage::End(end) = &mut scan.stage
            && end.id.get() == id
        {
            end.marked = true;
            self.finish_scan(now);
        }
    }

    pub(super) fn on_scan_probe(&mut self, now: Duration, probe: Probe) {
        if let Mode::Scanning(scan) = &mut self.mode
            && let Stage::End(end) = &mut scan.stage
        {
            end.reply = Some(probe);
            scan.patience.reply_came(now, self.connections.received, &self.settings);
            self.finish_scan(now);
        }
    }

    /// Publishes the staging table once mark and reply of the final probe arrived and agree with it.
    fn finish_scan(&mut self, now: Duration) {
        let Mode::Scanning(scan) = &mut self.mode else { return };
        let Stage::End(end) = &mut scan.stage else { return };
        if !end.marked {
            return;
        }
        let Some(probe) = end.reply.take() else { return };
        let (id, asked_at, held) = (end.id, end.asked_at, std::mem::take(&mut end.held));
        let expected = scan.expected();
        let whole_batches = scan.chain.is_complete();
        let reserved = scan.reserved.len() as u64;
        let halved = scan.halved;
        let staging = std::mem::replace(scan.staging(), Table::new(self.content.hasher()));
        self.note_server(&probe);
        if (probe.revision, probe.fields) != expected || !whole_batches {
            self.connections.scans_in_one_go |= halved;
            self.resync(now, Reason::Mismatch { local: expected.0, server: probe.revision });
        } else {
            self.install(&probe, staging, reserved);
            self.go_live(now, id, asked_at, &probe, held);
        }
    }
}

const fn is_first_half(cursor: u64) -> bool {
    cursor.reverse_bits() < SECOND_HALF.reverse_bits()
}
