//! Plays histories, and shrinks those that fail.

use std::fmt::Write as _;
use std::panic::{self, AssertUnwindSafe};
use std::thread;

use crate::fault::Action;
use crate::plan::{Plan, Step};
use crate::tally::Tally;
use crate::world::World;

/// A kind of histories.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    /// The name of its test.
    pub(crate) test: &'static str,
    /// An action that takes part in every history.
    pub(crate) forced: Option<Action>,
}

/// Plays one history. The error names the broken invariant and the step.
fn play(plan: &Plan, seed: u64, steps: &[Step]) -> Result<Tally, String> {
    let run = || {
        let mut world = World::new(plan, seed);
        for (number, step) in steps.iter().enumerate() {
            world.take(step).map_err(|broken| format!("step {number}, {step:?}: {broken}"))?;
        }
        world.settle().map_err(|broken| format!("after the faults: {broken}"))?;
        let mut tally = world.into_tally();
        tally.histories = 1;
        Ok(tally)
    };
    panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err("a panic, printed above".to_owned()))
}

/// Removes steps, fewer and fewer at a time, as long as the history still fails.
fn shrink_steps(plan: &Plan, seed: u64, mut steps: Vec<Step>) -> Vec<Step> {
    let mut size = steps.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(at..(at + size).min(steps.len()));
            if play(plan, seed, &fewer).is_err() {
                steps = fewer;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    steps
}

/// Removes random faults, as long as the history still fails.
fn shrink_plan(mut plan: Plan, seed: u64, steps: &[Step]) -> Plan {
    while let Some(simpler) = plan.simpler().into_iter().find(|simpler| play(simpler, seed, steps).is_err()) {
        plan = simpler;
    }
    plan
}

/// Plays the history of a seed.
///
/// # Panics
///
/// When the history breaks a promise. The message has the shrunk history and the command that replays it.
fn check(kind: Kind, seed: u64) -> Tally {
    let plan = Plan::draw(seed, kind.forced);
    let steps = plan.steps(seed);
    let broken = match play(&plan, seed, &steps) {
        Ok(tally) => {
            if seed.is_multiple_of(16) {
                assert_eq!(
                    Ok(&tally),
                    play(&plan, seed, &steps).as_ref(),
                    "seed {seed} plays the same way twice"
                );
            }
            return tally;
        }
        Err(broken) => broken,
    };
    let steps = shrink_steps(&plan, seed, steps);
    let plan = shrink_plan(plan, seed, &steps);
    let broken = play(&plan, seed, &steps).err().unwrap_or(broken);
    let mut report =
        format!("seed {seed}: {broken}\nof {plan}\nthe history, shrunk to {} steps:\n", steps.len());
    for step in &steps {
        let _ = writeln!(report, "  {step:?}");
    }
    let test = kind.test;
    panic!("{report}replay: RMAP_SIM_SEED={seed} cargo test -p rmap-core --test simulation {test}");
}

/// Plays the histories of many seeds on all processors.
pub(crate) fn play_all(kind: Kind, seeds: &[u64]) -> Tally {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let mut sum = Tally::default();
    thread::scope(|scope| {
        let share = |first| {
            move || {
                let mut tally = Tally::default();
                seeds.iter().skip(first).step_by(processors).for_each(|seed| tally.add(&check(kind, *seed)));
                tally
            }
        };
        let threads: Vec<_> = (0..processors).map(|first| scope.spawn(share(first))).collect();
        for thread in threads {
            match thread.join() {
                Ok(tally) => sum.add(&tally),
                Err(broken) => panic::resume_unwind(broken),
            }
        }
    });
    sum
}
