//! From the words of the command line to a command, and no misreading between.

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};

use super::Args;
use crate::command_error::{BAD_USAGE, CommandError};
use crate::output;

/// Reads the command line, the program's name first.
///
/// # Errors
///
/// The exit code, after what is wrong, or the help that was asked for, was printed.
pub(crate) fn parse(words: Vec<OsString>) -> Result<Args, ExitCode> {
    let args = read(&words).map_err(|error| report(&error, &words))?;
    match misspelt(&args, &words) {
        Some(failure) => Err(failure.report()),
        None => Ok(args),
    }
}

/// Commands with a KEY have no option `-h`, since it may be the KEY; without a MAP before it, it still asks for help.
fn read(words: &[OsString]) -> Result<Args, clap::Error> {
    Args::try_parse_from(words).or_else(|error| match words.split_last() {
        Some((last, before)) if last == "-h" && is_unknown(&error, "-h") => {
            Args::try_parse_from(before.iter().map(OsString::as_os_str).chain([OsStr::new("--help")]))
        }
        Some(_) | None => Err(error),
    })
}

fn is_unknown(error: &clap::Error, argument: &str) -> bool {
    let unknown = error.get(ContextKind::InvalidArg);
    error.kind() == ErrorKind::UnknownArgument
        && matches!(unknown, Some(ContextValue::String(unknown)) if unknown == argument)
}

/// A KEY that is nearly an option: `append m --uniqe k a` must not append to the key `--uniqe`.
fn misspelt(args: &Args, words: &[OsString]) -> Option<CommandError> {
    let data = args.command.data()?;
    let before = &words[..words.len().checked_sub(data.len())?];
    let key = data.first()?.to_str().filter(|key| key.starts_with('-'))?;
    if before.iter().any(|word| word == "--") {
        return None;
    }
    let name = key.split('=').next().unwrap_or(key);
    let root = Args::command();
    let command = before.iter().find_map(|word| root.find_subcommand(word))?;
    let options = command.get_arguments().chain(root.get_arguments());
    let option = options
        .filter_map(clap::Arg::get_long)
        .map(|long| format!("--{long}"))
        .find(|option| one_edit_apart(name.as_bytes(), option.as_bytes()))?;
    Some(CommandError::Usage(format!(
        "'{}' is no option, but nearly {option}; a KEY of this name stands behind --",
        key.escape_debug()
    )))
}

/// True when one byte more, less or other, or two neighbours swapped, makes one of the other.
fn one_edit_apart(a: &[u8], b: &[u8]) -> bool {
    let same = |(a, b): &(&u8, &u8)| a == b;
    let start = a.iter().zip(b).take_while(same).count();
    let (a, b) = (&a[start..], &b[start..]);
    let end = a.iter().rev().zip(b.iter().rev()).take_while(same).count();
    match (&a[..a.len() - end], &b[..b.len() - end]) {
        ([_], [] | [_]) | ([], [_]) => true,
        ([a, b], [c, d]) => (a, b) == (d, c),
        _ => false,
    }
}

/// Says on one line what is wrong with the command line; prints help and version as they are.
fn report(error: &clap::Error, words: &[OsString]) -> ExitCode {
    let informs = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if informs {
        return inform(error, words);
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        output::notice("rmap: no command given, try 'rmap --help'");
        return ExitCode::from(BAD_USAGE);
    }
    let text = error.to_string();
    let problem = text.split("\n\nUsage:").next().unwrap_or_default();
    let problem = problem.split("\n\nFor more").next().unwrap_or_default();
    let words: Vec<&str> = problem.trim_start_matches("error: ").split_whitespace().collect();
    output::notice(&format!("rmap: {}", words.join(" ")));
    ExitCode::from(BAD_USAGE)
}

/// Help in the place of a command that was asked for would look as if the command was done.
fn inform(error: &clap::Error, words: &[OsString]) -> ExitCode {
    const ASK: [&str; 4] = ["--help", "-h", "--version", "-V"];
    let asks = |word: &OsString| ASK.iter().any(|ask| word == ask);
    if let Some(place) = words.iter().position(asks)
        && !words.last().is_some_and(asks)
    {
        let word = words[place].to_string_lossy();
        output::notice(&format!("rmap: {word} stands last; a KEY of this name stands behind --"));
        return ExitCode::from(BAD_USAGE);
    }
    // A reader that went away has seen enough.
    let _ = error.print();
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Command;

    fn words(line: &[&str]) -> Vec<OsString> {
        ["rmap"].iter().chain(line).map(OsString::from).collect()
    }

    #[track_caller]
    fn data(line: &[&str]) -> Vec<OsString> {
        let args = read(&words(line)).unwrap();
        assert!(misspelt(&args, &words(line)).is_none(), "{line:?}");
        args.command.data().unwrap().to_vec()
    }

    const KEYED: [&str; 6] = ["get", "set", "delete", "inc", "append", "remove"];

    #[test]
    fn everything_from_the_key_on_is_data() {
        for command in KEYED {
            for key in ["k", "-hello", "-h", "-", "-1", "--hello", "-V", "---", "--key"] {
                for rest in [&[][..], &["--hex", "--redis", "-h", "--help", "--", "--version", "-5", ""]] {
                    let line = [&[command, "m", key], rest].concat();
                    assert_eq!(data(&line), &line[2..], "{line:?}");
                }
            }
        }
    }

    #[test]
    fn two_hyphens_end_the_options() {
        for command in KEYED {
            for key in ["--", "--hex", "--help", "--ttl", "--redis=x", "--uniqe"] {
                assert_eq!(data(&[command, "m", "--", key, "v"]), [key, "v"]);
                assert_eq!(data(&[command, "--", "-m", key, "v"]), [key, "v"]);
                assert_eq!(data(&[command, "--timeout", "1", "m", "--hex", "--", key, "v"]), [key, "v"]);
            }
        }
    }

    #[test]
    fn options_stand_before_the_key() {
        let args =
            read(&words(&["set", "--test", "--hex", "m", "--ttl", "5", "k", "--test-absent"])).unwrap();
        let Command::Set(set) = args.command else { unreachable!("it is a set") };
        assert_eq!(
            (set.test.as_deref(), set.test_absent, set.hex.hex),
            (Some("--hex".as_ref()), false, false)
        );
        assert_eq!(set.data, ["k", "--test-absent"]);
    }

    #[test]
    fn a_key_that_is_nearly_an_option_is_refused() {
        for key in ["--hx", "--hexx", "-hex", "--help1", "--hlep", "--tiemout", "--redi=x", "---hex"] {
            for command in KEYED {
                let line = words(&[command, "m", key, "v"]);
                let failure = misspelt(&read(&line).unwrap(), &line);
                assert!(matches!(failure, Some(CommandError::Usage(_))), "{command} {key}");
            }
        }
        // Of this command alone.
        let line = words(&["append", "m", "--uniqe", "k", "a"]);
        assert!(misspelt(&read(&line).unwrap(), &line).is_some());
        assert_eq!(data(&["get", "m", "--uniqe"]), ["--uniqe"]);
    }

    #[test]
    fn one_edit_is_an_insertion_a_deletion_a_change_or_a_swap() {
        for (a, b) in
            [("ab", "a"), ("ab", "axb"), ("ab", "ax"), ("ab", "ba"), ("abc", "acb"), ("", "a"), ("aa", "a")]
        {
            assert!(one_edit_apart(a.as_bytes(), b.as_bytes()), "{a} {b}");
            assert!(one_edit_apart(b.as_bytes(), a.as_bytes()), "{b} {a}");
        }
        for (a, b) in [("ab", "ab"), ("ab", ""), ("abc", "cab"), ("abcd", "badc"), ("abc", "cba")] {
            assert!(!one_edit_apart(a.as_bytes(), b.as_bytes()), "{a} {b}");
        }
    }

    #[test]
    fn help_and_version_are_asked_for_last() {
        for line in [
            &["--help"][..],
            &["-h"],
            &["get", "-h"],
            &["get", "m", "--help"],
            &["list", "-h"],
            &["-V"],
            &["help"],
        ] {
            let error = read(&words(line)).unwrap_err();
            assert_eq!(report(&error, &words(line)), ExitCode::SUCCESS, "{line:?}");
        }
        for line in [
            &["set", "m", "--help", "v"][..],
            &["--help", "set"],
            &["-V", "set", "m", "k", "v"],
            &["reset", "-h", "m"],
        ] {
            let error = read(&words(line)).unwrap_err();
            assert_eq!(report(&error, &words(line)), ExitCode::from(BAD_USAGE), "{line:?}");
        }
    }
}
