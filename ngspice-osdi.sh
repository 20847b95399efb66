#!/usr/bin/env bash
# Unpacks an ngspice that loads Verilog-A models (OSDI) into .ngspice-osdi, beside the system's own, which stays as it
# is: the ngspice of the distribution's backports. Where they are is derived from this machine's package sources, and
# nothing of the system is changed; no root needed. The last line it prints is the library's path.
# Does nothing when the library is there already.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

TARGET=$PWD/.ngspice-osdi

fail() {
    printf 'ngspice-osdi: %s\n' "$@" >&2
    exit 1
}

library() {
    find "$TARGET" -name libngspice.so.0 2>/dev/null
}

# This machine's package sources of release $1, its backports in place of it, into folder $2: one-line entries, then
# stanzas.
sources() {
    local suite=$1 entries=/etc/apt/sources.list file
    { cat "$entries" "$entries".d/*.list 2>/dev/null || true; } | awk -v suite="$suite" '
        $1 != "deb" { next }
        { for (i = 2; i <= NF; i++) if ($i == suite) { $i = suite "-backports"; print; next } }
    ' > "$2/backports.list"
    for file in "$entries".d/*.sources; do
        [ -f "$file" ] || continue
        grep -v '^#' "$file" || true
        echo  # two files' stanzas must not run into each other
    done | awk -v suite="$suite" '
        BEGIN { RS = ""; ORS = "\n\n" }
        !/(^|\n)Types:[^\n]*deb( |\n|$)/ || /(^|\n)Enabled: *no/ { next }
        $0 ~ "(^|\n)Suites:([^\n]* )?" suite "( |\n|$)" {
            gsub(/(^|\n)Suites:[^\n]*/, "\nSuites: " suite "-backports")
            sub(/^\n/, "")
            print
        }
    ' > "$2/backports.sources"
    [ -s "$2/backports.list" ] || [ -s "$2/backports.sources" ]
}

unpack() {
    local work=$1 suite apt missing
    suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    mkdir -p "$work"/{sources,lists/partial,cache/archives/partial,root}
    if [ -z "$suite" ] || ! sources "$suite" "$work/sources"; then
        fail "no package source of release ${suite:-unknown} was found;" \
            "install ngspice 46 or later with OSDI, and name its library by NGSPICE_LIBRARY_PATH"
    fi
    apt=(apt-get -q -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/sources"
        -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=)
    echo "ngspice-osdi: fetching ngspice from $suite-backports" >&2
    "${apt[@]}" update >&2 || fail "the package lists of $suite-backports could not be fetched"
    (cd "$work" && "${apt[@]}" download ngspice libngspice0 >&2) || fail "$suite-backports has no ngspice"
    for package in "$work"/*.deb; do dpkg -x "$package" "$work/root"; done
    rm -rf "$work/root/usr/share/doc"
    missing=$(ldd "$(find "$work/root" -name libngspice.so.0)" | awk '/not found/ { print $1 }' | tr '\n' ' ')
    [ -z "$missing" ] || fail "this ngspice needs libraries that are not installed: $missing" \
        "(those of the system's own ngspice serve: apt-get install libngspice0)"
    mv "$work/root" "$TARGET"
}

if [ -z "$(library)" ]; then
    command -v apt-get >/dev/null && command -v dpkg >/dev/null ||
        fail "no apt-get; install ngspice 46 or later with OSDI and name its library by NGSPICE_LIBRARY_PATH"
    rm -rf "$TARGET"
    work=$(mktemp -d "$PWD/.ngspice-osdi.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    unpack "$work"
fi
library
