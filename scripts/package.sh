#!/bin/sh
# Builds the library crates from their packages, as a registry would serve them.
#
# cargo unpacks packages into its home folder and takes what it finds there of the same version, though the files have changed
# since. So this runs with a home of its own inside `target`, which shares the user's downloads by links.
set -eu
cd "$(dirname "$0")/.."

user_home=${CARGO_HOME:-$HOME/.cargo}
own_home=$PWD/target/package-home
packages="rmap-proto rmap-model rmap-core rmap-client rmap-testing"

rm -rf "$own_home"
mkdir -p "$own_home/registry/cache" "$own_home/registry/src"
for file in config config.toml registry/index; do
    [ ! -e "$user_home/$file" ] || ln -s "$user_home/$file" "$own_home/$file"
done
# Folders of packages that were made here begin with a hyphen.
for kind in cache src; do
    for folder in "$user_home/registry/$kind"/[!-]*; do
        [ ! -d "$folder" ] || ln -s "$folder" "$own_home/registry/$kind/"
    done
done

# What was built of an earlier package of the same version would be taken, too.
cargo clean -q -p rmap-proto -p rmap-model -p rmap-core -p rmap-client

chosen=
for package in $packages; do chosen="$chosen -p $package"; done
dirty=
[ -n "${CI:-}" ] || dirty=--allow-dirty
# shellcheck disable=SC2086 # each word is an argument
CARGO_HOME=$own_home cargo package -q --locked $dirty $chosen
