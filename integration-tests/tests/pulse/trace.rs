//! The recorded traces, line by line.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::call::{Call, Outcome, Refusal};

const TRACES: &str = include_str!("../../testdata/pulse-traces.jsonl");

/// One line of the traces.
#[derive(Debug)]
pub(crate) struct Line {
    /// Number of the line, counted from 1.
    pub(crate) number: usize,
    json: Value,
}

/// Consecutive lines about one map.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) lines: Vec<Line>,
}

impl Scenario {
    /// The option for the time to live at the join.
    pub(crate) fn ttl_option(&self) -> &str {
        self.lines.iter().find_map(|line| line.json["ttl_option"].as_str()).unwrap_or("none")
    }

    /// True if the scenario lowers the remaining time to live to 50 s before its operations.
    pub(crate) fn is_about_ttl(&self) -> bool {
        self.ttl_option() != "none"
    }

    /// True if the map is closed after the first operation.
    pub(crate) fn closes(&self) -> bool {
        self.name == "after close"
    }
}

/// All scenarios, in order.
pub(crate) fn scenarios() -> Vec<Scenario> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    for (index, text) in TRACES.lines().enumerate() {
        let line = Line { number: index + 1, json: serde_json::from_str(text).unwrap() };
        let name = line.json["scenario"].as_str().unwrap();
        match scenarios.last_mut() {
            Some(scenario) if scenario.name == name => scenario.lines.push(line),
            _ => scenarios.push(Scenario { name: name.to_owned(), lines: vec![line] }),
        }
    }
    scenarios
}

impl Line {
    pub(crate) fn op(&self) -> &str {
        self.json["op"].as_str().unwrap()
    }

    /// The recorded defect, which we must not reproduce.
    pub(crate) fn defect(&self) -> Option<&str> {
        self.json.get("defect").map(|text| text.as_str().unwrap())
    }

    pub(crate) fn text(&self, argument: &str) -> Vec<u8> {
        bytes(&self.json["args"][argument])
    }

    fn texts(&self, argument: &str) -> Vec<Vec<u8>> {
        list(&self.json["args"][argument]).unwrap_or_default()
    }

    /// The operation, or `None` if the line records something else.
    pub(crate) fn call(&self) -> Option<Call> {
        let (key, value, test) = (|| self.text("key"), || self.text("value"), || self.text("test"));
        let items = || self.texts("items");
        Some(match self.op() {
            "set" => Call::Set { key: key(), value: value() },
            "set_if_not_exists" => Call::SetIfNotExists { key: key(), value: value() },
            "test_and_set" => Call::TestAndSet { key: key(), test: test(), value: value() },
            "delete" => Call::Delete { key: key() },
            "test_and_delete" => Call::TestAndDelete { key: key(), test: test() },
            "inc" => Call::Inc { key: key(), delta: decimal(&self.json["args"]["delta"]) },
            "append_values" => Call::Append { key: key(), items: items() },
            "append_unique_values" => Call::AppendUnique { key: key(), items: items() },
            "remove_values" => Call::Remove { key: key(), items: items() },
            "reset" => Call::Reset,
            "destroy" => Call::Destroy,
            "test_and_reset" => Call::TestAndReset { keys: self.texts("keys"), tests: self.texts("tests") },
            _ => return None,
        })
    }

    /// The recorded result of the operation.
    pub(crate) fn outcome(&self) -> Result<Outcome, Refusal> {
        if let Some(error) = self.json.get("error") {
            return Err(Refusal::of_pulse(error.as_str().unwrap()));
        }
        let result = &self.json["result"];
        let flag = |name: &str| result[name].as_bool().unwrap();
        let previous = || flag("existed").then(|| bytes(&result["previous"]));
        Ok(match self.op() {
            "set" | "delete" => Outcome::Previous(previous()),
            "set_if_not_exists" => Outcome::Applied(flag("set")),
            "test_and_set" => Outcome::Attempt { previous: previous(), applied: flag("updated") },
            "test_and_delete" => Outcome::Attempt { previous: previous(), applied: flag("deleted") },
            "test_and_reset" => Outcome::Applied(flag("cleared")),
            "inc" => Outcome::Sum(decimal(&result["value"])),
            "append_values" | "append_unique_values" => Outcome::List(list(&result["values"])),
            "remove_values" => Outcome::Removed { list: list(&result["values"]), removed: flag("removed") },
            "reset" | "destroy" => Outcome::Done,
            other => panic!("line {}: no result is known for {other}", self.number),
        })
    }

    /// A result that is one text.
    pub(crate) fn result_text(&self) -> &str {
        self.json["result"].as_str().unwrap()
    }

    /// A field of a result of another line than an operation.
    pub(crate) fn result_field(&self, name: &str) -> &Value {
        &self.json["result"][name]
    }

    /// The payload of a `receive`.
    pub(crate) fn payload(&self) -> Vec<u8> {
        match self.json["payload"].as_str() {
            Some(hex) => unhex(hex),
            None => self.json["payload_text"].as_str().unwrap().into(),
        }
    }

    /// The payloads that appeared on the map's channel.
    pub(crate) fn published(&self) -> Vec<Vec<u8>> {
        let payloads = self.json["published"].as_array().unwrap();
        payloads.iter().map(|payload| payload.as_str().map_or_else(|| bytes(payload), unhex)).collect()
    }

    /// The fields of the hash afterwards.
    pub(crate) fn hash(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let fields = self.json["hash"].as_array().unwrap();
        fields.iter().map(|field| (bytes(&field[0]), bytes(&field[1]))).collect()
    }

    /// The class of the time to live afterwards.
    pub(crate) fn ttl(&self) -> &'static str {
        let known = ["no hash", "none", "about 50 s", "about 100 s"];
        known.into_iter().find(|text| self.json["ttl"] == *text).expect("a time to live that is known")
    }
}

fn decimal(text: &Value) -> i64 {
    text.as_str().unwrap().parse().unwrap()
}

fn list(texts: &Value) -> Option<Vec<Vec<u8>>> {
    Some(texts.as_array()?.iter().map(bytes).collect())
}

fn bytes(text: &Value) -> Vec<u8> {
    if let Some(plain) = text.as_str() {
        plain.into()
    } else if let Some(hex) = text["hex"].as_str() {
        unhex(hex)
    } else {
        long(text["sha256"].as_str().unwrap())
    }
}

pub(crate) fn unhex(digits: &str) -> Vec<u8> {
    let pair = |index| u8::from_str_radix(&digits[index..index + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(pair).collect()
}

/// The two texts that the traces replace by their digests: the one long value, and its notification.
fn long(digest: &str) -> Vec<u8> {
    let value = b"0123456789".repeat(10_240);
    match digest {
        "0ffacb62393405064e9953d0bf88553e0f6e04e7368455f8a697897efcc6de10" => value,
        "6c1d56fd9d99ebe9632a04fba703a7bcfdfdf5738f585c03ff36c61903b91644" => {
            [b"set:\x04\0\0\0long\x00\x90\x01\x00", &value[..], b"\x02\0\0\x0010"].concat()
        }
        _ => panic!("no text is known with the digest {digest}"),
    }
}
