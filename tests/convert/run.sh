#!/bin/bash
# tests/convert/run.sh BINARY: every unit and init script of the Debian packages in tests/convert/packages, converted. What
# of them is needed is kept below build/convert/, so that only the first run needs the network; without it (and without
# that) nothing can be converted, and the run says that it was skipped. Prints `ok - …` and `not ok - …` lines and, last,
# `N passed, N failed`.
set -euo pipefail
[ $# = 1 ] || { echo "usage: tests/convert/run.sh BINARY" >&2; exit 2; }
binary=$(readlink -f "$1")
here=$(dirname "$(readlink -f "$0")")
cache=$here/../../build/convert
mapfile -t packages <"$here/packages"
began=$SECONDS

# fetch: the packages, unpacked as far as units and scripts go, into a directory that is complete or not there.
fetch() {
    local scratch
    mkdir -p "$cache"
    scratch=$(mktemp -d "$cache/fetch.XXXXXX")
    (cd "$scratch" && mkdir debs root && cd debs && apt-get -qq -o Acquire::Retries=2 download "${packages[@]}" 2>&1) ||
        { rm -rf "$scratch"; return 1; }
    for deb in "$scratch"/debs/*.deb; do
        dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$scratch/root" --wildcards --no-same-owner \
            './lib/systemd/system/*' './usr/lib/systemd/system/*' './etc/init.d/*' './etc/default/*' 2>/dev/null || true
    done
    cp "$here/packages" "$scratch/root/packages"
    rm -rf "$cache/root"
    mv "$scratch/root" "$cache/root"
    rm -rf "$scratch"
}

if ! cmp -s "$here/packages" "$cache/root/packages"; then
    if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null || ! fetch; then
        echo "# SKIPPED: the packages of tests/convert/packages could not be downloaded (no network?), and are not in $cache"
        echo "ok - conversion of Debian packages: skipped, nothing was converted"
        echo "1 passed, 0 failed"
        exit 0
    fi
    echo "# fetched ${#packages[@]} packages in $((SECONDS - began)) s"
fi
exec python3 -B "$here/check.py" "$binary" "$cache/root"
