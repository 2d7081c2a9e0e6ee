//! The server, the nodes, and virtual time.

use fastrand::Rng;

use crate::fault::{Action, Chance};
use crate::node::{Node, WriteReply};
use crate::plan::{Luck, Plan, Step};
use crate::server::{Outcome, Server};
use crate::tally::Tally;

/// Time after the last fault within which every replica is exact, in milliseconds: two request timeouts of 2 s, a
/// reconnect, the longest backoff and the longest probe interval of 5 s each, and delays.
const BOUND: u64 = 25_000;

/// Time after which a settled world must still be settled, in milliseconds: a bit more than a probe interval.
const STAYS: u64 = 6000;

pub(crate) struct World {
    luck: Luck,
    server: Server,
    nodes: Vec<Node>,
    now: u64,
    /// Number of coming writes that no subscriber hears, because the demoted master does not replicate from the new one
    /// yet.
    unheard: u64,
}

impl World {
    pub(crate) fn new(plan: &Plan, seed: u64) -> Self {
        Self {
            luck: Luck { plan: plan.clone(), rng: Rng::with_seed(seed), tally: Tally::default() },
            server: Server::new(plan.settings),
            nodes: (0..plan.settings.nodes).map(|number| Node::new(plan, number, seed)).collect(),
            now: 0,
            unheard: 0,
        }
    }

    /// Takes one step and checks every invariant after it.
    pub(crate) fn take(&mut self, step: &Step) -> Result<(), String> {
        self.luck.rng = Rng::with_seed(step.salt);
        self.luck.tally.steps += 1;
        self.luck.tally.count("step", step.action.row().name);
        self.act(step.action);
        let rng = &mut self.luck.rng;
        let pause = if step.action == Action::Sleep {
            rng.u64(500..8000)
        } else if step.action == Action::Wipe {
            // Otherwise two lives could begin in the same millisecond, with the same revision.
            50
        } else {
            rng.u64(0..3).min(1) * rng.u64(0..60)
        };
        self.advance(self.now + pause)
    }

    fn act(&mut self, action: Action) {
        let node = self.luck.rng.usize(0..self.nodes.len());
        match action {
            Action::Idle | Action::Sleep => {}
            Action::Write => self.write(Some(node)),
            Action::Verify => self.nodes[node].verify(self.now),
            Action::Batch => {
                let operation = self.luck.plan.operations.batch(&mut self.luck.rng);
                self.carry_out(operation, Some(node));
            }
            Action::Sync => self.nodes[node].sync(self.now, &self.server),
            Action::Bulk => (0..self.luck.rng.u32(20..200)).for_each(|_| self.write(None)),
            Action::Cut => self.nodes[node].cut(self.now, &mut self.luck.rng),
            Action::ResetAway => {
                self.nodes[node].cut(self.now, &mut self.luck.rng);
                self.carry_out(rmap_proto::Operation::Reset, None);
            }
            Action::Stop => self.nodes[node].stop_until(self.now + self.luck.rng.u64(100..40_000)),
            Action::Store => self.nodes[node].store(self.now),
            Action::Restart => {
                let number = node as u64;
                self.nodes[node].restart(self.now, number, &mut self.luck);
            }
            Action::Noise => self.nodes[node].disturb(self.now, &mut self.luck.rng),
            Action::ClockBack => self.server.set_clock_back(self.luck.rng.u64(1..100_000)),
            Action::Wipe => self.server.wipe(self.now, false),
            Action::CloseWipe => self.server.wipe(self.now, true),
            Action::GoWrite => self.go_write(node),
            Action::RestartBelow => self.restart_below(node),
            Action::Failover => {
                self.server.fail_over(self.now, &mut self.luck.rng);
                for node in &mut self.nodes {
                    node.cut(self.now, &mut self.luck.rng);
                }
            }
            Action::AttachedFailover => {
                let lacks = self.server.fail_over(self.now, &mut self.luck.rng);
                // After exactly this many writes the revisions meet again, and only the replication id differs.
                self.unheard = if self.luck.rng.u8(0..4) > 0 { lacks } else { self.luck.rng.u64(0..4) };
            }
            Action::Behind => {
                let any = self.luck.plan.settings.verify;
                self.server.write_behind(self.now, any, &mut self.luck.rng);
            }
            Action::Forge => self.forge(node),
            Action::Restore => {
                if self.luck.rng.bool() {
                    self.nodes[node].cut(self.now, &mut self.luck.rng);
                }
                let lacks = self.server.restore(self.now, &mut self.luck.rng);
                if self.luck.rng.bool() {
                    // Mostly the revisions meet again.
                    (0..lacks.min(20)).for_each(|_| self.write(None));
                }
            }
        }
    }

    /// Performs one of our writes, and makes node `waits` wait for it.
    fn write(&mut self, waits: Option<usize>) {
        let operation = self.luck.plan.operations.write(&mut self.luck.rng);
        self.carry_out(operation, waits);
    }

    fn carry_out(&mut self, operation: rmap_proto::Operation, waits: Option<usize>) {
        let before = waits.and_then(|node| self.nodes[node].before_write(self.now));
        let ttl = self.luck.strikes(Chance::TimeToLive);
        let outcome = self.server.write(self.now, operation, ttl, &mut self.luck.rng);
        if outcome == (None, Vec::new()) {
            self.luck.tally.count("state", "write refused");
        }
        self.publish(&outcome);
        let Some(revision) = outcome.0.filter(|_| !outcome.1.is_empty()) else { return };
        if let (Some(node), Some(before)) = (waits, before) {
            let written = WriteReply { revision, before, state: self.server.current() };
            self.nodes[node].written(self.now, written, &mut self.luck);
        }
        if waits.is_some() && self.luck.rng.bool() {
            let other = self.luck.rng.usize(0..self.nodes.len());
            self.nodes[other].wait_for(self.now, revision, &self.server);
        }
    }

    fn go_write(&mut self, waits: usize) {
        let outcome = self.server.go_write(self.now, &self.luck.plan.operations, &mut self.luck.rng);
        self.publish(&outcome);
        if let Some(revision) = outcome.0.filter(|_| !outcome.1.is_empty() && self.luck.rng.bool()) {
            self.nodes[waits].wait_for(self.now, revision, &self.server);
        }
    }

    /// Deletes the hash. The first write of the next life follows at once: by a Go peer, or with a clock behind.
    fn restart_below(&mut self, node: usize) {
        self.server.wipe(self.now, false);
        if self.luck.rng.bool() {
            self.go_write(node);
        } else {
            self.server.set_clock_back(self.luck.rng.u64(100..100_000));
            self.write(Some(node));
        }
    }

    fn publish(&mut self, (_, payloads): &Outcome) {
        let unheard = self.unheard.min(payloads.len() as u64);
        self.unheard -= unheard;
        if unheard == 0 {
            for node in &mut self.nodes {
                payloads.iter().for_each(|payload| node.deliver(payload, &mut self.luck));
            }
        }
    }

    /// Sends a forged notification to all nodes, or to one.
    fn forge(&mut self, node: usize) {
        let payloads = self.server.forge(self.now, &self.luck.plan.operations, &mut self.luck.rng);
        let all = self.luck.rng.bool();
        for (_, hears) in self.nodes.iter_mut().enumerate().filter(|(number, _)| all || *number == node) {
            payloads.iter().for_each(|payload| hears.deliver(payload, &mut self.luck));
        }
    }

    /// Lets time pass from event to event, with messages arriving in between.
    fn advance(&mut self, until: u64) -> Result<(), String> {
        loop {
            let next = self.nodes.iter().filter_map(Node::next_event).min().unwrap_or(until);
            let backlog = self.nodes.iter().any(|node| node.backlog(self.now) > 0);
            if next > until && !(backlog && self.now < until) {
                break;
            }
            let soon = self.now + self.luck.rng.u64(0..20);
            self.now = if backlog { next.min(soon) } else { next }.clamp(self.now, until);
            self.tick()?;
        }
        self.now = until;
        self.tick()
    }

    fn tick(&mut self) -> Result<(), String> {
        self.server.record(self.now);
        for (number, node) in self.nodes.iter_mut().enumerate() {
            let most = self.luck.rng.usize(0..6 + node.backlog(self.now) / 4);
            node.turn(most, self.now, &mut self.server, &mut self.luck)
                .map_err(|broken| format!("replica {number} at {} ms: {broken}", self.now))?;
        }
        Ok(())
    }

    /// Ends faults and writes. Every replica becomes exact and stays so, and every wait ends.
    pub(crate) fn settle(&mut self) -> Result<(), String> {
        let began = self.now;
        let end = began + BOUND + self.luck.plan.settings.more_to_settle();
        self.luck.plan.calm();
        self.server.persist(self.now);
        self.luck.rng = Rng::with_seed(self.now);
        self.nodes.iter_mut().for_each(|node| node.calm(self.now));
        let mut since = None;
        while since.is_none_or(|since| self.now < since + STAYS) {
            // By then each has heard of a hash that there is.
            if self.now >= began + BOUND {
                let server = &self.server;
                self.nodes.iter_mut().try_for_each(|node| node.follow(self.now, server))?;
            }
            match self.is_settled() {
                Ok(()) => since = since.or(Some(self.now)),
                Err(broken) if self.now >= end => return Err(broken),
                Err(_) => since = None,
            }
            self.advance(self.now + 250)?;
        }
        self.luck.tally.slowest = since.map_or(0, |since| since - began);
        for node in &mut self.nodes {
            node.close(self.now, &self.server, &mut self.luck)?;
        }
        Ok(())
    }

    fn is_settled(&self) -> Result<(), String> {
        for (number, node) in self.nodes.iter().enumerate() {
            node.check_settled(self.now, &self.server)
                .map_err(|broken| format!("replica {number}: {broken}"))?;
        }
        Ok(())
    }

    pub(crate) fn into_tally(self) -> Tally {
        self.luck.tally
    }
}
