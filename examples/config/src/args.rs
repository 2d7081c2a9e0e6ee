//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Configuration of thousands of keys, on a replicated map.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// The server.
    #[arg(long, env = "REDIS_URL", default_value = "redis://127.0.0.1:6379")]
    pub(crate) redis: String,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes the configuration hold what the file says, and nothing else.
    Push {
        /// Lines of the form `KEY = VALUE`; `#` begins a comment.
        file: PathBuf,
    },
    /// Prints the values whose keys begin with the prefix, at one revision.
    Show {
        /// Default: all of them.
        #[arg(default_value = "")]
        prefix: String,
    },
    /// Runs the pool of workers, which follows `pool/` until the process is interrupted.
    Serve,
}
