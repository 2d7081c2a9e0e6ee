//! A session: one part of the measurements, from the head of its table to its file.

use crate::figure::{Figure, Summary, number};
use crate::machine;
use crate::store::{self, Run};

/// Prints figures as they come, and keeps them for the file.
#[derive(Debug)]
pub struct Session(Run);

impl Session {
    /// Prints the head of a table.
    #[must_use]
    pub fn begin(part: &str, title: &str) -> Self {
        let mut machine = machine::describe();
        machine["title"] = title.into();
        println!("\n{title}\n{}", machine::line(&machine));
        if machine["quick"] == true {
            println!("RMAP_BENCH_QUICK is set: these figures are worth nothing");
        }
        print_row(&["figure", "entries", "median (min..max)", "beside", "ratio (min..max)", "target"]);
        Self(Run { part: part.to_owned(), machine, figures: Vec::new() })
    }

    /// Prints a figure and keeps it.
    pub fn add(&mut self, figure: Figure) {
        print_row(&row(&figure).each_ref().map(String::as_str));
        self.0.figures.push(figure);
    }

    /// Writes the file.
    pub fn finish(self) {
        store::write(&self.0);
    }
}

/// The cells of a figure's row: name, entries, figure, counterpart, ratio, targets.
#[must_use]
pub fn row(figure: &Figure) -> [String; 6] {
    let beside = figure
        .beside
        .as_ref()
        .map(|beside| format!("{} {}", number(Summary::of(&beside.rounds).median), beside.name));
    let ratio = figure.ratio().map(|ratio| {
        // For very small ratios two digits would show nothing.
        let digits = if ratio.median < 0.1 { 4 } else { 2 };
        format!("{:.digits$}x ({:.digits$}..{:.digits$})", ratio.median, ratio.min, ratio.max)
    });
    let targets: Vec<String> = figure
        .targets
        .iter()
        .map(|&target| {
            let outcome = if figure.meets(target) { "met" } else { "MISSED" };
            format!("{}: {outcome}", figure.target_text(target))
        })
        .collect();
    [
        figure.name.clone(),
        figure.entries.map_or_else(String::new, |entries| number(entries as f64)),
        with_spread(figure.summary(), &figure.unit),
        beside.unwrap_or_default(),
        ratio.unwrap_or_default(),
        targets.join(", "),
    ]
}

fn with_spread(summary: Summary, unit: &str) -> String {
    let Summary { median, min, max } = summary;
    if min == max {
        format!("{} {unit}", number(median))
    } else {
        format!("{} ({}..{}) {unit}", number(median), number(min), number(max))
    }
}

fn print_row(cells: &[&str; 6]) {
    let [name, entries, figure, beside, ratio, targets] = cells;
    let line = format!("{name:<44} {entries:>9}  {figure:<34} {beside:<38} {ratio:<20} {targets}");
    println!("{}", line.trim_end());
}
