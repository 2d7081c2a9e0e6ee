//! Runs as files: `target/bench/PART.json`, a line for the machine and then one for each figure.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::figure::Figure;

/// The run of one part of the measurements.
#[derive(Debug, Clone)]
pub struct Run {
    /// The part.
    pub part: String,
    /// Machine and time, from [`crate::machine::describe`].
    pub machine: Value,
    /// The figures, in order.
    pub figures: Vec<Figure>,
}

impl Run {
    /// True for a trial run, whose figures are worthless.
    #[must_use]
    pub fn is_quick(&self) -> bool {
        self.machine["quick"] == true
    }
}

/// The root of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn folder() -> PathBuf {
    workspace().join("target/bench")
}

/// Writes a run, and replaces one of the same part.
///
/// # Panics
///
/// When the file cannot be written.
pub fn write(run: &Run) {
    let mut lines = vec![run.machine.to_string()];
    lines.extend(run.figures.iter().map(|figure| figure.to_json().to_string()));
    fs::create_dir_all(folder()).expect("the folder can be made");
    let path = folder().join(format!("{}.json", run.part));
    fs::write(path, lines.join("\n") + "\n").expect("the file can be written");
}

/// Reads all runs, in the order of their parts' names.
///
/// # Panics
///
/// When a file was not written by [`write()`].
#[must_use]
pub fn read() -> Vec<Run> {
    let Ok(entries) = fs::read_dir(folder()) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a file").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths
        .iter()
        .map(|path| read_run(path).unwrap_or_else(|| panic!("{}: not a run", path.display())))
        .collect()
}

fn read_run(path: &std::path::Path) -> Option<Run> {
    let text = fs::read_to_string(path).ok()?;
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).ok());
    let machine = lines.next()??;
    let figures = lines.map(|line| Figure::from_json(&line?)).collect::<Option<_>>()?;
    Some(Run { part: path.file_stem()?.to_str()?.to_owned(), machine, figures })
}
