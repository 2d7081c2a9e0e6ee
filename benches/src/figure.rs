//! Figures: measurements with counterpart and targets.

mod json;

/// One figure with all its rounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Name of the measurement.
    pub name: String,
    /// Number of entries of the map, for figures that depend on it.
    pub entries: Option<u64>,
    /// The unit of the rounds.
    pub unit: String,
    /// True when less is better.
    pub less_is_better: bool,
    /// One number for each round.
    pub rounds: Vec<f64>,
    /// The counterpart, which took turns with the figure.
    pub beside: Option<Beside>,
    /// The targets. Empty for a figure that is only informative.
    pub targets: Vec<Target>,
}

/// The counterpart of a figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Beside {
    /// Name of the counterpart.
    pub name: String,
    /// One number for each round, in the unit of the figure.
    pub rounds: Vec<f64>,
}

/// A bound that a figure should reach or beat.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// True for a target on the ratio to the counterpart, false for one on the figure itself.
    pub of_ratio: bool,
    /// The bound.
    pub limit: f64,
}

/// Median and extremes of some rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// The middle number, or the mean of the two in the middle.
    pub median: f64,
    /// The smallest number.
    pub min: f64,
    /// The largest number.
    pub max: f64,
}

impl Figure {
    /// A figure of which less is better.
    #[must_use]
    pub fn less(name: impl Into<String>, unit: &str, rounds: Vec<f64>) -> Self {
        Self {
            name: name.into(),
            entries: None,
            unit: unit.to_owned(),
            less_is_better: true,
            rounds,
            beside: None,
            targets: Vec::new(),
        }
    }

    /// A figure of which more is better.
    #[must_use]
    pub fn more(name: impl Into<String>, unit: &str, rounds: Vec<f64>) -> Self {
        Self { less_is_better: false, ..Self::less(name, unit, rounds) }
    }

    /// Sets the number of entries of the map.
    #[must_use]
    pub const fn entries(mut self, entries: u64) -> Self {
        self.entries = Some(entries);
        self
    }

    /// Sets the counterpart.
    #[must_use]
    pub fn beside(mut self, name: impl Into<String>, rounds: Vec<f64>) -> Self {
        self.beside = Some(Beside { name: name.into(), rounds });
        self
    }

    /// Adds a target: the ratio to the counterpart should be this or better.
    #[must_use]
    pub fn ratio_target(mut self, limit: f64) -> Self {
        self.targets.push(Target { of_ratio: true, limit });
        self
    }

    /// Adds a target: the figure should be this or better.
    #[must_use]
    pub fn figure_target(mut self, limit: f64) -> Self {
        self.targets.push(Target { of_ratio: false, limit });
        self
    }

    /// Median and extremes.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary::of(&self.rounds)
    }

    /// Median and extremes of the ratios, round by round. `None` without a counterpart, or if all of its rounds are 0.
    #[must_use]
    pub fn ratio(&self) -> Option<Summary> {
        let beside = self.beside.as_ref()?;
        let rounds = self.rounds.iter().zip(&beside.rounds).filter(|(_, its)| **its != 0.0);
        let ratios: Vec<f64> = rounds.map(|(ours, its)| ours / its).collect();
        (!ratios.is_empty()).then(|| Summary::of(&ratios))
    }

    /// True if the medians meet the target.
    #[must_use]
    pub fn meets(&self, target: Target) -> bool {
        let median = if target.of_ratio {
            self.ratio().map_or(f64::NAN, |ratio| ratio.median)
        } else {
            self.summary().median
        };
        if self.less_is_better { median <= target.limit } else { median >= target.limit }
    }

    /// A target in words, for example `at most 1.3x`.
    #[must_use]
    pub fn target_text(&self, target: Target) -> String {
        let side = if self.less_is_better { "at most" } else { "at least" };
        let unit = if target.of_ratio { "x".to_owned() } else { format!(" {}", self.unit) };
        format!("{side} {}{unit}", target.limit)
    }
}

impl Summary {
    /// Summarises rounds. Without rounds all three numbers are NaN.
    #[must_use]
    pub fn of(rounds: &[f64]) -> Self {
        let mut sorted = rounds.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (Some(&min), Some(&max)) = (sorted.first(), sorted.last()) else {
            return Self { median: f64::NAN, min: f64::NAN, max: f64::NAN };
        };
        let middle = sorted.len() / 2;
        let median =
            if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 };
        Self { median, min, max }
    }

    /// Distance of the extremes, as a part of the median.
    #[must_use]
    pub fn spread(&self) -> f64 {
        (self.max - self.min) / self.median
    }
}

/// Formats a number with three or four significant digits and separators.
#[must_use]
pub fn number(number: f64) -> String {
    let size = number.abs();
    if !number.is_finite() {
        "-".to_owned()
    } else if size >= 1000.0 {
        separated(number)
    } else if size >= 100.0 || size == 0.0 {
        format!("{number:.0}")
    } else if size >= 10.0 {
        format!("{number:.1}")
    } else {
        format!("{number:.2}")
    }
}

fn separated(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_ratios_and_targets() {
        let figure = Figure::less("get", "ns", vec![30.0, 10.0, 20.0])
            .beside("bare", vec![10.0, 10.0, 10.0])
            .ratio_target(2.0)
            .figure_target(19.0);
        assert_eq!(figure.summary(), Summary { median: 20.0, min: 10.0, max: 30.0 });
        assert_eq!(figure.ratio().unwrap(), Summary { median: 2.0, min: 1.0, max: 3.0 });
        assert_eq!(
            figure.targets.iter().map(|&target| figure.meets(target)).collect::<Vec<_>>(),
            [true, false]
        );
        assert_eq!(figure.target_text(figure.targets[0]), "at most 2x");
        let more = Figure::more("rate", "/s", vec![5.0, 7.0]).figure_target(6.0);
        assert!(more.meets(more.targets[0]));
        assert_eq!(more.target_text(more.targets[0]), "at least 6 /s");
    }

    #[test]
    fn numbers_are_short() {
        let texts = [0.0, 0.123, 1.0, 12.34, 123.4, 1_234.5, 1_234_567.0].map(number);
        assert_eq!(texts, ["0", "0.12", "1.00", "12.3", "123", "1,234", "1,234,567"]);
    }
}
