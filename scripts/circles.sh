#!/bin/sh
# Fails where files of a crate name each other in a circle: `crates/*/src`.
#
# A file names another one by a path that begins with `crate::`, `super::`, `self::` or one of its own child modules; each path
# counts for the deepest module in it. A name that a module re-exports (`pub use`, with whatever visibility) counts for the file
# that it comes from. Four things are no naming:
# - a declaration `mod child;` and a re-export that the file itself does not use, by which a parent shows what its
#   children have;
# - what a child names of its parent where it holds methods of a type of the parent (`impl Type`): the parent is in several files;
# - what stands in comments and in `#[cfg(test)] mod tests` at the end of a file;
# - files of tests: `tests.rs`, `tests/` and `interleavings`.
#
# `circles.sh -v` prints every naming.
set -eu
cd "$(dirname "$0")/.."

for crate in crates/*/; do
    find "${crate}src" -name '*.rs' | grep -vE '/(tests|interleavings)(\.rs|/)' | sort | perl -e '
use strict; use warnings;
my ($src, $verbose) = @ARGV;
my (%text, %file, %children, %exports, %names);
while (my $path = <STDIN>) {
    chomp $path;
    (my $module = $path) =~ s{^\Q$src\E/}{};
    $module =~ s{\.rs$}{};
    $module =~ s{/mod$}{};
    $module = ($module eq "lib" or $module eq "main") ? "crate" : "crate::" . join("::", split m{/}, $module);
    open my $in, "<", $path or die "$path: $!";
    local $/;
    my $code = <$in>;
    $code =~ s{//[^\n]*}{}g;
    $code =~ s{"(?:\\.|[^"\\])*"}{""}gs;
    $code =~ s{\n#\[cfg\((?:all\()?test\b[^\n]*\n(?:#\[[^\n]*\n)*mod \w+ \{.*}{\n}s;
    ($text{$module}, $file{$module}) = ($code, $path);
}
# use a::{b, c::{d as e}} as a list of [path, name]
sub leaves {
    my ($prefix, $tree) = @_;
    $tree =~ s/^\s+|\s+$//g;
    if ($tree =~ /^([^{}]*)\{(.*)\}$/s) {
        my ($head, $body, $depth, $part, @parts) = ($1, $2, 0, "");
        for my $c (split //, $body) {
            $depth++ if $c eq "{"; $depth-- if $c eq "}";
            if ($c eq "," and !$depth) { push @parts, $part; $part = "" } else { $part .= $c }
        }
        push @parts, $part;
        return map { leaves($prefix . $head, $_) } grep { /\S/ } @parts;
    }
    my ($path, $name) = $tree =~ /^(.*?)(?:\s+as\s+(\w+))?$/s;
    $path = $prefix . $path;
    $path =~ s/\s+//g;
    $path =~ s/::self$//;
    ($name) = $path =~ /(\w+|\*)$/ unless defined $name;
    return [$path, $name];
}
# A path as it reads from the root of the crate; undef where it leads out of the crate.
sub absolute {
    my ($module, $path) = @_;
    my @at = split /::/, $module;
    my @path = split /::/, $path;
    if ($path[0] eq "crate") { @at = () }
    elsif ($path[0] eq "self") { shift @path }
    elsif ($path[0] eq "super") { while (@path and $path[0] eq "super") { shift @path; pop @at } }
    elsif (exists $text{"$module\::$path[0]"}) { }
    else { return undef }
    return join "::", @at, @path;
}
# The module that a path counts for, re-exports followed.
sub target {
    my ($path) = @_;
    for (1 .. 20) {
        my @parts = split /::/, $path;
        my $module = shift @parts;
        while (@parts and exists $text{"$module\::$parts[0]"}) { $module .= "::" . shift @parts }
        return $module unless @parts;
        my $from = $exports{$module}{$parts[0]};
        return $module unless defined $from;
        shift @parts;
        $path = join "::", $from, @parts;
    }
    return undef;
}
# Whether a file uses a name that it re-exports: a type anywhere, a function where it is called.
sub is_used {
    my ($name, $code) = @_;
    return 0 if $name eq "*";
    return $name =~ /^[a-z]/ ? $code =~ /(?<![\w:.])(?<!fn )$name\(/ : $code =~ /(?<![\w:])$name\b/;
}
for my $module (keys %text) {
    while ($text{$module} =~ /\bpub(?:\([^)]*\))?\s+use\s+([^;]+);/g) {
        for my $leaf (leaves("", $1)) {
            my $from = absolute($module, $leaf->[0]);
            $exports{$module}{$leaf->[1]} = $from if defined $from and $leaf->[1] ne "*";
        }
    }
}
for my $module (keys %text) {
    my $code = $text{$module};
    my @shown;
    $code =~ s/\bpub(?:\([^)]*\))?\s+use\s+([^;]+);/push @shown, leaves("", $1); ""/ge;
    $code =~ s/\bpub\(in [^)]*\)//g;
    my @paths = map { $_->[0] } grep { is_used($_->[1], $code) } @shown;
    my (%bound, %spread);
    $code =~ s/\buse\s+([^;]+);/push @paths, map { $bound{$_->[1]} = $_->[0]; $_->[0] } leaves("", $1); ""/ge;
    while ($code =~ /^impl(?:<[^>]*>)?\s+((?:\w+::)*\w+)(?:<[^{]*)?\s*\{/gm) {
        my $absolute = absolute($module, $bound{$1} // $1);
        my $target = defined $absolute ? target($absolute) : undef;
        $spread{$target} = 1 if defined $target and index($module, "$target\::") == 0;
    }
    push @paths, $1 while $code =~ /(?<![\w:])((?:\w+::)+\w+)/g;
    for my $path (@paths) {
        my $absolute = absolute($module, $path);
        next unless defined $absolute;
        my $target = target($absolute);
        next unless defined $target and exists $text{$target} and $target ne $module and !$spread{$target};
        $names{$module}{$target} = $path;
    }
}
if ($verbose) {
    for my $module (sort keys %names) { print "$module -> $_ ($names{$module}{$_})\n" for sort keys %{$names{$module}} }
}
# Strongly connected components (Tarjan).
my ($count, @stack, %index, %low, %on, $found) = (0);
sub visit {
    my ($module) = @_;
    $index{$module} = $low{$module} = $count++;
    push @stack, $module; $on{$module} = 1;
    for my $next (sort keys %{$names{$module} || {}}) {
        if (!defined $index{$next}) { visit($next); $low{$module} = $low{$next} if $low{$next} < $low{$module} }
        elsif ($on{$next}) { $low{$module} = $index{$next} if $index{$next} < $low{$module} }
    }
    return if $low{$module} != $index{$module};
    my @circle;
    do { push @circle, pop @stack; $on{$circle[-1]} = 0 } until $circle[-1] eq $module;
    return if @circle < 2;
    $found = 1;
    my %in = map { $_ => 1 } @circle;
    print "files name each other in a circle:\n";
    for my $from (sort @circle) {
        print "  $file{$from} names $file{$_} ($names{$from}{$_})\n" for grep { $in{$_} } sort keys %{$names{$from}};
    }
}
no warnings "recursion";
defined $index{$_} or visit($_) for sort keys %text;
exit($found ? 1 : 0);
' "${crate}src" "${1:-}" || failed=1
done
exit "${failed:-0}"
