//! Groups over a transport that is not Redis.

use std::sync::Mutex;

use bytes::Bytes;
use rmap_proto::{Key, KeyOperation, ServerError};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::*;

/// Answers when it is let, and notes how large the groups are that it was given.
#[derive(Debug)]
struct Fake {
    answers: Semaphore,
    sent: Mutex<Vec<usize>>,
    /// The error of a group.
    refusal: Option<TransportError>,
}

impl Fake {
    async fn take(&self, writes: usize) {
        self.sent.lock().unwrap().push(writes);
        self.answers.acquire().await.unwrap().forget();
    }
}

const WRITTEN: WriteReply = WriteReply::new(true, None);

impl SendWrites for Fake {
    async fn send(&self, _: &MapName, _: &Write) -> Result<WriteReply, TransportError> {
        self.take(1).await;
        Ok(WRITTEN)
    }

    async fn send_group(
        &self,
        _: &MapName,
        _: Ttl,
        operations: &[&Operation],
        _: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<Vec<Result<WriteReply, WriteError>>, TransportError> {
        self.take(operations.len()).await;
        match &self.refusal {
            Some(refusal) => Err(refusal.clone()),
            None => Ok(operations.iter().map(|_| Ok(WRITTEN)).collect()),
        }
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(3600)
    }
}

/// Makes writes of keys that hold these numbers of bytes, answers them once all tasks wait, and returns the size of
/// every call.
async fn sent(held: &[usize], refusal: Option<TransportError>) -> Vec<usize> {
    let groups = Groups::new(Fake { answers: Semaphore::new(0), sent: Mutex::default(), refusal });
    let mut writes = JoinSet::new();
    for &held in held {
        let groups = groups.clone();
        writes.spawn(async move {
            let set = KeyOperation::Set { key: Key::new("k").unwrap(), value: Bytes::new() };
            let write = Write::new(set, Ttl::None).held(held);
            groups.write(&MapName::new("m").unwrap(), &write).await
        });
    }
    // With a single thread, every task has then run as far as it can.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    groups.sender().answers.add_permits(100);
    while let Some(outcome) = writes.join_next().await {
        assert_eq!(outcome.unwrap(), Ok(WRITTEN));
    }
    groups.sender().sent.lock().unwrap().clone()
}

#[tokio::test]
async fn the_first_write_goes_alone_and_those_that_wait_go_together() {
    assert_eq!(sent(&[0], None).await, [1]);
    assert_eq!(sent(&[0; 5], None).await, [1, 4]);
}

#[tokio::test]
async fn a_write_of_a_key_that_holds_much_goes_by_itself() {
    assert_eq!(sent(&[0, 0, LARGEST_HELD, LARGEST_HELD + 1, 0], None).await, [1, 1, 3]);
}

#[tokio::test]
async fn what_a_write_alone_may_escape_has_them_go_one_by_one() {
    let error = |text| TransportError::Authority(WriteError::from_server(ServerError::parse(text)));
    assert_eq!(sent(&[0; 4], Some(error("OOM command not allowed"))).await, [1, 3, 1, 1, 1]);
}
