//! Our figures beside those of the peers, which are in `benches/peers.json`.

use std::fmt::Write as _;
use std::fs;

use rmap_bench::figure::number;
use rmap_bench::store::{self, Run};
use serde_json::Value;

pub(crate) fn table(runs: &[Run]) -> String {
    let text = fs::read_to_string(store::workspace().join("benches/peers.json")).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    let names: Vec<&str> =
        json["peers"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let mut table = format!("\n### Beside the peers\n\n{}\n\n", json["source"].as_str().unwrap());
    writeln!(table, "| figure | rmap, here | all beaten | {} |", names.join(" | ")).unwrap();
    writeln!(table, "|---|---|---|{}", "---|".repeat(names.len())).unwrap();
    for row in json["rows"].as_array().unwrap() {
        writeln!(table, "{}", line(runs, row)).unwrap();
    }
    table + "\n"
}

fn line(runs: &[Run], row: &Value) -> String {
    let what = row["what"].as_str().unwrap();
    let theirs = row["theirs"].as_array().unwrap();
    let is_other_job = |at: usize| {
        row["other_job"].as_array().is_some_and(|jobs| jobs.iter().any(|job| job.as_u64() == Some(at as u64)))
    };
    let cells: Vec<String> = theirs
        .iter()
        .enumerate()
        .map(|(at, range)| format!("{}{}", range_text(range), if is_other_job(at) { " *" } else { "" }))
        .collect();
    let figure = store::find(runs, row["figure"].as_str().unwrap(), row["entries"].as_u64());
    let (ours, verdict) = figure.map_or_else(
        || ("-".to_owned(), "-"),
        |figure| {
            let ours = figure.summary().median * row["scale"].as_f64().unwrap_or(1.0);
            let same_job = theirs.iter().enumerate().filter(|(at, _)| !is_other_job(*at));
            let beaten = same_job
                .flat_map(|(_, range)| numbers(range))
                .all(|its| if figure.less_is_better { ours < its } else { ours > its });
            (number(ours), if beaten { "yes" } else { "NO" })
        },
    );
    format!("| {what} | {ours} | {verdict} | {} |", cells.join(" | "))
}

fn numbers(range: &Value) -> Vec<f64> {
    range.as_array().map(|range| range.iter().filter_map(Value::as_f64).collect()).unwrap_or_default()
}

fn range_text(range: &Value) -> String {
    let numbers = numbers(range);
    if numbers.is_empty() {
        return "-".to_owned();
    }
    numbers.into_iter().map(number).collect::<Vec<_>>().join(" to ")
}
