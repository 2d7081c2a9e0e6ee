//! Assessments of a run, and the file that keeps them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use rmap_bench::figure::{Figure, Summary};
use rmap_bench::store::{self, Run};
use serde_json::{Map, Value, json};

/// The assessed numbers of a figure.
pub(crate) struct Judged {
    pub(crate) is_ratio: bool,
    pub(crate) less_is_better: bool,
    pub(crate) summary: Summary,
}

impl Judged {
    fn of(figure: &Figure) -> Self {
        let ratio = figure.ratio();
        Self {
            is_ratio: ratio.is_some(),
            less_is_better: figure.less_is_better,
            summary: ratio.unwrap_or_else(|| figure.summary()),
        }
    }

    /// The part by which the median got worse. Negative when it got better.
    pub(crate) fn worse_than(&self, before: &Self) -> f64 {
        let (old, new) = (before.summary.median, self.summary.median);
        let (bad, good) = if self.less_is_better { (new, old) } else { (old, new) };
        // Zero beside zero is no change.
        if bad == good { 0.0 } else { bad / good - 1.0 }
    }

    fn to_json(&self) -> Value {
        let Summary { median, min, max } = self.summary;
        json!({
            "of": if self.is_ratio { "ratio" } else { "figure" },
            "less_is_better": self.less_is_better,
            "median": median,
            "min": min,
            "max": max,
        })
    }

    fn from_json(json: &Value) -> Option<Self> {
        let number = |key: &str| json[key].as_f64();
        Some(Self {
            is_ratio: json["of"].as_str()? == "ratio",
            less_is_better: json["less_is_better"].as_bool()?,
            summary: Summary { median: number("median")?, min: number("min")?, max: number("max")? },
        })
    }
}

/// The assessed numbers of all figures, by part, name and entries.
pub(crate) fn of(runs: &[Run]) -> BTreeMap<String, Judged> {
    let mut judged = BTreeMap::new();
    for run in runs {
        for figure in &run.figures {
            let entries = figure.entries.map(|entries| format!(", {entries}")).unwrap_or_default();
            let name = format!("{}: {}{entries}", run.part, figure.name);
            assert!(judged.insert(name.clone(), Judged::of(figure)).is_none(), "{name} is there twice");
        }
    }
    judged
}

fn path() -> PathBuf {
    store::workspace().join("benches/baseline.json")
}

pub(crate) fn read() -> BTreeMap<String, Judged> {
    let text = fs::read_to_string(path()).expect("the baseline can be read");
    let json: Value = serde_json::from_str(&text).expect("the baseline is JSON");
    let figures = json["figures"].as_object().expect("the baseline has figures");
    let judged = |(name, json): (&String, &Value)| {
        (name.clone(), Judged::from_json(json).unwrap_or_else(|| panic!("{name}: not a figure")))
    };
    figures.iter().map(judged).collect()
}

pub(crate) fn write(runs: &[Run]) {
    let figures: Map<String, Value> =
        of(runs).iter().map(|(name, judged)| (name.clone(), judged.to_json())).collect();
    let json = json!({ "machine": runs[0].machine, "figures": figures });
    let text = serde_json::to_string_pretty(&json).expect("it is JSON");
    fs::write(path(), text + "\n").expect("the baseline can be written");
    println!("{} figures are the baseline now", figures_count(&json));
}

fn figures_count(json: &Value) -> usize {
    json["figures"].as_object().map_or(0, Map::len)
}
