#!/bin/sh
# Tests rmap-client with no feature, with each feature alone, and with all; with the argument `pairs` with each two, too.
set -eu
cd "$(dirname "$0")/.."

features=$(sed -n '/^\[features\]/,/^\[/s/^\([a-z][a-z-]*\) = .*/\1/p' crates/rmap-client/Cargo.toml | grep -v '^default$')

try() {
    echo "== rmap-client with: ${1:-no feature}"
    cargo test -q --locked -p rmap-client --no-default-features --features "$1"
}

try ""
for feature in $features; do try "$feature"; done
if [ "${1:-}" = pairs ]; then
    rest=$features
    for first in $features; do
        rest=$(printf '%s\n' $rest | grep -v "^$first$" || true)
        for second in $rest; do try "$first,$second"; done
    done
fi
try "$(printf '%s' "$features" | paste -sd, -)"
