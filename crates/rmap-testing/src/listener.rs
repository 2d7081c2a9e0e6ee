//! Publications on a channel, byte by byte.

use std::sync::mpsc;
use std::thread;

use redis::{Cmd, Connection, Value, cmd};

use crate::Server;

/// Collects the payloads of one channel, independent of rmap's client code.
#[derive(Debug)]
pub struct Listener {
    payloads: mpsc::Receiver<Vec<u8>>,
    fence: Vec<u8>,
    publisher: redis::Client,
}

impl Listener {
    /// Subscribes to a channel, and collects everything published on it from now on.
    ///
    /// # Panics
    ///
    /// When the server is unreachable.
    #[must_use]
    pub fn new(server: &Server, channel: impl AsRef<[u8]>) -> Self {
        let publisher = server.client();
        let mut connection = server.connection();
        // A separate channel for the fence that `take` publishes.
        let id: u64 = cmd("CLIENT").arg("ID").query(&mut connection).expect("CLIENT ID is answered");
        let fence = format!("rmap-test-fence-{id}").into_bytes();
        let channels = [channel.as_ref().to_vec(), fence.clone()];
        let subscribe = cmd("SUBSCRIBE").arg(&channels).get_packed_command();
        connection.send_packed_command(&subscribe).expect("the server takes a subscription");
        for _ in &channels {
            connection.recv_response().expect("the server confirms a subscription");
        }
        let (sender, payloads) = mpsc::channel();
        let fence_channel = fence.clone();
        thread::spawn(move || {
            while let Ok((channel, payload)) = message(&mut connection) {
                // An empty payload stands for the fence. A notification has at least its kind.
                let payload = if channel == fence_channel { Vec::new() } else { payload };
                if sender.send(payload).is_err() {
                    return;
                }
            }
        });
        Self { payloads, fence, publisher }
    }

    /// The payloads since the last call, in order. Everything that the server published before this call is included.
    ///
    /// # Panics
    ///
    /// When the server is unreachable or the subscription was lost.
    #[must_use]
    pub fn take(&self) -> Vec<Vec<u8>> {
        let mut connection = self.publisher.get_connection().expect("the server can be reached");
        let receivers: u64 =
            Cmd::publish(&self.fence, "").query(&mut connection).expect("PUBLISH is answered");
        assert_eq!(receivers, 1, "the listener's subscription was lost");
        self.payloads.iter().take_while(|payload| !payload.is_empty()).collect()
    }
}

/// Channel and payload of the next message.
fn message(connection: &mut Connection) -> Result<(Vec<u8>, Vec<u8>), redis::RedisError> {
    let (_kind, channel, payload): (Value, _, _) = redis::from_redis_value(connection.recv_response()?)?;
    Ok((channel, payload))
}
