//! Writes the tables of `docs/performance.md` from the last run, so that nobody copies a figure by hand.

#![allow(clippy::unwrap_used, reason = "a program that cannot write panics")]

mod peers;

use std::fmt::Write as _;
use std::fs;
use std::process::ExitCode;

use rmap_bench::machine;
use rmap_bench::session::row;
use rmap_bench::store::{self, Run};

/// The report owns the text between these two lines.
const BEGIN: &str = "<!-- figures: begin; `just bench-report` writes what is between these lines -->";
const END: &str = "<!-- figures: end -->";

fn main() -> ExitCode {
    let runs = store::read();
    if runs.is_empty() || runs.iter().any(Run::is_quick) {
        eprintln!("there is no full run in target/bench: `just bench` makes one");
        return ExitCode::FAILURE;
    }
    let path = store::workspace().join("docs/performance.md");
    let text = fs::read_to_string(&path).unwrap();
    let (Some((before, rest)), true) = (text.split_once(BEGIN), text.contains(END)) else {
        eprintln!("docs/performance.md lacks the lines between which the figures belong");
        return ExitCode::FAILURE;
    };
    let after = rest.split_once(END).unwrap().1;
    fs::write(&path, format!("{before}{BEGIN}\n\n{}{END}{after}", tables(&runs))).unwrap();
    ExitCode::SUCCESS
}

fn tables(runs: &[Run]) -> String {
    let mut text = format!("{}\n", machine::line(&runs[0].machine));
    for run in runs {
        let title = run.machine["title"].as_str().unwrap();
        write!(text, "\n### {title}\n\n").unwrap();
        if run.machine["commit"] != runs[0].machine["commit"] {
            write!(text, "From commit {}.\n\n", run.machine["commit"].as_str().unwrap()).unwrap();
        }
        text += "| figure | entries | median (min..max) | beside | ratio (min..max) | target |\n";
        text += "|---|---|---|---|---|---|\n";
        for figure in &run.figures {
            writeln!(text, "| {} |", row(figure).join(" | ")).unwrap();
        }
    }
    text += &peers::table();
    text
}
