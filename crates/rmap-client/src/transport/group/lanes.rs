//! Writes in flight and waiting writes.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmap_proto::{MapName, Ttl, Write, WriteReply};
use tokio::sync::oneshot;

use super::super::TransportError;

/// The outcome of one write.
pub(super) type WriteResult = Result<WriteReply, TransportError>;

/// A write that waits to be sent.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) write: Write,
    bytes: usize,
    pub(super) outcome: oneshot::Sender<WriteResult>,
}

/// Most writes in a group. More of them would make each no cheaper, and the server answers nobody else while it runs
/// a group.
const MOST_WRITES: usize = 32;

/// Most bytes of keys and values in a group, except for a single write that has more.
const MOST_BYTES: usize = 64 << 10;

/// A map and a time to live: writes that agree in both can be sent together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Lane {
    pub(super) map: MapName,
    pub(super) ttl: Ttl,
}

/// The lanes with a write in flight.
#[derive(Debug, Default)]
pub(super) struct Lanes(Mutex<HashMap<Lane, Traffic>>);

/// The traffic of one lane. While a write waits, exactly one task is about to take it.
#[derive(Debug, Default)]
struct Traffic {
    /// Calls, and tasks that will make a call.
    in_flight: usize,
    waiting: VecDeque<Member>,
}

/// The way in which a write is sent.
pub(super) enum Admission {
    /// Alone, at once.
    Alone(Traveller),
    /// In a group. The caller starts `flush`, if there is one.
    Waits { outcome: oneshot::Receiver<WriteResult>, flush: Option<Traveller> },
}

/// A call, or a task that will make one. It counts as in flight until it is dropped.
#[derive(Debug)]
pub(super) struct Traveller {
    lanes: Arc<Lanes>,
    lane: Lane,
    /// True while waiting writes rely on this traveller to take them.
    is_awaited: bool,
}

impl Lanes {
    /// Decides how a write is sent.
    pub(super) fn admit(self: &Arc<Self>, lane: Lane, write: &Write, bytes: usize) -> Admission {
        let mut traffic = self.lock();
        let entry = match traffic.entry(lane.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(Traffic { in_flight: 1, waiting: VecDeque::new() });
                return Admission::Alone(Traveller { lanes: Arc::clone(self), lane, is_awaited: false });
            }
            Entry::Occupied(entry) => entry.into_mut(),
        };
        let (sender, outcome) = oneshot::channel();
        let is_first = entry.waiting.is_empty();
        entry.waiting.push_back(Member { write: write.clone(), bytes, outcome: sender });
        entry.in_flight += usize::from(is_first);
        let flush = is_first.then(|| Traveller { lanes: Arc::clone(self), lane, is_awaited: true });
        Admission::Waits { outcome, flush }
    }

    /// No panic leaves the map half changed, so poisoning is ignored.
    fn lock(&self) -> MutexGuard<'_, HashMap<Lane, Traffic>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Traveller {
    pub(super) const fn lane(&self) -> &Lane {
        &self.lane
    }

    /// Takes the writes of the next group, without those whose callers have gone away, and a traveller for the rest.
    pub(super) fn take(&mut self) -> (Vec<Member>, Option<Self>) {
        let mut lanes = self.lanes.lock();
        let Some(traffic) = lanes.get_mut(&self.lane) else { return (Vec::new(), None) };
        let mut bytes = 0;
        let fits = |member: &&Member| {
            bytes += member.bytes;
            bytes <= MOST_BYTES
        };
        let count = traffic.waiting.iter().take(MOST_WRITES).take_while(fits).count().max(1);
        let count = count.min(traffic.waiting.len());
        let mut members: Vec<_> = traffic.waiting.drain(..count).collect();
        self.is_awaited = false;
        let more = (!traffic.waiting.is_empty()).then(|| {
            traffic.in_flight += 1;
            Self { lanes: Arc::clone(&self.lanes), lane: self.lane.clone(), is_awaited: true }
        });
        drop(lanes);
        members.retain(|member| !member.outcome.is_closed());
        (members, more)
    }
}

impl Drop for Traveller {
    fn drop(&mut self) {
        let mut lanes = self.lanes.lock();
        let Entry::Occupied(mut entry) = lanes.entry(self.lane.clone()) else { return };
        let traffic = entry.get_mut();
        traffic.in_flight -= 1;
        // True only when the task was dropped with its runtime. The end of the channel notifies the callers.
        let abandoned = if self.is_awaited { std::mem::take(&mut traffic.waiting) } else { VecDeque::new() };
        if traffic.in_flight == 0 {
            entry.remove();
        }
        drop(lanes);
        drop(abandoned);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use rmap_proto::{Key, KeyOperation, Operation};

    use super::*;

    fn lane(name: &str) -> Lane {
        Lane { map: MapName::new(name).unwrap(), ttl: Ttl::None }
    }

    fn admit(lanes: &Arc<Lanes>, bytes: usize) -> Admission {
        let operation =
            Operation::Key(KeyOperation::Set { key: Key::new("k").unwrap(), value: Bytes::new() });
        lanes.admit(lane("flags"), &Write::new(operation, Ttl::None), bytes)
    }

    fn alone(admission: Admission) -> Traveller {
        let Admission::Alone(in_flight) = admission else { panic!("it waits") };
        in_flight
    }

    fn waits(admission: Admission) -> (oneshot::Receiver<WriteResult>, Option<Traveller>) {
        let Admission::Waits { outcome, flush } = admission else { panic!("it goes alone") };
        (outcome, flush)
    }

    #[test]
    fn the_first_goes_alone_and_the_second_has_all_others_taken() {
        let lanes = Arc::new(Lanes::default());
        let first = alone(admit(&lanes, 1));
        let other = lanes.admit(lane("other"), &Write::new(Operation::Reset, Ttl::None), 1);
        drop(alone(other));
        let (_second, flush) = waits(admit(&lanes, 1));
        let mut flush = flush.unwrap();
        let (_third, none) = waits(admit(&lanes, 1));
        assert!(none.is_none());
        // Waiting writes do not depend on it.
        drop(first);
        let (members, more) = flush.take();
        assert_eq!((members.len(), more.is_none()), (2, true));
        // A group is in flight.
        let (_fourth, flush_again) = waits(admit(&lanes, 1));
        drop((flush, flush_again));
        assert!(lanes.lock().is_empty());
        drop(alone(admit(&lanes, 1)));
        assert!(lanes.lock().is_empty());
    }

    #[test]
    fn a_group_has_bounds_and_the_rest_goes_in_the_next() {
        let lanes = Arc::new(Lanes::default());
        let _first = alone(admit(&lanes, 1));
        let sizes = [[1; MOST_WRITES].as_slice(), &[MOST_BYTES + 1, MOST_BYTES, 1, 1]].concat();
        let mut flush = None;
        let mut waiting = Vec::new();
        for size in sizes {
            let (outcome, first) = waits(admit(&lanes, size));
            waiting.push(outcome);
            flush = flush.or(first);
        }
        for expected in [MOST_WRITES, 1, 1, 2] {
            let (members, more) = flush.unwrap().take();
            assert_eq!(members.len(), expected);
            flush = more;
        }
        assert!(flush.is_none());
    }

    #[test]
    fn who_went_away_is_left_out() {
        let lanes = Arc::new(Lanes::default());
        let _first = alone(admit(&lanes, 1));
        let (gone, flush) = waits(admit(&lanes, 1));
        let (_stays, _) = waits(admit(&lanes, 1));
        drop(gone);
        assert_eq!(flush.unwrap().take().0.len(), 1);
    }

    #[test]
    fn a_task_that_is_dropped_leaves_nobody_waiting() {
        let lanes = Arc::new(Lanes::default());
        let first = alone(admit(&lanes, 1));
        let (mut outcome, flush) = waits(admit(&lanes, 1));
        drop(flush);
        assert_eq!(outcome.try_recv().unwrap_err(), oneshot::error::TryRecvError::Closed);
        // The next write gets a task of its own again.
        assert!(waits(admit(&lanes, 1)).1.is_some());
        drop(first);
        assert!(lanes.lock().is_empty());
    }
}
