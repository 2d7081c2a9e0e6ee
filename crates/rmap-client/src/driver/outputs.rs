//! Carries out the replica's requests, and emits changes, events and statuses.

use std::sync::Arc;

use rmap_core::{Nonce, Output, Phase, Progress, ReplicaStatus, Request, RequestId};
use rmap_proto::{Mark, Read};
use tracing::field::Empty;

use super::{Done, Driver};

/// Changes handed to the streams at once. The streams are locked meanwhile.
const HANDED_AT_ONCE: usize = 512;

impl Driver {
    /// Carries out the replica's requests, and emits everything new.
    pub(super) async fn settle(&mut self) {
        let (mut changed, mut status_changed) = (None, false);
        while let Some(output) = self.replica.poll_output() {
            match output {
                Output::Subscribe { nonce } => {
                    self.subscribe(nonce);
                    self.hear();
                }
                Output::Request { id, request } => {
                    self.request(id, request);
                    self.hear();
                }
                Output::ReplaceConnections { connection } => self.replace_connections(connection),
                Output::Changed(kind) => changed = changed.max(Some(kind)),
                Output::StatusChanged => status_changed = true,
            }
        }
        self.outlets.watchers.wake();
        while self.emit_some_changes() == HANDED_AT_ONCE {
            // A large difference makes many changes, and other tasks of this thread wait for this one.
            tokio::task::yield_now().await;
        }
        if let Some(kind) = changed {
            self.outlets.events.push(kind);
            self.note_change();
        }
        if status_changed {
            self.emit_status();
        }
        while let Some(outcome) = self.replica.poll_verified() {
            self.verifications.end(&outcome);
            self.verify_next();
        }
        let progress = self.replica.progress();
        self.mark(progress);
        self.progress.send_if_modified(|sent| std::mem::replace(sent, progress) != progress);
    }

    /// Marks the place in the log at which it has all changes of the content. During a comparison it lacks some.
    fn mark(&self, progress: Progress) {
        if self.outlets.marked.receiver_count() > 0 && !self.replica.has_work() {
            let status = self.replica.status();
            let (fresh_at, stored) = (status.fresh_at, status.is_stored());
            self.outlets.changes.with(|log| log.mark(progress, fresh_at, stored));
            self.outlets.marked.send_replace(());
        }
    }

    /// Does all remaining work at once and emits its changes. Rarely called, because other tasks of this thread wait.
    pub(super) fn finish_work(&mut self) {
        while self.replica.do_work(usize::MAX) {}
        self.emit_changes();
    }

    /// Emits everything that is left, when there will be no more turn.
    pub(super) fn emit_rest(&mut self) {
        self.finish_work();
        let outputs = std::iter::from_fn(|| self.replica.poll_output());
        let kinds =
            outputs.filter_map(|output| if let Output::Changed(kind) = output { Some(kind) } else { None });
        if let Some(kind) = kinds.max() {
            self.outlets.events.push(kind);
        }
    }

    pub(super) fn emit_changes(&mut self) {
        while self.emit_some_changes() == HANDED_AT_ONCE {}
    }

    /// Hands changes to the streams, and returns their number. Fewer than [`HANDED_AT_ONCE`] were the last ones.
    fn emit_some_changes(&mut self) -> usize {
        let Some(first) = self.replica.poll_change() else { return 0 };
        let mut handed = 0;
        let changes = std::iter::once(first).chain(std::iter::from_fn(|| self.replica.poll_change()));
        let counted = changes.take(HANDED_AT_ONCE).inspect(|_| handed += 1);
        if !self.outlets.changes.extend(counted) {
            self.replica.observe_changes(false);
        }
        handed
    }

    pub(super) fn emit_status(&mut self) {
        let status = self.replica.status().clone();
        self.trace_resync(&status);
        // In this order, a stream that is added in between starts with the new status and gets it a second time; in
        // the other order it would miss it.
        self.status.send_replace(status.clone());
        let store = self.store.as_ref().map(|store| store.get());
        self.outlets.statuses.push(crate::status::Status::new(status, self.outlets.clock.clone(), store));
    }

    /// A span that lasts as long as the resync, with its cause, and at its end the number of entries.
    fn trace_resync(&mut self, status: &ReplicaStatus) {
        if status.phase == Phase::Resyncing {
            self.resync.get_or_insert_with(
                || tracing::info_span!("resync", reason = %status.reason, phase = Empty, entries = Empty),
            );
        } else if let Some(span) = self.resync.take() {
            span.record("phase", tracing::field::display(status.phase));
            span.record("entries", self.replica.reader().len());
        }
    }

    fn subscribe(&mut self, nonce: Nonce) {
        self.nonce = Some(nonce.clone());
        let (router, map, id) = (Arc::clone(&self.router), self.name.clone(), self.membership.id());
        self.work.spawn(async move {
            let subscribed = router.subscribe(id, &map, nonce.as_str()).await;
            Done::Subscribed(nonce, subscribed)
        });
    }

    fn request(&mut self, id: RequestId, request: Request) {
        let Some(nonce) = &self.nonce else { return };
        let mark = Mark::new(self.name.sync_channel(nonce.as_str()), id.get());
        let read = match request {
            Request::Snapshot { max_fields, max_bytes } => Read::Snapshot { mark, max_fields, max_bytes },
            Request::Probe => Read::Probe { mark },
            Request::Page { cursor, count } => Read::Page { cursor, count },
        };
        let (router, map) = (Arc::clone(&self.router), self.name.clone());
        self.work.spawn(async move { Done::Read(id, router.read(&map, &read).await) });
    }

    fn replace_connections(&mut self, connection: u64) {
        let (router, reason) = (Arc::clone(&self.router), self.replica.status().reason.clone());
        self.work.spawn(async move {
            router.transport().replace_connections(connection, &reason).await;
            Done::Replaced
        });
    }
}
