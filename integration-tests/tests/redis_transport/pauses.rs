//! Connections that come up and are lost again.

use std::time::{Duration, Instant};

use integration_tests::{Proxy, Server};
use rmap_client::transport::Transport;
use rmap_client::transport::redis::{RedisOptions, RedisTransport};

use super::support::{connected, disconnected, must};

#[tokio::test]
async fn connections_that_do_not_last_are_made_more_and_more_rarely() {
    let server = Server::start();
    let proxy = Proxy::new(&server).await;
    let transport = RedisTransport::connect(RedisOptions::from_url(&proxy.url()).unwrap()).await.unwrap();
    let mut last = connected(&transport).await;
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(6) {
        // Longer than the first pauses. The assertion below uses the time that really passed.
        tokio::time::sleep(Duration::from_millis(120)).await;
        proxy.cut(None);
        disconnected(&transport).await;
        last = connected(&transport).await;
    }
    // Six pauses grow from 0.05 s to 2 s, then there is at most one pair a second.
    let most = 8 + begin.elapsed().as_secs();
    assert!(last <= most, "{last} pairs in {:?}", begin.elapsed());
    must(transport.close()).await;
}
