//! Pushing a file.

use std::error::Error;
use std::fs;
use std::path::Path;

use rmap_client::Client;

use crate::{file, history};

/// Makes the configuration hold what the file says, and returns a line that says what has changed.
///
/// A difference of up to 1,000 keys is one batch, which every process shows at once.
pub(crate) async fn push(client: &Client, path: &Path) -> Result<String, Box<dyn Error>> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let entries = file::parse(&text).map_err(|reason| format!("{}: {reason}", path.display()))?;
    let loaded = client.map("config").join().await?.load_difference(entries).await?;
    let what = format!("{} set, {} deleted, {} unchanged", loaded.set, loaded.deleted, loaded.unchanged);
    let number = history::record(client, &path.display().to_string(), &what).await?;
    Ok(format!("push {number}: {what}"))
}
