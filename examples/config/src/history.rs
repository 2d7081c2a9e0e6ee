//! The last pushes, newest first.

use rmap_client::typed::Json;
use rmap_client::{Client, Error};

/// Pushes that are remembered.
const REMEMBERED: usize = 5;

/// The number of all pushes, and the last of them.
pub(crate) type History = (u64, Vec<String>);

/// Counts a push of this file and remembers it, whoever else pushes at the same time. Returns its number.
pub(crate) async fn record(client: &Client, file: &str, what: &str) -> Result<u64, Error> {
    let history = client.map("config-history").typed::<History>(Json).join().await?;
    let mut number = 0;
    let update = history.update("pushes", |old| {
        let (count, mut pushes) = old.cloned().unwrap_or_default();
        number = count + 1;
        pushes.insert(0, format!("{number}: {file}: {what}"));
        pushes.truncate(REMEMBERED);
        Some((number, pushes))
    });
    update.await?;
    Ok(number)
}
