//! The plan of a history, derived from its seed.
//!
//! A mixture of all faults would hide what a single fault shows: if every second message is lost, nobody notices that
//! batches come apart. So each seed leaves out most faults, operations and settings, and weighs the rest (swarm
//! testing).

use std::fmt;

use fastrand::Rng;

use crate::fault::{Action, Blur, Chance, Row};
use crate::settings::{Operations, Settings};
use crate::tally::Tally;

/// Frequency of each fault, and the setup of the world.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    actions: [u64; Action::ROWS.len()],
    chances: [u64; Chance::ROWS.len()],
    pub(crate) operations: Operations,
    pub(crate) settings: Settings,
    /// Longest delay of a request or a reply, in milliseconds.
    pub(crate) delay: u64,
    /// Milliseconds that 100 bytes of a reply take on their line.
    pub(crate) slowness: u64,
}

/// One step of a history. `salt` decides every random choice within the step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) action: Action,
    pub(crate) salt: u64,
}

impl Plan {
    /// Draws a plan. `forced` is an action that must take part.
    pub(crate) fn draw(seed: u64, forced: Option<Action>) -> Self {
        let mut rng = Rng::with_seed(seed);
        let level = [Blur::Nothing, Blur::Nothing, Blur::History, Blur::Revisions][rng.usize(0..4)];
        // Many other faults would hide the forced one.
        let crowd = rng.u64(0..if forced.is_some() { 3 } else { 8 });
        let mut settings = Settings::draw(&mut rng);
        // A probe proves only what is large.
        settings.scan |= forced == Some(Action::Restart) && !seed.is_multiple_of(3);
        let mut plan = Self {
            actions: Action::ROWS.iter().map(|row| weight(row, seed, level, crowd)).collect_array(),
            chances: Chance::ROWS.iter().map(|row| weight(row, seed, level, crowd)).collect_array(),
            operations: Operations::draw(settings.scan, &mut rng),
            settings,
            delay: [0, 20, 20, 300, 900][rng.usize(0..5)],
            slowness: [0, 0, 0, 20, 200, 2000][rng.usize(0..6)],
        };
        for base in [Action::Idle, Action::Write, Action::Sync] {
            plan.actions[base as usize] = plan.actions[base as usize].max(base.row().most / 4);
        }
        if let Some(forced) = forced {
            plan.actions[forced as usize] = (forced.row().most >> rng.u64(0..3)).max(1);
            if forced == Action::Restart {
                plan.actions[Action::Store as usize] = Action::Store.row().most;
                // Without proofs nothing of what is stored could be taken.
                plan.actions[Action::Sync as usize] = 4 * Action::Sync.row().most;
                plan.actions[Action::Write as usize] /= 2;
                let rare = [Action::Failover, Action::Bulk, Action::Wipe, Action::Idle][(seed % 4) as usize];
                plan.actions[rare as usize] = rare.row().most;
            }
        }
        // Only a verification finds a loss that probes cannot find.
        plan.settings.verify |= plan.blur() == Blur::States && plan.may(Chance::SilentLoss);
        plan.settings.info_denied &= !plan.has(Action::AttachedFailover);
        plan
    }

    /// Ends all faults.
    pub(crate) fn calm(&mut self) {
        self.actions = [0; Action::ROWS.len()];
        self.chances = [0; Chance::ROWS.len()];
        (self.delay, self.slowness) = (20, 0);
    }

    pub(crate) fn has(&self, action: Action) -> bool {
        self.actions[action as usize] > 0
    }

    fn may(&self, chance: Chance) -> bool {
        self.chances[chance as usize] > 0
    }

    /// Draws the steps of a history.
    pub(crate) fn steps(&self, seed: u64) -> Vec<Step> {
        let mut rng = Rng::with_seed(seed);
        (0..rng.u64(30..250)).map(|_| Step { action: self.action(&mut rng), salt: rng.u64(..) }).collect()
    }

    fn action(&self, rng: &mut Rng) -> Action {
        let mut chance = rng.u64(0..self.actions.iter().sum());
        for row in Action::ROWS {
            match chance.checked_sub(self.actions[row.what as usize]) {
                Some(rest) => chance = rest,
                None => return row.what,
            }
        }
        Action::Idle
    }

    /// The plans that leave out one more element than this one.
    pub(crate) fn simpler(&self) -> Vec<Self> {
        let without = |change: &dyn Fn(&mut Self)| {
            let mut plan = self.clone();
            change(&mut plan);
            plan
        };
        let chances = Chance::ROWS.iter().map(|row| row.what).filter(|chance| self.may(*chance));
        let chances = chances.map(move |chance| without(&|plan| plan.chances[chance as usize] = 0));
        let slow = (self.slowness > 0).then(|| without(&|plan| plan.slowness = 0));
        chances.chain(slow).collect()
    }

    /// The uncertainty that the plan's faults bring.
    pub(crate) fn blur(&self) -> Blur {
        let actions = Action::ROWS.iter().filter(|row| self.has(row.what)).map(|row| row.blur);
        let chances = Chance::ROWS.iter().filter(|row| self.may(row.what)).map(|row| row.blur);
        let blur = actions.chain(chances).max().unwrap_or(Blur::Nothing);
        // The next life may begin at a revision that this life had.
        let ahead = self.has(Action::Bulk) || self.has(Action::ClockBack);
        let ends = self.has(Action::Wipe) || self.may(Chance::TimeToLive);
        let blur = if ahead && ends { blur.max(Blur::Revisions) } else { blur };
        // If the beginning of a life is missed, its changes may seem to follow the life before.
        if blur == Blur::Revisions && self.may(Chance::SilentLoss) { Blur::States } else { blur }
    }
}

/// Weight of a row: nothing, or a share of its largest. Depends only on the seed and the row, so that rows can be added
/// without changing other weights.
fn weight<T>(row: &Row<T>, seed: u64, level: Blur, crowd: u64) -> u64 {
    let name =
        row.name.bytes().fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let mut rng = Rng::with_seed(name);
    let takes_part = row.blur <= level && rng.u64(0..8) < crowd;
    if takes_part { (row.most >> rng.u64(0..4)).max(1) } else { 0 }
}

trait CollectArray: Iterator<Item = u64> + Sized {
    fn collect_array<const N: usize>(mut self) -> [u64; N] {
        std::array::from_fn(|_| self.next().expect("a row for each place"))
    }
}

impl<I: Iterator<Item = u64>> CollectArray for I {}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let actions = Action::ROWS.iter().map(|row| (row.name, self.actions[row.what as usize]));
        let chances = Chance::ROWS.iter().map(|row| (row.name, self.chances[row.what as usize]));
        for (name, weight) in actions.chain(chances).filter(|(_, weight)| *weight > 0) {
            write!(f, "{name} {weight}, ")?;
        }
        write!(f, "delay {}, slowness {}, {:?}", self.delay, self.slowness, self.settings)
    }
}

/// Makes the random choices and counts them.
#[derive(Debug)]
pub(crate) struct Luck {
    pub(crate) plan: Plan,
    pub(crate) rng: Rng,
    pub(crate) tally: Tally,
}

impl Luck {
    /// True when this fault strikes now.
    pub(crate) fn strikes(&mut self, chance: Chance) -> bool {
        let strikes = self.rng.u64(0..1000) < self.plan.chances[chance as usize];
        if strikes {
            self.tally.count("chance", chance.row().name);
        }
        strikes
    }

    pub(crate) fn delay(&mut self) -> u64 {
        self.rng.u64(0..=self.plan.delay)
    }
}
