//! One process writes and passes the revision on; another one waits until its own copy has it.
//!
//! `cargo run -p rmap-client --example wait_for_revision`

use std::time::Duration;

use rmap_client::{Error, MemoryServer, Revision};
use tokio::sync::oneshot;

#[tokio::main]
async fn main() -> Result<(), Error> {
    // Two clients of one server take the place of two processes.
    let server = MemoryServer::new();
    let (orders, billing) = (server.client(), server.client());
    let (send, receive) = oneshot::channel::<Revision>();

    let reader = tokio::spawn(async move {
        let prices = billing.map("prices").join().await?;
        let revision = receive.await.ok();
        // "No revision" is reached at once; a revision that can never come is an error, not an endless wait.
        prices.wait_for(revision).await?;
        println!(
            "billing sees {:?}",
            prices.with("apple", |price| String::from_utf8_lossy(price).into_owned())
        );
        Ok::<_, Error>(())
    });

    let prices = orders.map("prices").join().await?;
    let written = prices.set("apple", "1.20").await?;
    println!("orders wrote revision {}", written.revision);
    // The other side may have given up.
    let _ = send.send(written.revision);
    reader.await.expect("the reader does not panic")?;

    // The same in one step, with a time limit that keeps the outcome of the write.
    let mut setting = prices.set_and_wait("apple", "1.30");
    match tokio::time::timeout(Duration::from_secs(1), &mut setting).await {
        Ok(written) => println!("visible here at revision {}", written?.revision),
        Err(_) => println!("not visible in time; committed: {:?}", setting.committed()),
    }
    Ok(())
}
