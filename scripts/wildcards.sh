#!/bin/sh
# Fails where a pattern of alternatives ends in a wildcard: `A | B | _`.
#
# clippy::wildcard_enum_match_arm does not look into such a pattern, so a new variant would fall under it unseen. Where an enum
# of another crate is non-exhaustive, the `_` is an arm of its own after all variants, which clippy watches.
set -eu
cd "$(dirname "$0")/.."

# A closure begins with the same characters; before it stands no end of a pattern.
pattern='(?<!\bmove)(?<!\basync)(?<!\breturn)(?<=[\w)\]}"'"'"'>])\s*\|\s*_\s*(?:=>|\bif\b|[,)\]}])'
find benches crates examples fuzz integration-tests -name target -prune -o -name '*.rs' -print | sort | xargs perl -0777 -ne '
    BEGIN { $pattern = shift @ARGV }
    # Comments keep their lines, so that the numbers stay right.
    s{//[^\n]*}{}g;
    while (/$pattern/g) {
        my $line = 1 + (substr($_, 0, $+[0]) =~ tr/\n//);
        print "$ARGV:$line: a pattern of alternatives ends in `_`; give `_` an arm of its own\n";
        $found = 1;
    }
    END { exit($found ? 1 : 0) }
' "$pattern"
