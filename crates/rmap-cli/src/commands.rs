//! The commands, one file for each group.

mod clear;
mod lists;
mod load;
mod read;
mod status;
mod verify;
mod watch;
mod write;

use crate::args::{Args, Command};
use crate::command_error::CommandError;
use crate::demo;

pub(crate) async fn run(args: Args) -> Result<(), CommandError> {
    let server = &args.server;
    match args.command {
        Command::Get(args) => read::get(server, &args).await,
        Command::Load(args) => load::load(server, &args).await,
        Command::List(args) => read::list(server, &args).await,
        Command::Set(args) => write::set(server, &args).await,
        Command::Delete(args) => write::delete(server, &args).await,
        Command::Inc(args) => write::inc(server, &args).await,
        Command::Append(args) => lists::append(server, &args).await,
        Command::Remove(args) => lists::remove(server, &args).await,
        Command::Watch(args) => watch::watch(server, &args).await,
        Command::Reset(args) => clear::reset(server, &args).await,
        Command::Destroy(args) => clear::destroy(server, &args).await,
        Command::Status(args) => status::status(server, &args).await,
        Command::Verify(args) => verify::verify(server, &args).await,
        Command::Demo(args) => demo::run(args).await,
    }
}
