//! Our behaviour for each trace that records a defect of Pulse.

use crate::call::Refusal;
use crate::trace::{Line, scenarios};

/// Our behaviour instead of the defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Instead {
    /// The operation fails with this refusal, and nothing changes.
    Refuses(Refusal),
    /// The operation is the same, but the remaining time to live stays unchanged.
    KeepsTtl,
    /// Items are text. The type of the argument rules the defect out.
    ItemsAreText,
    /// Keys and tests come as pairs. The type of the argument rules the defect out.
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

/// Our behaviour for a recorded line, or `None` when the line is no defect.
///
/// # Panics
///
/// When the defect has no entry.
pub(crate) fn instead(line: &Line) -> Option<Instead> {
    let defect = line.defect()?;
    let entry = DEFECTS.iter().find(|(text, _)| *text == defect);
    Some(entry.unwrap_or_else(|| panic!("line {}: nothing is said about: {defect}", line.number)).1)
}

/// The documentation describes each defect in the words of the traces.
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

/// Every entry still has its line.
#[test]
fn every_entry_is_about_a_recorded_defect() {
    let scenarios = scenarios();
    let recorded: Vec<&str> =
        scenarios.iter().flat_map(|scenario| &scenario.lines).filter_map(Line::defect).collect();
    for (defect, _) in DEFECTS {
        assert!(recorded.contains(defect), "no line has: {defect}");
    }
}
