//! The table at the end. It shows only what was measured.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::observer::Seen;
use super::writer::Tally;
use crate::command_error::CommandError;
use crate::output;

pub(super) struct Report {
    pub(super) server: String,
    pub(super) replicas: usize,
    pub(super) writing: usize,
    pub(super) writes: Tally,
    /// By the server's revision, which rises by one with every notification.
    pub(super) published: u64,
    pub(super) seen: Seen,
    pub(super) reads_per_second: f64,
    pub(super) faults: u32,
    pub(super) killed: u64,
    pub(super) resyncs: u64,
    pub(super) keys: usize,
    pub(super) differing: usize,
    /// Reasons why replicas could not prove in the end that they are current.
    pub(super) unproven: Vec<String>,
}

impl Report {
    pub(super) fn print(&self) -> Result<(), CommandError> {
        for (name, value) in self.rows() {
            output::line(&format!("{name:<32}{value}"))?;
        }
        output::line("")?;
        output::line(&self.conclusion())
    }

    pub(super) fn outcome(&self) -> Result<(), CommandError> {
        if let Some(reason) = self.unproven.first() {
            return Err(CommandError::Server(reason.clone()));
        }
        if self.differing > 0 {
            return Err(CommandError::NotDone(format!("{} keys differ", self.differing)));
        }
        Ok(())
    }

    /// One line that says whether the demo showed what it is meant to show.
    fn conclusion(&self) -> String {
        if !self.unproven.is_empty() {
            return format!("FAILED: {} replicas could not prove that they are current", self.unproven.len());
        }
        if self.differing > 0 {
            return format!("FAILED: {} keys differ from the server's", self.differing);
        }
        format!(
            "PASSED: after {} cuts every replica holds exactly the server's {} keys",
            self.faults, self.keys
        )
    }

    fn rows(&self) -> Vec<(&'static str, String)> {
        let percentile = |times: &Histogram<u64>, percent| micros(times.value_at_quantile(percent));
        let (propagation, repair) = (&self.seen.propagation, &self.seen.repair);
        vec![
            ("replicas", format!("{} on {}, {} of them write", self.replicas, self.server, self.writing)),
            ("writes", self.writes()),
            ("notifications", format!("{} published, each to {} replicas", self.published, self.replicas)),
            ("changes that streams yielded", self.changes()),
            (
                "write until seen elsewhere",
                format!(
                    "p50 {}, p99 {}, longest {} (replicas that are live)",
                    percentile(propagation, 0.5),
                    percentile(propagation, 0.99),
                    micros(propagation.max())
                ),
            ),
            (
                "cut until right again",
                format!("p50 {}, longest {}", percentile(repair, 0.5), micros(repair.max())),
            ),
            ("reads per second, one thread", format!("{:.1} million", self.reads_per_second / 1e6)),
            (
                "faults",
                format!(
                    "{} times all subscriber connections cut, {} in all; {} resyncs for another reason",
                    self.faults, self.killed, self.resyncs
                ),
            ),
            ("keys that differ", format!("{} of {} on each replica", self.differing, self.keys)),
        ]
    }

    /// A replica that was cut off learns what it missed as one net change for each key, so it yields fewer changes.
    fn changes(&self) -> String {
        let replicas = u64::try_from(self.replicas).unwrap_or(u64::MAX);
        let all = self.published.saturating_mul(replicas);
        let folded = all.saturating_sub(self.seen.changes);
        format!("{}; {folded} more were folded into net changes while cut off", self.seen.changes)
    }

    fn writes(&self) -> String {
        let Tally { acknowledged, refused, unknown } = self.writes;
        format!("{acknowledged} acknowledged, {refused} not sent, {unknown} of unknown outcome")
    }
}

fn micros(micros: u64) -> String {
    format!("{:.1?}", Duration::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(differing: usize, unproven: Vec<String>) -> Report {
        Report {
            server: "a server".to_owned(),
            replicas: 2,
            writing: 1,
            writes: Tally::default(),
            published: 0,
            seen: Seen::default(),
            reads_per_second: 0.0,
            faults: 0,
            killed: 0,
            resyncs: 0,
            keys: 1,
            differing,
            unproven,
        }
    }

    #[test]
    fn the_last_line_says_whether_it_passed() {
        assert!(report(0, Vec::new()).conclusion().starts_with("PASSED: "));
        assert!(report(1, Vec::new()).conclusion().starts_with("FAILED: 1 keys differ"));
        assert!(report(0, vec!["no proof".to_owned()]).conclusion().starts_with("FAILED: "));
    }

    #[test]
    fn a_difference_or_a_missing_proof_is_a_failure() {
        assert!(report(0, Vec::new()).outcome().is_ok());
        assert!(matches!(report(1, Vec::new()).outcome(), Err(CommandError::NotDone(_))));
        assert!(matches!(report(0, vec!["no proof".to_owned()]).outcome(), Err(CommandError::Server(_))));
    }
}
