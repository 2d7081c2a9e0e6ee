//! The figures of the peers, from `benches/peers.json`.
//!
//! They were recorded on another computer than the last run. So their table has no figure of ours, and a row only names
//! our figure of the same job.

use std::fmt::Write as _;
use std::fs;

use rmap_bench::figure::number;
use rmap_bench::store;
use serde_json::Value;

pub(crate) fn table() -> String {
    let text = fs::read_to_string(store::workspace().join("benches/peers.json")).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    let names: Vec<&str> =
        json["peers"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let mut table = format!("\n### Background: the peers\n\n{}\n\n", json["source"].as_str().unwrap());
    writeln!(table, "| what | figure of the same job above | {} |", names.join(" | ")).unwrap();
    writeln!(table, "|---|---|{}", "---|".repeat(names.len())).unwrap();
    for row in json["rows"].as_array().unwrap() {
        writeln!(table, "{}", line(row)).unwrap();
    }
    table + "\n"
}

fn line(row: &Value) -> String {
    let what = row["what"].as_str().unwrap();
    let figure = row["figure"].as_str().unwrap();
    let is_other_job = |at: usize| {
        row["other_job"].as_array().is_some_and(|jobs| jobs.iter().any(|job| job.as_u64() == Some(at as u64)))
    };
    let cells: Vec<String> = row["theirs"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
        .map(|(at, range)| format!("{}{}", range_text(range), if is_other_job(at) { " *" } else { "" }))
        .collect();
    format!("| {what} | {figure} | {} |", cells.join(" | "))
}

fn range_text(range: &Value) -> String {
    let numbers: Vec<String> =
        range.as_array().into_iter().flatten().filter_map(Value::as_f64).map(number).collect();
    if numbers.is_empty() { "-".to_owned() } else { numbers.join(" to ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_what_the_peers_had_and_judges_nothing() {
        let row = serde_json::json!({
            "what": "write, ms", "figure": "sets", "theirs": [[12.5], [80, 140], null, [7]], "other_job": [3],
        });
        assert_eq!(line(&row), "| write, ms | sets | 12.5 | 80.0 to 140 | - | 7.00 * |");
    }

    #[test]
    fn the_document_has_the_table_of_the_peers() {
        let document = fs::read_to_string(store::workspace().join("docs/performance.md")).unwrap();
        assert!(document.contains(&table()), "docs/performance.md lacks:\n{}", table());
    }
}
