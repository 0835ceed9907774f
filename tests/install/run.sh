#!/bin/bash
# tests/install/run.sh BINARY: what `cmake --install` puts where, and the Debian package, out of the build directory that BINARY
# is in. Nothing is installed on this system. Prints `ok - …` and `not ok - …` lines and, last, `N passed, N failed`.
set -uo pipefail
binary=$(readlink -f "${1:?usage: tests/install/run.sh BINARY}")
build=${binary%/*}
top=$(readlink -f "$(dirname "$(readlink -f "$0")")/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# does SENTENCE COMMAND…: the command succeeds.
does() {
    local output
    if output=$("${@:2}" 2>&1); then
        passed=$((passed + 1))
        echo "ok - $1"
    else
        failed=$((failed + 1))
        echo "not ok - $1 ($(tail -c 600 <<<"$output" | tr '\n' ' '))"
    fi
}
# lacks DIR NAME…: none of the names is below DIR.
lacks() {
    local name
    for name in "${@:2}"; do
        [ ! -e "$1/$name" ] && [ ! -L "$1/$name" ] || { echo "$name is there"; return 1; }
    done
}
has() {
    local name
    for name in "${@:2}"; do
        [ -e "$1/$name" ] || { echo "$name is missing"; return 1; }
    done
}
same_files() { diff -rq "$1" "$2"; }
commands=(usr/sbin/poweroff usr/sbin/reboot usr/sbin/halt usr/sbin/shutdown usr/sbin/telinit)
pages=(usr/share/man/man8/miniinit.8 usr/share/man/man1/minictl.1 usr/share/man/man5/miniinit-unit.5 usr/share/man/man5/miniinit.toml.5
    usr/share/man/man7/miniinit-convert.7)

# -- cmake --install
does "cmake --install works with DESTDIR" env DESTDIR="$work/all" cmake --install "$build" --prefix /usr
does "the binary is there, and answers to its names" has "$work/all" usr/sbin/miniinit usr/bin/minictl
does "the names that other inits have stay free" lacks "$work/all" "${commands[@]}"
does "it is the one that was built" cmp "$binary" "$work/all/usr/sbin/miniinit"
does "the one that fails when it is asked to is not" lacks "$work/all" usr/sbin/miniinit-faults
does "minictl is minictl" sh -c "'$work/all/usr/bin/minictl' --help | grep -q 'minictl VERB'"
does "/sbin/init is left alone" lacks "$work/all" usr/sbin/init sbin/init
does "the units are those of the tree" same_files "$top/units" "$work/all/usr/lib/miniinit"
does "the manual is there, with the examples" has "$work/all" "${pages[@]}" usr/share/doc/miniinit/examples/web.toml \
    usr/share/doc/miniinit/miniinit.toml usr/share/doc/miniinit/container/Dockerfile
does "the shells find what completes minictl" has "$work/all" usr/share/bash-completion/completions/minictl \
    usr/share/zsh/site-functions/_minictl usr/share/fish/vendor_completions.d/minictl.fish
ln -s usr/sbin "$work/all/sbin"
ln -s usr/bin "$work/all/bin"
cp "$(command -v busybox)" "$work/all/usr/bin/sh" # what the units need of a system
does "minictl verify --root finds nothing wrong with what was installed" "$work/all/usr/bin/minictl" verify --root "$work/all"
does "with the component \`commands\` it answers to them, too" sh -c "DESTDIR='$work/all' cmake --install '$build' --prefix /usr \
    --component commands"
does "they are all there, and are the program" sh -c "cd '$work/all' && for name in ${commands[*]}; do
    [ \$name -ef usr/sbin/miniinit ] || exit 1; done"
does "that component is nothing but them" sh -c "DESTDIR='$work/some' cmake --install '$build' --prefix /usr --component commands &&
    [ \$(find '$work/some' ! -type d | wc -l) = ${#commands[@]} ]"

# -- the Debian package, beside another init
package() { (cd "$work" && cpack --config "$build/CPackConfig.cmake" -G DEB -B "$work"); }
does "cpack makes a Debian package" package
deb=$(echo "$work"/miniinit_*.deb)
field() { dpkg-deb -f "$deb" "$1"; }
does "its architecture is this one" test "$(field Architecture)" = "$(dpkg --print-architecture)"
does "it needs nothing" test -z "$(field Depends)"
mkdir -p "$work/other/DEBIAN" "$work/other/usr/sbin"
printf 'Package: other-init\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nDescription: an init\n' \
    >"$work/other/DEBIAN/control"
for name in init poweroff reboot halt shutdown telinit; do
    echo "the other one" >"$work/other/usr/sbin/$name"
done
does "the init of a system that is there first can be packed" dpkg-deb -b "$work/other" "$work/other.deb"
root=$work/root
mkdir -p "$root/var/lib/dpkg/"{updates,info,parts} "$root/var/log"
touch "$root/var/lib/dpkg/"{status,available}
install_it() { dpkg --root="$root" --force-depends --log=/dev/null -i "$@"; }
does "the package is installed beside it" install_it "$work/other.deb" "$deb"
does "whose files stay as they were" sh -c "for n in init poweroff reboot halt shutdown telinit; do grep -q 'the other one' '$root'/usr/sbin/\$n || exit 1; done"
does "it brings binary, units, manual" has "$root" usr/sbin/miniinit usr/bin/minictl usr/lib/miniinit/multi-user.toml "${pages[@]}"
does "and is removed again without a trace" dpkg --root="$root" --force-depends --log=/dev/null -P miniinit
does "none is there" lacks "$root" usr/sbin/miniinit usr/bin/minictl usr/lib/miniinit

echo "$passed passed, $failed failed"
[ $failed = 0 ]
