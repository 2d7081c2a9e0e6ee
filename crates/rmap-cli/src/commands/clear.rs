//! `reset` and `destroy`: they say how much they clear, and ask first.

use std::io::{self, IsTerminal, Write};

use rmap_client::{Map, Revision, View};

use super::write;
use crate::args::{Clear, Reset, Server};
use crate::command_error::CommandError;
use crate::{input, output, session};

pub(super) async fn reset(server: &Server, args: &Reset) -> Result<(), CommandError> {
    let tests = args.tests.iter().map(|test| input::pair(test, args.hex)).collect::<Result<Vec<_>, _>>()?;
    let (map, cleared) = agreed(server, &args.clear, "reset").await?;
    if tests.is_empty() {
        return print(map.reset().await?.revision, &cleared);
    }
    let attempt = map.test_and_reset(tests).await?;
    match attempt.revision {
        Some(revision) if attempt.applied => print(revision, &cleared),
        _ => {
            Err(CommandError::NotDone(format!("map {}: not every key holds the value asked for", map.name())))
        }
    }
}

pub(super) async fn destroy(server: &Server, args: &Clear) -> Result<(), CommandError> {
    let (map, cleared) = agreed(server, args, "destroy").await?;
    print(map.destroy().await?.revision, &cleared)
}

/// Joins the map and asks whether it is to be cleared; gives the content that is there when the answer is yes.
async fn agreed(server: &Server, args: &Clear, command: &str) -> Result<(Map, View), CommandError> {
    let map = session::join(server, &args.name.map).await?;
    let view = with_hash(&map)?;
    let what = format!("map {}, {}", map.name(), amount(&view));
    match Consent::of(args.yes, io::stdin().is_terminal() && io::stderr().is_terminal()) {
        Consent::Given => {}
        Consent::Ask => ask(format!("rmap: {command} {what}? [y/N] ")).await?,
        Consent::Missing => {
            return Err(CommandError::Usage(format!(
                "{command} {what}? there is no terminal to ask on, so --yes is required"
            )));
        }
    }
    // The answer took its time.
    let view = with_hash(&map)?;
    Ok((map, view))
}

/// Without a hash there is nothing to clear; a write would make one.
fn with_hash(map: &Map) -> Result<View, CommandError> {
    let view = map.view();
    match view.revision() {
        Some(_) => Ok(view),
        None => Err(CommandError::NotDone(format!("map {} has no hash, nothing to clear", map.name()))),
    }
}

/// Questions before a map is cleared.
#[derive(Debug, PartialEq, Eq)]
enum Consent {
    Given,
    Ask,
    Missing,
}

impl Consent {
    const fn of(yes: bool, terminal: bool) -> Self {
        match (yes, terminal) {
            (true, _) => Self::Given,
            (false, true) => Self::Ask,
            (false, false) => Self::Missing,
        }
    }
}

/// The map goes on being followed while the answer is awaited.
async fn ask(question: String) -> Result<(), CommandError> {
    let answer = tokio::task::spawn_blocking(move || {
        // If nobody sees the question, nobody answers it with yes.
        let _ = write!(io::stderr(), "{question}");
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).map(|_| answer)
    });
    match answer.await.map_err(io::Error::other).and_then(|answer| answer) {
        Ok(answer) if is_yes(&answer) => Ok(()),
        Ok(_) => Err(CommandError::NotDone("nothing was cleared".to_owned())),
        Err(error) => {
            Err(CommandError::NotDone(format!("nothing was cleared, the answer can't be read: {error}")))
        }
    }
}

fn is_yes(answer: &str) -> bool {
    let answer = answer.trim();
    answer.eq_ignore_ascii_case("y") || answer.eq_ignore_ascii_case("yes")
}

/// Others may write between the look at the map and its end.
fn print(revision: Revision, cleared: &View) -> Result<(), CommandError> {
    let amount = amount(cleared);
    let looked_at = cleared.revision().map_or(0, Revision::get);
    let line = format!("{}, {amount} cleared", write::revision_text(Some(revision)));
    if revision.get() == looked_at + 1 {
        return output::line(&line);
    }
    output::line(&format!("{line} as of revision {looked_at}"))
}

fn amount(view: &View) -> String {
    match view.len() {
        1 => "1 entry".to_owned(),
        entries => format!("{entries} entries"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_cleared_only_when_somebody_said_so() {
        assert_eq!(Consent::of(true, true), Consent::Given);
        assert_eq!(Consent::of(true, false), Consent::Given);
        assert_eq!(Consent::of(false, true), Consent::Ask);
        assert_eq!(Consent::of(false, false), Consent::Missing);
    }

    #[test]
    fn only_yes_is_yes() {
        for yes in ["y\n", "Y\r\n", " yes \n", "YES"] {
            assert!(is_yes(yes), "{yes:?}");
        }
        for no in ["", "\n", "n\n", "no\n", "yy\n", "yes!\n", "j\n", "1\n"] {
            assert!(!is_yes(no), "{no:?}");
        }
    }
}
