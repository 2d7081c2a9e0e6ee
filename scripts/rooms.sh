#!/bin/sh
# Fails where a file outside of `transport/redis/fred` names the library fred: everything else of the Redis transport stays as
# it is with another library. A path through that room (`super::fred::...`) is none of the library's.
set -eu
cd "$(dirname "$0")/.."

room='^crates/rmap-client/src/transport/redis/fred(\.rs|/)'
if grep -rnE '(^|[^:[:alnum:]_])(::)?fred::' crates --include='*.rs' | grep -vE "$room" | grep -vE '^[^:]*:[0-9]+: *//'; then
    echo "only transport/redis/fred names fred" >&2
    exit 1
fi
