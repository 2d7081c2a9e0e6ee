#!/bin/sh
# Installs the tools of the gates that `just check` skips where they are missing: cargo-deny, the oldest Rust that builds the
# workspace, and Rust's target wasm32-unknown-unknown.
set -eu

have() { command -v "$1" >/dev/null 2>&1; }
say() { echo "setup-gates: $*" >&2; }

oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$(dirname "$0")/../Cargo.toml")

have rustup || { say "please install rustup first: toolchains and targets come from it"; exit 1; }
rustup target list --installed | grep -q '^wasm32-unknown-unknown$' || {
    say "adding the target wasm32-unknown-unknown"
    rustup target add wasm32-unknown-unknown
}
rustup toolchain list | grep -q "^$oldest" || {
    say "installing Rust $oldest"
    rustup toolchain install --profile minimal "$oldest"
}
have cargo-deny || {
    say "building cargo-deny from source (several minutes)"
    cargo install --locked cargo-deny
}
say "ready"
