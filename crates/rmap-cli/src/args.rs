//! What can be said on the command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args as Arguments, Parser, Subcommand};

use crate::failure::BAD_USAGE;
use crate::input::Value;
use crate::output;

/// Reads, writes and watches replicated maps that Redis or Valkey holds.
///
/// Exit codes: 0 done; 1 not applied, or not found; 2 bad usage; 3 server not usable, or it refuses, or outcome unknown.
#[derive(Debug, Parser)]
#[command(name = "rmap", version, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where the maps are.
#[derive(Debug, Arguments)]
pub(crate) struct Server {
    /// The server: redis://USER:PASSWORD@HOST:PORT/DATABASE, of which only the host must be there, redis+unix:///PATH, or
    /// redis-sentinel:// and redis-cluster:// as the documentation of rmap-client says.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "RMAP_REDIS_URL",
        hide_env_values = true,
        default_value = "redis://127.0.0.1:6379"
    )]
    pub(crate) redis: String,
    /// Time within which the server must be reached, the map must be joined, and each command must be answered.
    #[arg(long, global = true, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub(crate) timeout: Duration,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Prints the value of a key, byte by byte; on a terminal a newline follows. Exit code 1: there is no such key.
    Get(Get),
    /// Sets a key and prints the revision. With a condition that does not hold: exit code 1.
    Set(Set),
    /// Deletes a key and prints the revision. Exit code 1: there was none, or it did not hold the value asked for.
    Delete(Delete),
    /// Adds to an integer and prints the sum; a missing key counts as 0. Exit code 1: it is no integer, or it overflows.
    Inc(Inc),
    /// Appends items to a list value and prints the list as JSON.
    Append(Append),
    /// Removes items from a list value and prints what remains as JSON. Exit code 1: none of them was in it.
    Remove(Remove),
    /// Sets many keys, in batches, from a file of KEY=VALUE lines or JSON lines. If one line is neither, none is loaded.
    Load(Load),
    /// Prints all keys and values, one pair a line, separated by a tab and escaped.
    List(List),
    /// Prints every change, one a line: revision, key, old and new value. Ends with Ctrl-C. Standard error tells when the
    /// map cannot be followed, and when it can again.
    Watch(Watch),
    /// Clears a map.
    Reset(Reset),
    /// Clears a map as reset does; its hash and the notification say destroy.
    Destroy(MapName),
    /// Says how well a map can be followed at this moment.
    Status(Status),
    /// Shows several replicas following each other on a private server (not that of `--redis`) while their connections are
    /// killed.
    Demo(Demo),
}

/// Keys and values may hold any bytes; an argument cannot hold the byte 0.
#[derive(Debug, Clone, Copy, Arguments)]
pub(crate) struct Hex {
    /// Keys and values on the command line are hexadecimal (not so items of lists), as is the value that `get` prints.
    #[arg(long)]
    pub(crate) hex: bool,
}

#[derive(Debug, Clone, Copy, Arguments)]
pub(crate) struct Json {
    /// JSON; a text that is not UTF-8 stands in hexadecimal under a name that ends in `_hex`.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Arguments)]
pub(crate) struct MapName {
    /// The map's name.
    pub(crate) map: OsString,
}

#[derive(Debug, Arguments)]
pub(crate) struct MapKey {
    #[command(flatten)]
    pub(crate) name: MapName,
    /// The key.
    pub(crate) key: OsString,
    #[command(flatten)]
    pub(crate) hex: Hex,
}

/// What the write does to the time that the map lives on the server.
#[derive(Debug, Clone, Copy, Arguments)]
#[group(multiple = false)]
pub(crate) struct Lifetime {
    /// The map expires so long after it got this time to live; nothing extends it.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) ttl: Option<Duration>,
    /// The map lives so long from this write on.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) sliding_ttl: Option<Duration>,
}

#[derive(Debug, Arguments)]
pub(crate) struct Get {
    #[command(flatten)]
    pub(crate) at: MapKey,
}

#[derive(Debug, Arguments)]
pub(crate) struct Set {
    #[command(flatten)]
    pub(crate) at: MapKey,
    /// The value.
    #[arg(required_unless_present = "file", conflicts_with = "file", allow_negative_numbers = true)]
    pub(crate) value: Option<OsString>,
    /// Takes the value from a file, byte by byte, or from standard input when it is `-`.
    #[arg(long)]
    pub(crate) file: Option<PathBuf>,
    /// Only if there is no such key.
    #[arg(long, conflicts_with = "if_value")]
    pub(crate) if_absent: bool,
    /// Only if the key holds exactly this value.
    #[arg(long, value_name = "VALUE")]
    pub(crate) if_value: Option<OsString>,
    #[command(flatten)]
    pub(crate) lifetime: Lifetime,
}

impl Set {
    pub(crate) fn value(&self) -> Value<'_> {
        match (&self.file, &self.value) {
            (Some(file), _) => Value::File(file),
            (None, Some(value)) => Value::Argument(value),
            // The parser demands one of them.
            (None, None) => Value::Argument("".as_ref()),
        }
    }
}

#[derive(Debug, Arguments)]
pub(crate) struct Delete {
    #[command(flatten)]
    pub(crate) at: MapKey,
    /// Only if the key holds exactly this value.
    #[arg(long, value_name = "VALUE")]
    pub(crate) if_value: Option<OsString>,
    #[command(flatten)]
    pub(crate) lifetime: Lifetime,
}

#[derive(Debug, Arguments)]
pub(crate) struct Inc {
    #[command(flatten)]
    pub(crate) at: MapKey,
    /// What is added.
    #[arg(default_value_t = 1, allow_negative_numbers = true)]
    pub(crate) delta: i64,
    #[command(flatten)]
    pub(crate) lifetime: Lifetime,
}

#[derive(Debug, Arguments)]
pub(crate) struct Append {
    #[command(flatten)]
    pub(crate) at: MapKey,
    /// The items; without any the current list is printed.
    pub(crate) items: Vec<String>,
    /// Only those items that are not in the list yet.
    #[arg(long)]
    pub(crate) unique: bool,
    #[command(flatten)]
    pub(crate) lifetime: Lifetime,
}

#[derive(Debug, Arguments)]
pub(crate) struct Remove {
    #[command(flatten)]
    pub(crate) at: MapKey,
    /// The items; every occurrence is removed. A list that becomes empty is deleted.
    #[arg(required = true)]
    pub(crate) items: Vec<String>,
    #[command(flatten)]
    pub(crate) lifetime: Lifetime,
}

#[derive(Debug, Arguments)]
pub(crate) struct Load {
    #[command(flatten)]
    pub(crate) name: MapName,
    /// The file; `-` is standard input. A later line for the same key wins. Lines end with LF or CR LF; empty ones are
    /// skipped.
    pub(crate) file: PathBuf,
    /// Every line is a JSON object with `key` and `value`, or `key_hex` and `value_hex`, like one entry of `list --json`.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) lifetime: Lifetime,
}

#[derive(Debug, Arguments)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) name: MapName,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Arguments)]
pub(crate) struct Watch {
    #[command(flatten)]
    pub(crate) name: MapName,
    #[command(flatten)]
    pub(crate) json: Json,
    /// Ends after so many changes.
    #[arg(long, value_name = "CHANGES")]
    pub(crate) count: Option<u64>,
}

#[derive(Debug, Arguments)]
pub(crate) struct Reset {
    #[command(flatten)]
    pub(crate) name: MapName,
    /// Only if this key holds exactly this value; may be repeated, then all must.
    #[arg(long = "if", value_name = "KEY=VALUE")]
    pub(crate) tests: Vec<OsString>,
    #[command(flatten)]
    pub(crate) hex: Hex,
}

#[derive(Debug, Arguments)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) name: MapName,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Clone, Copy, Arguments)]
pub(crate) struct Demo {
    /// How long replicas read and write.
    #[arg(long, value_name = "SECONDS", default_value = "14", value_parser = seconds)]
    pub(crate) seconds: Duration,
    /// How many replicas, each with connections of its own.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(2..=64))]
    pub(crate) replicas: u16,
}

/// Says on one line what is wrong with the command line; prints help and version as they are.
pub(crate) fn report(error: &clap::Error) -> ExitCode {
    let informs = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if informs {
        // A reader that went away has seen enough.
        let _ = error.print();
        return ExitCode::SUCCESS;
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

/// Seconds with a fraction, more than none.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("not a number of seconds above 0".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn seconds_are_positive() {
        assert_eq!(seconds("1.5"), Ok(Duration::from_millis(1500)));
        for bad in ["0", "-1", "x", "NaN", "1e300"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
