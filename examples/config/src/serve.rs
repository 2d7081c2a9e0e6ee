//! Running the component.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

use crate::{Config, pool};

/// Runs the pool until the process is asked to end, and says each time how it runs.
pub(crate) async fn serve(config: &Config) -> io::Result<()> {
    let mut rejections = config.rejections();
    let complaining = async {
        while let Some(rejected) = rejections.next().await {
            eprintln!("refused: {}: {}", rejected.key(), rejected.why());
        }
    };
    let running = pool::follow(config, |settings| {
        println!("pool: {} workers, idle for {} ms", settings.size, settings.idle_ms);
    });
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        ((), ()) = async { tokio::join!(running, complaining) } => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
