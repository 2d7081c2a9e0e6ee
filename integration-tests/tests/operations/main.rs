//! Every operation through the API of a map, and the contract of its transport. Each body of the suite runs against a
//! real server and against the server in memory. `real` holds the refusals that only a real server has.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod real;

mod redis {
    use rmap_testing::contract::RedisBackend;

    rmap_testing::contract_tests!(RedisBackend::start());
}

mod memory {
    use rmap_testing::contract::MemoryBackend;

    rmap_testing::contract_tests!(MemoryBackend::default());
}
