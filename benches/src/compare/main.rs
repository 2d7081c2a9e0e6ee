//! Compares the last run with the stored baseline, `benches/baseline.json`.
//!
//! `bench-compare` marks figures that got worse, and exits with 1 if there are any. `bench-compare store` makes the
//! last run the baseline. A figure with a counterpart is judged by its ratio, which does not depend on the machine's
//! speed. Other figures are judged alone.

mod baseline;

use std::env;
use std::process::ExitCode;

use baseline::Judged;
use rmap_bench::figure::number;
use rmap_bench::store;

/// Changes below this part are noise, whatever the rounds show.
const NOISE: f64 = 0.2;

fn main() -> ExitCode {
    let runs = store::read();
    if runs.is_empty() {
        eprintln!("there is no run in target/bench: `just bench` makes one");
        return ExitCode::FAILURE;
    }
    let quick = runs.iter().any(store::Run::is_quick);
    if env::args().nth(1).as_deref() == Some("store") {
        if quick {
            eprintln!("the run was made with RMAP_BENCH_QUICK and is no baseline");
            return ExitCode::FAILURE;
        }
        baseline::write(&runs);
        return ExitCode::SUCCESS;
    }
    if quick {
        println!("RMAP_BENCH_QUICK was set: the comparison is worth nothing");
    }
    let (before, after) = (baseline::read(), baseline::of(&runs));
    println!("{:<66} {:>12} {:>12} {:>8} {:>9}", "figure", "baseline", "now", "worse", "tolerated");
    let mut worse = 0;
    for (name, now) in &after {
        worse += usize::from(compare(name, before.get(name), now));
    }
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        println!("{name:<66} is not in this run");
    }
    println!("{worse} of {} figures got worse", after.len());
    if worse == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints one figure. Returns true if it got worse.
fn compare(name: &str, before: Option<&Judged>, now: &Judged) -> bool {
    let text = |judged: &Judged| {
        let unit = if judged.is_ratio { "x" } else { "" };
        format!("{}{unit}", number(judged.summary.median))
    };
    let Some(before) = before.filter(|before| before.is_ratio == now.is_ratio) else {
        println!("{name:<66} {:>12} {:>12}", "-", text(now));
        return false;
    };
    let change = now.worse_than(before);
    let tolerated = NOISE.max(before.summary.spread()).max(now.summary.spread());
    let is_worse = change > tolerated;
    let mark = if is_worse { "  WORSE" } else { "" };
    let (change, tolerated) = (change * 100.0, tolerated * 100.0);
    println!("{name:<66} {:>12} {:>12} {change:>7.0}% {tolerated:>8.0}%{mark}", text(before), text(now));
    is_worse
}
