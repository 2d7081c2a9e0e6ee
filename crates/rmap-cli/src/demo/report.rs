//! The table at the end. It shows only what was measured.

use std::time::Duration;

use super::observer::Seen;
use super::writer::Tally;
use crate::failure::Failure;
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
    /// Why replicas could not prove in the end that they are current.
    pub(super) unproven: Vec<String>,
}

impl Report {
    pub(super) fn print(&self) -> Result<(), Failure> {
        for (name, value) in self.rows() {
            output::line(&format!("{name:<32}{value}"))?;
        }
        Ok(())
    }

    pub(super) fn verdict(&self) -> Result<(), Failure> {
        if let Some(reason) = self.unproven.first() {
            return Err(Failure::Server(reason.clone()));
        }
        if self.differing > 0 {
            return Err(Failure::NotDone(format!("{} keys differ", self.differing)));
        }
        Ok(())
    }

    fn rows(&self) -> [(&'static str, String); 9] {
        let percentile = |percent| micros(self.seen.propagation.value_at_quantile(percent));
        [
            ("replicas", format!("{} on {}, {} of them write", self.replicas, self.server, self.writing)),
            ("writes", self.writes()),
            ("notifications", format!("{} published, {} changes seen", self.published, self.seen.changes)),
            ("propagation p50, p99", format!("{}, {}", percentile(0.5), percentile(0.99))),
            ("propagation, longest", micros(self.seen.propagation.max())),
            ("reads per second, one thread", format!("{:.1} million", self.reads_per_second / 1e6)),
            (
                "faults injected",
                format!("{} times all subscriber connections killed, {} in all", self.faults, self.killed),
            ),
            ("resyncs", format!("{}, {} of them without a lost connection", self.seen.resyncs, self.resyncs)),
            ("keys that differ", format!("{} of {} on each replica", self.differing, self.keys)),
        ]
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
    fn a_difference_or_a_missing_proof_is_a_failure() {
        assert!(report(0, Vec::new()).verdict().is_ok());
        assert!(matches!(report(1, Vec::new()).verdict(), Err(Failure::NotDone(_))));
        assert!(matches!(report(0, vec!["no proof".to_owned()]).verdict(), Err(Failure::Server(_))));
    }
}
