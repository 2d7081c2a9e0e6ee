//! The server, the nodes, and virtual time.

use std::collections::BTreeMap;
use std::fmt;

use fastrand::Rng;

use crate::authority::Server;
use crate::node::Node;
use crate::scenario::{Action, Scenario, Step};

const NODES: u64 = 3;

/// Within this time after the last fault every replica is exact, in milliseconds: two request timeouts of 2 s, a
/// reconnect, the longest backoff and the longest probe interval of 5 s each, and delays.
const BOUND: u64 = 25_000;

/// How many of each fault a history had.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    pub(crate) steps: u64,
    faults: BTreeMap<&'static str, u64>,
}

impl Tally {
    pub(crate) fn count(&mut self, fault: &'static str) {
        *self.faults.entry(fault).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        for (fault, count) in &other.faults {
            *self.faults.entry(fault).or_default() += count;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.faults.iter().try_for_each(|(fault, count)| writeln!(f, "  {count:>9} {fault}"))
    }
}

pub(crate) struct World {
    /// The faults of now; what is checked is the nodes' own, and stays.
    scenario: Scenario,
    server: Server,
    nodes: Vec<Node>,
    now: u64,
    /// So many writes to come are heard by nobody: the demoted master does not follow the new one yet.
    unheard: u64,
    tally: Tally,
}

impl World {
    pub(crate) fn new(scenario: &Scenario, seed: u64) -> Self {
        let nodes = (0..NODES).map(|number| Node::new(scenario, seed ^ number << 32)).collect();
        Self {
            scenario: *scenario,
            server: Server::new(),
            nodes,
            now: 0,
            unheard: 0,
            tally: Tally::default(),
        }
    }

    pub(crate) fn tally(self) -> Tally {
        self.tally
    }

    /// Takes one step and checks every invariant after it.
    pub(crate) fn take(&mut self, step: &Step) -> Result<(), String> {
        let mut rng = Rng::with_seed(step.salt);
        self.tally.steps += 1;
        self.act(step.action, &mut rng);
        let pause = if step.action == Action::Sleep {
            rng.u64(500..8000)
        } else if step.action == Action::Wipe && !self.scenario.close_lives {
            // Otherwise two lives could begin in the same millisecond, with the same revision.
            50
        } else {
            rng.u64(0..3).min(1) * rng.u64(0..60)
        };
        self.advance(self.now + pause, &mut rng)
    }

    fn act(&mut self, action: Action, rng: &mut Rng) {
        let node = rng.usize(0..self.nodes.len());
        match action {
            Action::Idle | Action::Sleep => {}
            Action::Write => {
                let ttl = rng.u64(0..1000) < self.scenario.ttl;
                let (revision, payloads) = self.server.write(self.now, ttl, rng);
                self.publish(&payloads, rng);
                if let Some(revision) = revision.filter(|_| !payloads.is_empty()) {
                    self.nodes[node].wait_for(self.now, revision, &self.server);
                }
            }
            Action::Batch => {
                let ttl = rng.u64(0..1000) < self.scenario.ttl;
                let (revision, payloads) = self.server.batch(self.now, ttl, rng);
                self.publish(&payloads, rng);
                if let Some(revision) = revision.filter(|_| !payloads.is_empty()) {
                    self.nodes[node].wait_for(self.now, revision, &self.server);
                }
            }
            Action::GoWrite => {
                self.tally.count("write of a Go peer");
                let payloads = self.server.go_write(self.now, rng);
                self.publish(&payloads, rng);
            }
            Action::Wipe => {
                self.tally.count("hash deleted");
                self.server.wipe(self.now, self.scenario.close_lives && rng.bool());
            }
            Action::Failover => {
                self.tally.count("failover");
                self.server.fail_over(self.now, rng);
                for node in &mut self.nodes {
                    node.cut(self.now, rng);
                }
            }
            Action::AttachedFailover => {
                self.tally.count("failover, subscribers attached");
                let lacks = self.server.fail_over(self.now, rng);
                // As many as are lacking make the revisions meet again, and then nothing but the replication id tells.
                self.unheard = if rng.u8(0..4) > 0 { lacks } else { rng.u64(0..4) };
            }
            Action::Behind => {
                self.tally.count("write past the map");
                self.server.write_behind(self.now, rng);
            }
            Action::ClockBack => {
                self.tally.count("clock set back");
                self.server.set_clock_back(rng.u64(1..10_000));
            }
            Action::Cut => {
                self.tally.count("connection lost");
                self.nodes[node].cut(self.now, rng);
            }
            Action::Sync => self.nodes[node].sync(self.now, &self.server),
        }
    }

    fn publish(&mut self, payloads: &[Vec<u8>], rng: &mut Rng) {
        let unheard = self.unheard.min(payloads.len() as u64);
        self.unheard -= unheard;
        if unheard > 0 {
            return;
        }
        for node in &mut self.nodes {
            for payload in payloads {
                node.deliver(payload, &self.scenario, rng, &mut self.tally);
            }
        }
    }

    /// Lets time pass, from event to event, and messages arrive in between.
    fn advance(&mut self, until: u64, rng: &mut Rng) -> Result<(), String> {
        loop {
            let next = self.nodes.iter().filter_map(Node::next_event).min().unwrap_or(until);
            let backlog = self.nodes.iter().any(Node::backlog);
            if next > until && !(backlog && self.now < until) {
                break;
            }
            self.now =
                if backlog { next.min(self.now + rng.u64(0..20)) } else { next }.clamp(self.now, until);
            self.tick(rng)?;
        }
        self.now = until;
        self.tick(rng)
    }

    fn tick(&mut self, rng: &mut Rng) -> Result<(), String> {
        self.server.record(self.now);
        for (number, node) in self.nodes.iter_mut().enumerate() {
            let mut turn = || {
                let most = rng.usize(0..6);
                node.run(self.now, &mut self.server, &self.scenario, rng, &mut self.tally)?;
                node.receive(most, self.now, &self.scenario, rng, &mut self.tally)?;
                node.check(&self.server)
            };
            turn().map_err(|broken| format!("replica {number} at {} ms: {broken}", self.now))?;
        }
        Ok(())
    }

    /// No more faults and no more writes: every replica becomes exact, and every wait ends.
    pub(crate) fn settle(&mut self) -> Result<(), String> {
        self.scenario = Scenario { delay: 20, ..Scenario::default() };
        self.server.persist(self.now);
        let mut rng = Rng::with_seed(self.now);
        self.advance(self.now + BOUND, &mut rng)?;
        for (number, node) in self.nodes.iter().enumerate() {
            node.check_settled(self.now, &self.server)
                .map_err(|broken| format!("replica {number}: {broken}"))?;
        }
        Ok(())
    }
}
