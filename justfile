# Recipes that developers and CI run alike. `just` lists them.

set shell := ["bash", "-euo", "pipefail", "-c"]

# The oldest Rust that builds the workspace; the same as `rust-version` in Cargo.toml.
msrv := "1.88"

# What is here
default:
    @just --list --unsorted

# Install a Redis server, just and a linker where they are missing
setup:
    sh scripts/setup.sh

# Format, lints, documentation, dependencies, wasm, packages
check: fmt clippy doc deny wasm msrv package

[private]
fmt:
    cargo fmt --all --check

[private]
clippy:
    cargo clippy -q --workspace --all-targets --locked -- -D warnings
    cargo clippy -q -p rmap-client --no-default-features --all-targets --locked -- -D warnings
    cargo clippy -q -p rmap-client -p rmap-cli --all-features --all-targets --locked -- -D warnings

[private]
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc -q --workspace --no-deps --locked

[private]
deny:
    @if command -v cargo-deny >/dev/null; then cargo deny --locked check; else echo "cargo-deny is not installed: dependencies not checked"; fi

# rmap-proto and rmap-core drag in no platform
[private]
wasm:
    @if rustup target list --installed 2>/dev/null | grep -q wasm32-unknown-unknown; then \
        cargo build -q --locked -p rmap-proto -p rmap-core --target wasm32-unknown-unknown; \
    else echo "the target wasm32-unknown-unknown is not installed: not built for it"; fi

[private]
msrv:
    @if rustup toolchain list 2>/dev/null | grep -q '^{{msrv}}'; then \
        cargo +{{msrv}} check -q --workspace --locked --target-dir target/msrv; \
    else echo "Rust {{msrv}} is not installed: not checked with it"; fi

# The library crates as they would be published, built from their packages
package:
    # cargo takes what it unpacked and built of a version before for this one, though the files have changed since.
    rm -rf "${CARGO_HOME:-$HOME/.cargo}"/registry/{cache,src}/-*/rmap-{proto,core,client}-*
    cargo clean -q -p rmap-proto -p rmap-core
    cargo package -q --locked -p rmap-proto -p rmap-core -p rmap-client $([ -n "${CI:-}" ] || echo --allow-dirty)

# Every test: unit, property, doc, simulation, command line, integration on a real server
test:
    @command -v "${RMAP_TEST_SERVER:-redis-server}" >/dev/null || { echo "no ${RMAP_TEST_SERVER:-redis-server} on PATH: install it, or a redis-server with 'just setup'"; exit 1; }
    cargo test -q --workspace --locked
    cargo test -q -p rmap-cli --features tls --test cli --locked tls

# Play fresh histories of the simulation for so many seconds
sim seconds="60":
    RMAP_SIM_SECONDS={{seconds}} cargo test -q --release -p rmap-core --test simulation fresh_seeds -- --nocapture

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

# Coverage-guided inputs, for so many seconds: `notification` (decoders) or `replica` (its inputs); needs nightly, cargo-fuzz
fuzz target seconds="60":
    mkdir -p fuzz/corpus/{{target}}
    cargo +nightly fuzz run --sanitizer none {{target}} fuzz/corpus/{{target}} \
        crates/rmap-{{ if target == "replica" { "core" } else { "proto" } }}/tests/corpus/seeds \
        -- -max_total_time={{seconds}} -max_len=1000
