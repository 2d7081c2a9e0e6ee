# Recipes that developers and CI run alike. `just` lists them.

set shell := ["bash", "-euo", "pipefail", "-c"]

# The oldest Rust that builds the workspace; the same as `rust-version` in Cargo.toml.
msrv := "1.88"

# Most tests wait for a server or a clock, so at least six run at once.
test_threads := `n=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $((n > 6 ? n : 6))`

# What is here
default:
    @just --list --unsorted

# Install what the tests need: a linker, a Redis server, just
setup:
    sh scripts/setup.sh

# Install the tools of the gates that `check` would leave out: cargo-deny, the oldest Rust, wasm32
setup-gates:
    sh scripts/setup-gates.sh

# Format, wildcards, circles, rooms, links, lints, documentation, dependencies, wasm, oldest Rust, packages; RMAP_GATES=all fails where a tool is missing
check: gates-begin fmt wildcards circles rooms links clippy doc deny wasm msrv package gates-end

[private]
gates-begin:
    @mkdir -p target && rm -f target/gates-left-out

# A gate whose tool is missing: a failure where all are asked for, otherwise named at the end of `check`.
[private]
gate-left-out name why:
    @if [ "${RMAP_GATES:-}" = all ]; then echo "gate {{name}}: {{why}}; RMAP_GATES=all asks for every gate" >&2; exit 1; fi
    @echo "{{name}} ({{why}})" >> target/gates-left-out

[private]
gates-end:
    @if [ -s target/gates-left-out ]; then \
        echo "check passed; gates that did not run: $(paste -sd, target/gates-left-out | sed 's/,/, /g'). 'just setup-gates' installs their tools."; \
    else echo "check passed; every gate ran"; fi

[private]
fmt:
    cargo fmt --all --check

[private]
wildcards:
    sh scripts/wildcards.sh

[private]
circles:
    sh scripts/circles.sh

[private]
rooms:
    sh scripts/rooms.sh

[private]
links:
    sh scripts/links.sh

[private]
clippy:
    cargo clippy -q --workspace --all-targets --locked -- -D warnings
    cargo clippy -q -p rmap-client --no-default-features --all-targets --locked -- -D warnings
    cargo clippy -q -p rmap-client -p rmap-cli --all-features --all-targets --locked -- -D warnings
    RUSTFLAGS="--cfg shuttle" CARGO_TARGET_DIR=target/shuttle \
        cargo clippy -q -p rmap-core -p rmap-client --no-default-features --tests --locked -- -D warnings

[private]
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc -q --workspace --no-deps --locked

# Advisories are fetched from the network, so they are checked where all gates are asked for.
[private]
deny:
    @if command -v cargo-deny >/dev/null; then \
        cargo deny --locked check bans licenses sources $([ "${RMAP_GATES:-}" != all ] || echo advisories); \
    else just gate-left-out deny "cargo-deny is not installed"; fi

# rmap-proto, rmap-model and rmap-core drag in no platform
[private]
wasm:
    @if rustup target list --installed 2>/dev/null | grep -q wasm32-unknown-unknown; then \
        cargo build -q --locked -p rmap-proto -p rmap-model -p rmap-core --target wasm32-unknown-unknown; \
    else just gate-left-out wasm "the target wasm32-unknown-unknown is not installed"; fi

[private]
msrv:
    @if rustup toolchain list 2>/dev/null | grep -q '^{{msrv}}'; then \
        cargo +{{msrv}} check -q --workspace --locked --target-dir target/msrv; \
    else just gate-left-out msrv "Rust {{msrv}} is not installed"; fi

# The library crates as they would be published, built from their packages
package:
    sh scripts/package.sh

# Every test: unit, property, doc, simulation, command line, integration on a real server
test:
    @command -v "${RMAP_TEST_SERVER:-redis-server}" >/dev/null || { echo "no ${RMAP_TEST_SERVER:-redis-server} on PATH: install it, or a redis-server with 'just setup'"; exit 1; }
    @# The example `flags` enables the feature `metrics` of rmap-client, whose tests run here, too.
    RUST_TEST_THREADS="${RUST_TEST_THREADS:-{{test_threads}}}" cargo test -q --workspace --locked
    cargo test -q -p rmap-cli --features tls --test cli --locked tls
    just interleavings

# Test the client with no feature, each alone, and all; `pairs` adds each two
features how="":
    sh scripts/features.sh {{how}}

# Play fresh histories of the simulation for so many seconds
sim seconds="60":
    RMAP_SIM_SECONDS={{seconds}} cargo test -q --release -p rmap-core --test simulation fresh_seeds -- --nocapture

# Threads of the content, the feeds, inboxes and watches in so many orders, at random and by PCT, for each test
interleavings orders="1000" seed="1":
    RMAP_ORDERS={{orders}} RMAP_ORDERS_SEED={{seed}} RUSTFLAGS="--cfg shuttle" CARGO_TARGET_DIR=target/shuttle \
        cargo test -q --lib --no-default-features --locked -p rmap-core -p rmap-client interleavings

# Measure everything beside what it is compared with; the rounds go to target/bench
bench:
    cargo build -q --release --locked -p rmap-bench
    rm -rf target/bench
    target/release/bench-memory
    target/release/bench-core
    target/release/bench-content
    target/release/bench-redis

# Hold the last run against the stored baseline: `fresh` measures first, `store` makes the last run the baseline
bench-compare what="last":
    @if [ "{{what}}" = fresh ] || ! ls target/bench/*.json >/dev/null 2>&1; then just bench; fi
    cargo run -q --release --locked -p rmap-bench --bin bench-compare -- {{what}}

# Write the figures of the last run into docs/performance.md, and the pictures
bench-report:
    cargo run -q --release --locked -p rmap-bench --bin bench-report
    cargo run -q --release --locked -p rmap-bench --bin bench-plot

# The main job on a private server, faults included
demo:
    cargo run --release -p rmap-cli -- demo

# What CI runs
ci: check test

# Several clients on a real server and all faults at random, for so many seconds
chaos seconds="600":
    RMAP_CHAOS_SECONDS={{seconds}} cargo test -q --release -p integration-tests --test chaos -- --nocapture

# Kill a process that writes its store, and one that has a map with a store, at random moments, for so many seconds each
kills seconds="3600":
    RMAP_STORE_SECONDS={{seconds}} cargo test -q --release -p rmap-client --lib --locked store::tests::killed -- --nocapture
    RMAP_STORE_SECONDS={{seconds}} cargo test -q --release -p integration-tests --test large --locked killed -- --nocapture

# Coverage-guided inputs, for so many seconds: `notification` (decoders), `replica` (its inputs) or `store` (its format); needs nightly, cargo-fuzz
fuzz target seconds="60":
    mkdir -p fuzz/corpus/{{target}}
    cargo +nightly fuzz run --sanitizer none {{target}} fuzz/corpus/{{target}} \
        crates/{{ if target == "store" { "rmap-core/tests/store" } else if target == "replica" { "rmap-core/tests/corpus" } else { "rmap-proto/tests/corpus" } }}/seeds \
        -- -max_total_time={{seconds}} -max_len=1000
