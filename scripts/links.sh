#!/bin/sh
# Fails where a relative link of a Markdown file leads to no file, or to no heading of that file.
set -eu
cd "$(dirname "$0")/.."

find . \( -name target -o -name .git -o -name corpus -o -name node_modules \) -prune -o -name '*.md' -type f -print | sort | awk '
    # The anchor of a heading: small letters, no punctuation, hyphens for blanks; a second heading of the same words gets -1.
    function anchor(text) {
        text = tolower(text)
        # A link in a heading shows its text alone.
        while (match(text, /\]\([^)]*\)/)) text = substr(text, 1, RSTART - 1) substr(text, RSTART + RLENGTH)
        gsub(/[^a-z0-9_ -]/, "", text)
        gsub(/ /, "-", text)
        return text
    }
    function normal(path,    count, parts, kept, depth, at, result) {
        count = split(path, parts, "/")
        depth = 0
        for (at = 1; at <= count; at++) {
            if (parts[at] == "." || parts[at] == "") continue
            if (parts[at] == ".." && depth > 0) { depth--; continue }
            kept[++depth] = parts[at]
        }
        result = "."
        for (at = 1; at <= depth; at++) result = result "/" kept[at]
        return result
    }
    function read_file(file,    line, fenced, number, text, found, folder, target) {
        files[file] = 1
        folder = file; sub(/[^\/]*$/, "", folder)
        fenced = 0; number = 0
        while ((getline line < file) > 0) {
            number++
            if (line ~ /^ *(```|~~~)/) { fenced = !fenced; continue }
            if (fenced) continue
            if (line ~ /^#+ /) {
                text = line; sub(/^#+ +/, "", text); sub(/ +$/, "", text)
                text = anchor(text)
                found = seen[file, text]++
                anchors[file, found ? text "-" found : text] = 1
            }
            # Code in a line is no link.
            gsub(/`[^`]*`/, "", line)
            while (match(line, /\]\([^) ]+/)) {
                target = substr(line, RSTART + 2, RLENGTH - 2)
                line = substr(line, RSTART + RLENGTH)
                if (target ~ /^[a-z]+:/) continue
                links++
                link_file[links] = file; link_line[links] = number; link_target[links] = target; link_folder[links] = folder
            }
        }
        close(file)
    }
    { read_file($0) }
    END {
        for (at = 1; at <= links; at++) {
            target = link_target[at]; heading = ""
            hash = index(target, "#")
            if (hash) { heading = substr(target, hash + 1); target = substr(target, 1, hash - 1) }
            path = target == "" ? link_file[at] : normal(link_folder[at] target)
            place = link_file[at] ":" link_line[at] ": "
            if (system("test -e \"" path "\"") != 0) { print place "no file " link_target[at]; failed = 1 }
            else if (heading != "" && (path in files) && !((path, heading) in anchors)) {
                print place "no heading " link_target[at]; failed = 1
            }
        }
        exit failed
    }
'
