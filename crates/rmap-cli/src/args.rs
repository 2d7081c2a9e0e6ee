//! The arguments of the command line.

mod keyed;
mod parse;
mod whole;

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args as Arguments, Parser, Subcommand};

pub(crate) use self::keyed::{Append, Delete, Get, Inc, Remove, Set};
pub(crate) use self::parse::parse;
pub(crate) use self::whole::{Clear, Demo, List, Load, Reset, Status, Verify, Watch};

/// Reads, writes and watches replicated maps that Redis or Valkey holds.
///
/// Exit codes: 0 done; 1 not applied, or not found; 2 bad usage; 3 server not usable, or it refuses, or outcome unknown.
///
/// RMAP_LOG=info in the environment has changes of phase and lost connections logged on standard error; off (the default), error,
/// warn, debug and trace are other levels.
#[derive(Debug, Parser)]
#[command(name = "rmap", version, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The server that has the maps.
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
    #[command(disable_help_flag = true, override_usage = "rmap get [OPTIONS] <MAP> <KEY>", after_help = keyed::RULE)]
    Get(Get),
    /// Sets a key and prints the revision. With a condition that does not hold: exit code 1.
    #[command(
        disable_help_flag = true,
        override_usage = "rmap set [OPTIONS] <MAP> <KEY> <VALUE>\n       rmap set [OPTIONS] --file <FILE> <MAP> <KEY>",
        after_help = keyed::RULE
    )]
    Set(Set),
    /// Deletes a key and prints the revision. Exit code 1: there was none, or it did not hold the value asked for.
    #[command(disable_help_flag = true, override_usage = "rmap delete [OPTIONS] <MAP> <KEY>", after_help = keyed::RULE)]
    Delete(Delete),
    /// Adds to an integer and prints the sum; a missing key counts as 0. Exit code 1: it is no integer, or it overflows.
    #[command(disable_help_flag = true, override_usage = "rmap inc [OPTIONS] <MAP> <KEY> [DELTA]", after_help = keyed::RULE)]
    Inc(Inc),
    /// Appends items to a list value and prints the list as JSON.
    #[command(disable_help_flag = true, override_usage = "rmap append [OPTIONS] <MAP> <KEY> [ITEM]...", after_help = keyed::RULE)]
    Append(Append),
    /// Removes items from a list value and prints what remains as JSON. Exit code 1: none of them was in it.
    #[command(disable_help_flag = true, override_usage = "rmap remove [OPTIONS] <MAP> <KEY> <ITEM>...", after_help = keyed::RULE)]
    Remove(Remove),
    /// Sets many keys, in batches, from a file: KEY=VALUE lines, or JSON. If one entry is neither, none is loaded.
    Load(Load),
    /// Prints all keys and values, one pair a line, separated by a tab and escaped.
    List(List),
    /// Prints every change, one a line: revision, key, old and new value. Ends with Ctrl-C. Standard error says when the
    /// map cannot be followed, for each reason that follows, and when it can again.
    Watch(Watch),
    /// Clears a map and prints how many entries it had. Exit code 1: the map has no hash, or the answer was no.
    Reset(Reset),
    /// Clears a map as reset does; its hash and the notification say destroy.
    Destroy(Clear),
    /// Says how well a map can be followed at this moment.
    Status(Status),
    /// Follows a map, then reads its hash again and compares the two field by field. Prints the keys that differ, one a line,
    /// how they differ, and how many fields were compared. Exit code 1: some differ.
    Verify(Verify),
    /// Shows several replicas following each other on a private server (not that of `--redis`) while their connections are
    /// killed.
    Demo(Demo),
}

impl Command {
    /// KEY and all behind it, of the commands that take a KEY.
    fn data(&self) -> Option<&[OsString]> {
        match self {
            Self::Get(args) => Some(&args.data),
            Self::Set(args) => Some(&args.data),
            Self::Delete(args) => Some(&args.data),
            Self::Inc(args) => Some(&args.data),
            Self::Append(args) => Some(&args.data),
            Self::Remove(args) => Some(&args.data),
            Self::Load(_)
            | Self::List(_)
            | Self::Watch(_)
            | Self::Reset(_)
            | Self::Destroy(_)
            | Self::Status(_)
            | Self::Verify(_)
            | Self::Demo(_) => None,
        }
    }
}

/// Keys and values may hold any bytes; an argument cannot hold the byte 0.
#[derive(Debug, Clone, Copy, Arguments)]
pub(crate) struct Hex {
    /// Keys and values on the command line are hexadecimal, as is the value that `get` prints. Items of lists, DELTA and
    /// what a file holds are not.
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

/// The write's effect on the map's time to live.
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
