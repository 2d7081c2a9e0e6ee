#!/bin/sh
# Installs what the tests need and the machine lacks: a Redis server (7.0 or newer: Debian 12, Ubuntu 24.04), `just`, a C
# linker, and Rust's target for `just check`. It changes nothing else.
set -eu

have() { command -v "$1" >/dev/null 2>&1; }

# A compiler without the C library's files cannot link.
links() { echo 'int main(void) { return 0; }' | cc -x c -o /dev/null - >/dev/null 2>&1; }

root=
[ "$(id -u)" -eq 0 ] || root=sudo

apt_updated=
apt() {
    have apt-get || { echo "setup: please install $* (no apt-get here to do it)" >&2; exit 1; }
    [ -z "$root" ] || have sudo || { echo "setup: please install $* (neither root nor sudo here)" >&2; exit 1; }
    [ -n "$apt_updated" ] || $root apt-get update -qq >&2
    apt_updated=yes
    DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends "$@" >&2
}

have cargo || { echo "setup: please install Rust first: cargo is not on PATH" >&2; exit 1; }
links || apt gcc libc6-dev
have "${RMAP_TEST_SERVER:-redis-server}" || apt redis-server

if ! have just; then
    pip install -q rust-just >/dev/null 2>&1 || cargo install -q --locked just
    have just || { echo "setup: just is installed, but its folder is not on PATH (usually ~/.local/bin or ~/.cargo/bin)" >&2; exit 1; }
fi

# For `just check`: proto and core are built for it where it can be had.
if have rustup; then
    rustup target add wasm32-unknown-unknown >/dev/null 2>&1 || true
fi
