//! Random faults of a server and a network.

use std::time::Duration;

use fastrand::Rng;
use rmap_client::MemoryServer;

pub(crate) async fn disturb(server: &MemoryServer, rng: &mut Rng) {
    match rng.u8(..10) {
        0 => server.drop_connections(),
        1 => server.go_down(),
        2 | 3 => server.come_up(),
        4 => server.flush(),
        5 => server.lose_messages(rng.usize(..5)),
        6 => server.lose_replies(1),
        7 => server.lag(),
        8 => server.hold_messages(),
        _ => server.release_messages(),
    }
    if rng.bool() {
        tokio::time::sleep(Duration::from_millis(rng.u64(..3000))).await;
    }
}
