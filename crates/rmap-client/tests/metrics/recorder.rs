//! A recorder that remembers everything, and a client whose transport groups writes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, SharedString, Unit};
use rmap_client::proto::{MapName, Read, ReadReply, Write, WriteReply};
use rmap_client::transport::memory::MemoryTransport;
use rmap_client::transport::{BoxFuture, CheckError, Event, GroupStats, Transport, TransportError};
use rmap_client::{Client, MemoryServer, Reason};

type Descriptions = BTreeMap<String, (String, String)>;

/// Keeps descriptions, and every series under its name and labels.
#[derive(Default)]
pub(crate) struct Recorder {
    described: Mutex<Descriptions>,
    series: Mutex<BTreeMap<Key, Series>>,
}

#[derive(Clone)]
enum Series {
    Counter(Arc<AtomicU64>),
    Gauge(Arc<AtomicU64>),
}

impl Recorder {
    /// Kind and unit of each name.
    pub(crate) fn described(&self) -> Descriptions {
        self.described.lock().unwrap().clone()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.series.lock().unwrap().keys().map(|key| key.name().to_owned()).collect()
    }

    /// The names of the labels of each series of a metric.
    pub(crate) fn series(&self, name: &str) -> Vec<Vec<String>> {
        let series = self.series.lock().unwrap();
        let of_name = series.keys().filter(|key| key.name() == name);
        of_name.map(|key| key.labels().map(|label| label.key().to_owned()).collect()).collect()
    }

    /// The value of the series with these values of labels; -1 when there is none.
    pub(crate) fn value(&self, name: &str, labels: &[&str]) -> f64 {
        let series = self.series.lock().unwrap();
        let mut found = series.iter().filter(|(key, _)| {
            key.name() == name && key.labels().map(metrics::Label::value).eq(labels.iter().copied())
        });
        match found.next() {
            None => -1.0,
            Some((_, Series::Counter(count))) => count.load(Ordering::Relaxed) as f64,
            Some((_, Series::Gauge(bits))) => f64::from_bits(bits.load(Ordering::Relaxed)),
        }
    }

    fn describe(&self, name: &KeyName, kind: &str, unit: Option<Unit>) {
        let unit = match unit {
            Some(Unit::Seconds) => "s",
            Some(Unit::Bytes) => "By",
            _ => "",
        };
        let described = (kind.to_owned(), unit.to_owned());
        self.described.lock().unwrap().insert(name.as_str().to_owned(), described);
    }
}

impl metrics::Recorder for Recorder {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
        self.describe(&name, "counter", unit);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
        self.describe(&name, "gauge", unit);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
        self.describe(&name, "histogram", unit);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let mut series = self.series.lock().unwrap();
        let entry = series.entry(key.clone()).or_insert_with(|| Series::Counter(Arc::default()));
        let Series::Counter(count) = entry else { panic!("{key} is no counter") };
        Counter::from_arc(Arc::clone(count))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let mut series = self.series.lock().unwrap();
        let entry = series.entry(key.clone()).or_insert_with(|| Series::Gauge(Arc::default()));
        let Series::Gauge(bits) = entry else { panic!("{key} is no gauge") };
        Gauge::from_arc(Arc::clone(bits))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        panic!("{key}: there is no histogram")
    }
}

/// A client in memory whose transport says that it groups writes.
pub(crate) fn grouping_client() -> Client {
    Client::with_transport(Arc::new(Grouping(MemoryServer::new().transport())))
}

#[derive(Debug)]
struct Grouping(Arc<MemoryTransport>);

impl Transport for Grouping {
    fn write(
        self: Arc<Self>,
        map: MapName,
        write: Write,
    ) -> BoxFuture<'static, Result<WriteReply, TransportError>> {
        Arc::clone(&self.0).write(map, write)
    }

    fn read<'a>(
        &'a self,
        map: &'a MapName,
        read: &'a Read,
    ) -> BoxFuture<'a, Result<ReadReply, TransportError>> {
        self.0.read(map, read)
    }

    fn check<'a>(&'a self, map: &'a MapName) -> BoxFuture<'a, Result<(), CheckError>> {
        self.0.check(map)
    }

    fn subscribe<'a>(&'a self, channels: &'a [Bytes]) -> BoxFuture<'a, Result<(), TransportError>> {
        self.0.subscribe(channels)
    }

    fn unsubscribe<'a>(&'a self, channels: &'a [Bytes]) -> BoxFuture<'a, Result<(), TransportError>> {
        self.0.unsubscribe(channels)
    }

    fn next_event(&self) -> BoxFuture<'_, Event> {
        self.0.next_event()
    }

    fn groups(&self) -> Option<GroupStats> {
        Some(GroupStats::default())
    }

    fn replace_connections(&self, connection: u64, reason: &Reason) -> BoxFuture<'_, ()> {
        self.0.replace_connections(connection, reason)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.0.close()
    }
}
