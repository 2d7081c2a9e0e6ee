#!/bin/sh
# Installs what the two commands of the README need and the machine lacks: a C linker, a Redis server (7.0 or newer: Debian
# 12, Ubuntu 24.04) and `just`. Packages of the distribution come first, then a prebuilt wheel. It changes nothing else.
set -eu

have() { command -v "$1" >/dev/null 2>&1; }
say() { echo "setup: $*" >&2; }
fail() { say "$*"; exit 1; }

# A compiler without the C library's files cannot link.
links() { echo 'int main(void) { return 0; }' | cc -x c -o /dev/null - >/dev/null 2>&1; }

root=
[ "$(id -u)" -eq 0 ] || root=sudo

apt_updated=
apt_ready() {
    have apt-get || return 1
    [ -z "$root" ] || have sudo || return 1
    if [ -z "$apt_updated" ]; then
        say "reading the distribution's package lists"
        $root apt-get update -qq >&2
        apt_updated=yes
    fi
}

apt() {
    apt_ready || fail "please install $* (no apt-get here, or neither root nor sudo)"
    say "installing $*"
    DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# The folder of cargo is on PATH already, so a link there is found by the next command.
link_just() {
    folder=$(dirname "$(command -v cargo)")
    if [ -w "$folder" ]; then ln -sf "$1" "$folder/just"; else $root ln -sf "$1" /usr/local/bin/just; fi
}

# A prebuilt `just` in an environment of its own: Debian 12 has no package of it, and building it takes ten minutes.
just_from_wheel() {
    home=${XDG_DATA_HOME:-$HOME/.local/share}/rmap-setup
    python3 -c 'import venv, ensurepip' >/dev/null 2>&1 || apt python3-venv
    say "installing just from a prebuilt wheel"
    python3 -m venv "$home" && "$home/bin/python" -m pip install -q rust-just >&2 && link_just "$home/bin/just"
}

install_just() {
    if apt_ready && apt-cache show just >/dev/null 2>&1; then
        apt just
    elif ! just_from_wheel; then
        say "building just from source (about ten minutes on two cores)"
        cargo install --locked just
    fi
    have just || fail "just is installed, but its folder is not on PATH"
}

have cargo || fail "please install Rust first: cargo is not on PATH"
links || apt gcc libc6-dev
have "${RMAP_TEST_SERVER:-redis-server}" || apt redis-server
have just || install_just
say "ready"
