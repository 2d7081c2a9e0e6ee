//! Every line of the traces, with a map of ours in Pulse's place.

use std::time::Duration;

use integration_tests::{Listener, Server, must_end};
use rmap_client::{Client, Map};

use crate::call::{Call, Refusal};
use crate::defects::{Instead, instead};
use crate::raw::{Hash, Raw};
use crate::trace::{Line, Scenario, scenarios};
use crate::{ours, wire};

#[tokio::test(flavor = "multi_thread")]
async fn every_recorded_line_is_what_we_do_but_for_the_defects() {
    let server = Server::start();
    let client = Client::connect(server.url()).await.unwrap();
    for (index, scenario) in scenarios().iter().enumerate() {
        let mut stage = Stage::new(&server, &client, scenario, format!("trace-{index}")).await;
        for line in &scenario.lines {
            must_end(stage.play(line)).await;
        }
    }
}

/// A map, its publications, and its hash.
struct Stage<'a> {
    client: &'a Client,
    scenario: &'a Scenario,
    map: Map,
    raw: Raw,
    listener: Listener,
    /// Difference between our revisions and the recorded ones, once both are known.
    offset: Option<u64>,
}

/// Everything that an operation may change.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    published: Vec<Vec<u8>>,
    hash: Hash,
    ttl: &'static str,
}

impl<'a> Stage<'a> {
    async fn new(server: &Server, client: &'a Client, scenario: &'a Scenario, name: String) -> Self {
        let builder = client.map(&name);
        let builder = match scenario.ttl_option() {
            "none" => builder,
            "absolute 100 s" => builder.ttl(Duration::from_secs(100)),
            "sliding 100 s" => builder.sliding_ttl(Duration::from_secs(100)),
            other => panic!("no such way to join is known: {other}"),
        };
        let map = must_end(builder.join()).await.unwrap();
        let listener = Listener::new(server, map.name().updates_channel());
        Self { client, scenario, map, raw: Raw::new(server, name), listener, offset: None }
    }

    async fn play(&mut self, line: &Line) {
        match (line.op(), line.call()) {
            (_, Some(call)) => self.operation(line, &call).await,
            ("raw HSET behind the map", _) => self.raw.write(line.text("key"), line.text("value")),
            ("second join", _) => self.second_join(line).await,
            ("join", _) => self.join(line).await,
            // `peer_replay` replays the payloads that a Go peer received.
            ("receive", _) => {}
            (other, _) => panic!("line {}: unknown operation {other}", line.number),
        }
    }

    async fn operation(&mut self, line: &Line, call: &Call) {
        if self.scenario.is_about_ttl() {
            self.raw.lower_ttl();
        }
        if self.scenario.closes() && line.number != self.scenario.lines[0].number {
            self.map.close().await;
        }
        match instead(line) {
            None => {
                let recorded = line.ttl();
                self.as_recorded(line, call, recorded).await;
            }
            Some(Instead::KeepsTtl) => {
                assert_eq!(line.ttl(), "about 100 s", "line {}", line.number);
                self.as_recorded(line, call, "about 50 s").await;
            }
            Some(Instead::Refuses(refusal)) => {
                self.refused(line, call, refusal).await;
                self.adopt(line);
            }
            Some(Instead::ItemsAreText) => {
                let Call::Append { items, .. } = call else { panic!("line {}: {call:?}", line.number) };
                assert!(items.iter().any(|item| std::str::from_utf8(item).is_err()));
                self.adopt(line);
            }
            Some(Instead::TestsArePairs) => {
                let Call::TestAndReset { keys, tests } = call else {
                    panic!("line {}: {call:?}", line.number)
                };
                assert_ne!(keys.len(), tests.len());
                assert_eq!(line.outcome(), Err(Refusal::LengthsDiffer));
            }
        }
    }

    async fn as_recorded(&mut self, line: &Line, call: &Call, ttl: &'static str) {
        let born = self.raw.hash().is_empty();
        let outcome = ours::call(&self.map, call).await;
        let recorded = line.outcome().map(crate::call::Outcome::without_absent_lists);
        assert_eq!(outcome, recorded, "line {}", line.number);
        let seen = self.seen(born);
        let expected = Seen { published: line.published(), hash: line.hash(), ttl };
        assert!(seen == expected, "line {}: {seen:?}, recorded {expected:?}", line.number);
    }

    /// Runs an operation that must fail without a trace.
    async fn refused(&mut self, line: &Line, call: &Call, refusal: Refusal) {
        let before = self.seen(false);
        assert_eq!(ours::call(&self.map, call).await, Err(refusal), "line {}", line.number);
        assert_eq!(self.seen(false), Seen { published: Vec::new(), ..before }, "line {}", line.number);
    }

    /// Gives the hash the state in which the next recorded operation starts.
    fn adopt(&mut self, line: &Line) {
        let recorded = line.hash();
        for field in self.raw.hash().keys().filter(|field| !recorded.contains_key(*field)) {
            self.raw.remove(field);
        }
        for (field, value) in recorded {
            let revision = std::str::from_utf8(&value).ok().and_then(|text| text.parse::<u64>().ok());
            match (&field[..], revision) {
                (b"=rev", Some(revision)) => {
                    let revision = revision + self.offset.unwrap();
                    self.raw.write(&field, revision.to_string());
                }
                _ => self.raw.write(&field, &value),
            }
        }
    }

    /// Fields that are no content stay hidden, whether we know them or not.
    async fn second_join(&self, line: &Line) {
        assert_eq!(line.result_field("map"), "map[=epoch:zzz a:1 b:1]", "line {}", line.number);
        let second = self.client.map(self.map.name().as_bytes()).join().await.unwrap();
        let mut keys = second.keys();
        keys.sort();
        assert_eq!(keys, ["a", "b"], "line {}", line.number);
        assert_eq!((second.get("a"), second.get("b")), (Some("1".into()), Some("1".into())));
    }

    async fn join(&self, line: &Line) {
        let name = match &line.text("name")[..] {
            b"513 times n" => b"n".repeat(513),
            name => name.to_vec(),
        };
        let joined = self.client.map(&name).join().await.map_err(|error| ours::refusal(&error));
        let expected = match line.result_text() {
            "ok" => Ok(()),
            error => Err(Refusal::of_pulse(error)),
        };
        assert_eq!(joined.map(drop), expected, "line {}", line.number);
    }

    /// The visible state, in the terms of the traces. `born` is true if the hash did not exist before.
    fn seen(&mut self, born: bool) -> Seen {
        let published = self.listener.take();
        Seen {
            published: published.iter().map(|payload| self.recorded_payload(payload, born)).collect(),
            hash: self.recorded_hash(),
            ttl: self.raw.ttl(),
        }
    }

    /// Our payload with the recorded revision, and without the one expected trailer.
    fn recorded_payload(&mut self, payload: &[u8], born: bool) -> Vec<u8> {
        let message = wire::parse(payload).expect("a Go peer can read it");
        let is_set = matches!(message.event, wire::Event::Set { .. });
        let trailer: &[u8] = if born && is_set { b"RMN\0\0\0\0" } else { b"" };
        assert_eq!(message.trailing, trailer, "behind the revision");
        let offset = *self.offset.get_or_insert_with(|| first_offset(message.revision));
        wire::encode(&message.event, message.revision - offset)
    }

    fn recorded_hash(&mut self) -> Hash {
        let offset = self.offset.unwrap_or_default();
        let mut hash = self.raw.hash();
        if let Some(revision) = hash.get_mut(&b"=rev"[..])
            && let Some(number) = std::str::from_utf8(revision).ok().and_then(|text| text.parse::<u64>().ok())
        {
            *revision = (number - offset).to_string().into_bytes();
        }
        hash
    }
}

/// A hash of Pulse begins at 1, and a hash of ours at the clock. Only the scenario about large revisions has a fixed
/// first revision, equal on both sides.
fn first_offset(first: u64) -> u64 {
    if first == 99_999_999_999_999 { 0 } else { first - 1 }
}
