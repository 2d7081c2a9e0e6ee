//! The operations most programs need.
//!
//! `cargo run -p rmap-client --example basic` runs in memory; add a URL such as `redis://127.0.0.1:6379` to run it on
//! a server.

use std::time::Duration;

use rmap_client::{Client, Error};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = match std::env::args().nth(1) {
        Some(url) => Client::connect(url).await?,
        None => Client::in_memory(),
    };
    let flags = client.map("example:flags").sliding_ttl(Duration::from_secs(3600)).join().await?;
    println!("joined {}: {}", flags.name(), flags.status());

    // A write returns when the server has it; the local copy follows a moment later.
    let written = flags.set("dark-mode", "on").await?;
    flags.wait_for(written.revision).await?;
    println!("dark-mode is {:?}", flags.get("dark-mode").as_ref().map(|value| value.as_str()));

    // The server decides whether a condition holds.
    let swap = flags.test_and_set("dark-mode", "off", "auto").await?;
    println!("swapped: {}, it was {:?}", swap.applied, swap.previous.as_ref().map(|value| value.as_str()));

    // Numbers and lists change at the server, so concurrent writers lose nothing.
    println!("visits: {}", flags.inc("visits", 1).await?.value);
    println!("members: {:?}", flags.append_unique_values("members", ["ann", "bob"]).await?.values);

    // Local reads that belong together go to one view.
    flags.sync().await?;
    let view = flags.view();
    println!("{} keys at revision {:?}", view.len(), view.revision().map(|revision| revision.get()));

    flags.destroy().await?;
    client.close().await;
    Ok(())
}
