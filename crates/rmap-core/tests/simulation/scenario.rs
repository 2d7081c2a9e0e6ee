//! What can happen in a history, and how often.

use fastrand::Rng;

/// How often each fault happens, in parts of a thousand, and how the world is set up.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// Of steps: a replica loses its connection.
    pub(crate) cut: u64,
    /// Of messages: dropped, and the reader told so.
    pub(crate) lag: u64,
    /// Of messages: dropped without a word.
    pub(crate) silent_loss: u64,
    /// Of messages: sent twice, swapped with the one before, or made unreadable.
    pub(crate) garble: u64,
    /// Of replies: never come.
    pub(crate) lost_reply: u64,
    /// Longest delay of a request or a reply, in milliseconds.
    pub(crate) delay: u64,
    /// Of steps: the hash is deleted, or the server restarts empty.
    pub(crate) wipe: u64,
    /// Of writes: by a Go peer.
    pub(crate) go: u64,
    /// Of writes: with a time to live.
    pub(crate) ttl: u64,
    /// Of steps: the server is replaced by an older copy of itself, and every connection with it.
    pub(crate) failover: u64,
    /// Of steps: the same, but the subscribers stay connected to the old server and hear the new one through it.
    pub(crate) attached_failover: u64,
    /// Of steps: a field is written past the map.
    pub(crate) behind: u64,
    /// Of steps: the server's clock jumps back.
    pub(crate) clock_back: u64,
    /// True: a new life of the hash may begin right after the last revision of the one before.
    pub(crate) close_lives: bool,
    /// True: the replicas scan even small maps, in pages of one or two fields.
    pub(crate) scan: bool,
}

/// One step of a history. `salt` decides everything that is left to chance in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) action: Action,
    pub(crate) salt: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Only time passes and messages move.
    Idle,
    Write,
    GoWrite,
    /// Several keys in one atomic step.
    Batch,
    Wipe,
    Failover,
    AttachedFailover,
    Behind,
    ClockBack,
    Cut,
    Sync,
    /// Much time passes.
    Sleep,
}

const BASE: Scenario = Scenario { name: "no fault", delay: 20, ..Scenario::EMPTY };

impl Scenario {
    const EMPTY: Self = Self {
        name: "",
        cut: 0,
        lag: 0,
        silent_loss: 0,
        garble: 0,
        lost_reply: 0,
        delay: 0,
        wipe: 0,
        go: 0,
        ttl: 0,
        failover: 0,
        attached_failover: 0,
        behind: 0,
        clock_back: 0,
        close_lives: false,
        scan: false,
    };

    /// Draws the steps of a history.
    pub(crate) fn draw(&self, seed: u64) -> Vec<Step> {
        let mut rng = Rng::with_seed(seed);
        (0..rng.u64(30..250)).map(|_| Step { action: self.action(&mut rng), salt: rng.u64(..) }).collect()
    }

    fn action(&self, rng: &mut Rng) -> Action {
        let mut chance = rng.u64(0..1000);
        let rare = [
            (self.cut, Action::Cut),
            (self.wipe, Action::Wipe),
            (self.failover, Action::Failover),
            (self.attached_failover, Action::AttachedFailover),
            (self.behind, Action::Behind),
            (self.clock_back, Action::ClockBack),
            (20, Action::Sync),
            (10, Action::Sleep),
        ];
        for (share, action) in rare {
            if chance < share {
                return action;
            }
            chance -= share;
        }
        match rng.u64(0..1000) {
            0..400 => Action::Idle,
            400..460 => Action::Batch,
            _ if rng.u64(0..1000) < self.go => Action::GoWrite,
            _ => Action::Write,
        }
    }

    /// True when what a replica shows must be a state that the authority had, never an earlier one than before.
    pub(crate) fn shows_only_states(&self) -> bool {
        self.behind == 0 && self.attached_failover == 0
    }

    /// True when a revision has one content only: a wait that was reached proves that it is in the content's past.
    pub(crate) fn revisions_are_unique(&self) -> bool {
        self.failover + self.attached_failover + self.go + self.behind == 0 && !self.close_lives
    }

    /// True when the hash has one life only, and no message of its beginning comes again.
    pub(crate) fn has_one_history(&self) -> bool {
        let others = self.wipe + self.ttl + self.failover + self.attached_failover + self.go + self.behind;
        others + self.clock_back + self.garble == 0
    }
}

/// The scenarios, from harmless to everything at once.
pub(crate) const SCENARIOS: &[Scenario] = &[
    BASE,
    Scenario { name: "cut links", cut: 30, ..BASE },
    Scenario { name: "slow joins", cut: 60, delay: 300, ..BASE },
    Scenario { name: "reported loss", lag: 50, ..BASE },
    Scenario { name: "silent loss", silent_loss: 50, ..BASE },
    Scenario { name: "garbled", garble: 50, ..BASE },
    Scenario { name: "slow replies", delay: 900, lost_reply: 100, ..BASE },
    Scenario { name: "wipes", wipe: 40, ..BASE },
    Scenario { name: "close lives", wipe: 60, close_lives: true, ..BASE },
    Scenario { name: "wipes with go", wipe: 40, go: 500, ..BASE },
    Scenario { name: "expiry", ttl: 200, wipe: 10, go: 200, clock_back: 10, ..BASE },
    Scenario { name: "scans", scan: true, lag: 10, cut: 10, ..BASE },
    Scenario { name: "scans with wipes", scan: true, wipe: 40, go: 300, ..BASE },
    Scenario { name: "failover", failover: 20, ..BASE },
    Scenario { name: "attached failover", attached_failover: 20, cut: 5, ..BASE },
    Scenario { name: "behind the back", behind: 30, ..BASE },
    Scenario {
        name: "everything",
        cut: 10,
        lag: 10,
        silent_loss: 10,
        garble: 10,
        lost_reply: 20,
        delay: 300,
        wipe: 10,
        go: 200,
        ttl: 30,
        failover: 5,
        attached_failover: 0,
        behind: 0,
        clock_back: 5,
        close_lives: true,
        scan: true,
    },
];
