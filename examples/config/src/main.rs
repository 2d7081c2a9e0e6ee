//! Configuration of thousands of keys: pushed from a file, followed by every process.
//!
//! `push FILE` makes the map hold what the file says, `serve` runs a component that follows its part of it, and `show` prints.

mod args;
mod file;
mod history;
mod pool;
mod push;
mod schema;
mod serve;
mod show;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use rmap_client::typed::{Text, TypedMapBuilder};
use rmap_client::{Client, MapBuilder, Phase, TypedMap, WhenLost};

use crate::args::{Args, Command};

/// The configuration: each value is text that the schema accepts.
type Config = TypedMap<String, String>;

/// How long a process that starts waits for its configuration.
const PATIENCE: Duration = Duration::from_secs(3);

#[tokio::main]
async fn main() -> ExitCode {
    let Err(error) = run(Args::parse()).await else { return ExitCode::SUCCESS };
    eprintln!("{error}");
    ExitCode::FAILURE
}

async fn run(Args { redis, command }: Args) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Push { file } => println!("{}", push::push(&Client::connect(redis).await?, &file).await?),
        Command::Show { prefix } => show::show(&read(&Client::connect(redis).await?).await?, &prefix),
        Command::Serve => {
            let client = Client::builder().connect_in_background(redis)?;
            serve::serve(&follow(&client).await?).await?;
        }
    }
    Ok(())
}

/// The configuration as the server has it.
async fn read(client: &Client) -> Result<Config, rmap_client::Error> {
    checked(client.map("config")).join().await
}

/// The configuration for a process that runs on whatever happens to the server: it waits for a server a moment only, and
/// keeps what it has when the server has lost it.
async fn follow(client: &Client) -> Result<Config, rmap_client::Error> {
    let config = checked(client.map("config").when_lost(WhenLost::Keep)).join_in_background()?;
    // Without an answer the process begins with the defaults.
    let _ = tokio::time::timeout(PATIENCE, config.wait_for_phase(Phase::Live)).await;
    Ok(config)
}

/// Shows only what the schema accepts; anything else keeps its last good value.
fn checked(map: MapBuilder) -> TypedMapBuilder<String, String> {
    map.typed::<String>(Text).accept(|key: &String, value: &String| schema::check(key, value))
}
