//! Commands about a map as a whole. They take no KEY, so options may stand anywhere.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args as Arguments;

use super::{Hex, Json, Lifetime, MapName, seconds};

#[derive(Debug, Arguments)]
pub(crate) struct Load {
    #[command(flatten)]
    pub(crate) name: MapName,
    /// The file; `-` is standard input. A later entry for the same key wins.
    ///
    /// A line of text is KEY=VALUE and ends with LF or CR LF; empty lines are skipped. Nothing is unquoted or cut off: a key
    /// with control characters or with blanks at its ends, and a value that begins with a blank, are refused and need
    /// `--json`.
    pub(crate) file: PathBuf,
    /// The file is what `list --json` prints (its map and revision are not looked at), or JSON objects with `key` and
    /// `value`, or `key_hex` and `value_hex`, like the entries in that.
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
    /// Ends after so many changes, at least one.
    #[arg(long, value_name = "CHANGES", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
}

/// A map that is to be cleared.
#[derive(Debug, Arguments)]
pub(crate) struct Clear {
    #[command(flatten)]
    pub(crate) name: MapName,
    /// Clears without asking. Must be there where there is no terminal to ask on.
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Arguments)]
pub(crate) struct Reset {
    #[command(flatten)]
    pub(crate) clear: Clear,
    /// Only if this key holds exactly this value; may be repeated, then all must.
    #[arg(long = "if", value_name = "KEY=VALUE", allow_hyphen_values = true)]
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

#[derive(Debug, Arguments)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) name: MapName,
    #[command(flatten)]
    pub(crate) json: Json,
    /// How long the map's notifications are followed first; Ctrl-C ends it earlier. What is written past the map meanwhile
    /// makes a difference, or a resync, which standard error shows.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) follow: Option<Duration>,
}

#[derive(Debug, Clone, Copy, Arguments)]
pub(crate) struct Demo {
    /// Seconds for which replicas read and write.
    #[arg(long, value_name = "SECONDS", default_value = "14", value_parser = seconds)]
    pub(crate) seconds: Duration,
    /// Number of replicas, each with connections of its own.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(2..=64))]
    pub(crate) replicas: u16,
}
