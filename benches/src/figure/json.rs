//! Figures as lines of JSON.

use serde_json::{Value, json};

use super::{Beside, Figure, Summary, Target};

impl Figure {
    /// The figure as one object: the rounds, and the numbers derived from them.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "entries": self.entries,
            "unit": self.unit,
            "less_is_better": self.less_is_better,
            "rounds": self.rounds,
            "summary": summary(self.summary()),
            "beside": self.beside.as_ref().map(|beside| json!({
                "name": beside.name,
                "rounds": beside.rounds,
                "summary": summary(Summary::of(&beside.rounds)),
            })),
            "ratio": self.ratio().map(summary),
            "targets": self.targets.iter().map(|&target| self.target_json(target)).collect::<Vec<_>>(),
        })
    }

    /// Reads the output of [`to_json`](Self::to_json). `None` for any other JSON.
    #[must_use]
    pub fn from_json(json: &Value) -> Option<Self> {
        Some(Self {
            name: json["name"].as_str()?.to_owned(),
            entries: json["entries"].as_u64(),
            unit: json["unit"].as_str()?.to_owned(),
            less_is_better: json["less_is_better"].as_bool()?,
            rounds: numbers(&json["rounds"])?,
            beside: if json["beside"].is_null() { None } else { Some(beside(&json["beside"])?) },
            targets: json["targets"].as_array()?.iter().map(target).collect::<Option<_>>()?,
        })
    }

    fn target_json(&self, target: Target) -> Value {
        let of = if target.of_ratio { "ratio" } else { "figure" };
        json!({ "of": of, "limit": target.limit, "met": self.meets(target) })
    }
}

fn target(json: &Value) -> Option<Target> {
    Some(Target { of_ratio: json["of"].as_str()? == "ratio", limit: json["limit"].as_f64()? })
}

fn beside(json: &Value) -> Option<Beside> {
    Some(Beside { name: json["name"].as_str()?.to_owned(), rounds: numbers(&json["rounds"])? })
}

fn summary(summary: Summary) -> Value {
    json!({ "median": summary.median, "min": summary.min, "max": summary.max })
}

fn numbers(json: &Value) -> Option<Vec<f64>> {
    json.as_array()?.iter().map(Value::as_f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let figure = Figure::more("two readers", "M/s", vec![1.5, 2.5])
            .entries(100_000)
            .beside("one", vec![1.0, 1.0])
            .ratio_target(1.8)
            .figure_target(3.0);
        assert_eq!(Figure::from_json(&figure.to_json()), Some(figure));
        let plain = Figure::less("view", "us", vec![4.0]);
        assert_eq!(Figure::from_json(&plain.to_json()), Some(plain));
    }
}
