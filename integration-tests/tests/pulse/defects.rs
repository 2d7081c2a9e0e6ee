//! What we do where a trace is marked as a defect of Pulse.

use crate::call::Refusal;
use crate::trace::{Line, scenarios};

/// What we do instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Instead {
    /// The operation fails like this, and nothing has changed.
    Refuses(Refusal),
    /// The same operation, but what remains of the time to live stays as it was.
    KeepsTtl,
    /// Items are text: the type of the argument rules it out.
    ItemsAreText,
    /// Keys and tests come as pairs: the type of the argument rules it out.
    TestsArePairs,
}

const DEFECTS: &[(&str, Instead)] = &[
    ("items that are not UTF-8 come back changed by the Go side's JSON decoder", Instead::ItemsAreText),
    ("an object gets an integer key and is no longer what it was", Instead::Refuses(Refusal::NotAList)),
    ("not a list of strings: must be refused, not extended", Instead::Refuses(Refusal::NotAList)),
    ("the number loses digits", Instead::Refuses(Refusal::NotAList)),
    ("not a list of strings: must be refused", Instead::Refuses(Refusal::NotAList)),
    (
        "broken JSON is taken for comma-separated text and mangled: must be refused",
        Instead::Refuses(Refusal::NotAList),
    ),
    ("an object is not a list of strings: must be refused", Instead::Refuses(Refusal::NotAList)),
    ("lengths that differ must be refused before anything is sent", Instead::TestsArePairs),
    ("with no condition it clears the map: must be refused", Instead::Refuses(Refusal::NoTests)),
    ("the absolute TTL starts again: must keep what remains", Instead::KeepsTtl),
    ("nothing changed, yet the sliding TTL starts again: must stay at about 50 s", Instead::KeepsTtl),
    (
        "the revision is printed as 1e+14: no writer may let a revision get that large",
        Instead::Refuses(Refusal::Exhausted),
    ),
    (
        "the field is written before the script fails, and nothing is published",
        Instead::Refuses(Refusal::CorruptRevision),
    ),
];

/// What we do instead of what a line records; `None` when the line is no defect.
///
/// # Panics
///
/// When the defect has no entry.
pub(crate) fn instead(line: &Line) -> Option<Instead> {
    let defect = line.defect()?;
    let entry = DEFECTS.iter().find(|(text, _)| *text == defect);
    Some(entry.unwrap_or_else(|| panic!("line {}: nothing is said about: {defect}", line.number)).1)
}

/// Each is told to users, in the words of the traces.
#[test]
fn every_defect_is_in_the_documentation() {
    let documentation = include_str!("../../../docs/pulse.md");
    for (defect, _) in DEFECTS {
        assert!(
            documentation.contains(&format!("| {defect} |")),
            "docs/pulse.md has no line about: {defect}"
        );
    }
}

/// No entry outlives its line.
#[test]
fn every_entry_is_about_a_recorded_defect() {
    let scenarios = scenarios();
    let recorded: Vec<&str> =
        scenarios.iter().flat_map(|scenario| &scenario.lines).filter_map(Line::defect).collect();
    for (defect, _) in DEFECTS {
        assert!(recorded.contains(defect), "no line has: {defect}");
    }
}
