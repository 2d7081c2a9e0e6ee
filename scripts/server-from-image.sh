#!/bin/sh
# Copies the server program out of a container image, for tests on versions that the distribution does not have:
# sh scripts/server-from-image.sh valkey/valkey:9 valkey-server FOLDER
set -eu
image=$1 program=$2 folder=$3
container=$(docker create "$image")
trap 'docker rm -f "$container" >/dev/null' EXIT
mkdir -p "$folder"
docker cp -L "$container:/usr/local/bin/$program" "$folder/$program"
"$folder/$program" --version
