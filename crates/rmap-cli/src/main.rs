//! `rmap`: reads, writes and watches replicated maps from the command line.
//!
//! Exit codes: 0 done; 1 not applied, or not found; 2 bad usage; 3 server not usable, or it refuses, or outcome unknown.

mod args;
mod command_error;
mod commands;
mod demo;
mod input;
mod json;
mod log;
mod notice;
mod output;
mod session;
mod text;

use std::process::ExitCode;

use tokio::runtime::Builder;

use crate::args::{Args, Command};
use crate::command_error::CommandError;

fn main() -> ExitCode {
    let args = match args::parse(std::env::args_os().collect()) {
        Ok(args) => args,
        Err(code) => return code,
    };
    match log::start().and_then(|()| run(args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(args: Args) -> Result<(), CommandError> {
    let busy = matches!(args.command, Command::Demo(_));
    let mut runtime = if busy { Builder::new_multi_thread() } else { Builder::new_current_thread() };
    let runtime = runtime.enable_all().build().map_err(|error| CommandError::Server(error.to_string()))?;
    runtime.block_on(commands::run(args))
}
