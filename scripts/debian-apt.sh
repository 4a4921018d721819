# Sourced by scripts that fetch a package of Debian's: apt, on a suite that may not be this machine's.
#
# Mirrors are those of this machine's own apt; its lists, settings and packages stay as they are. Whatever answers has to
# be signed with Debian's key, so a mirror of something else, or without the suite, is passed over.
# shellcheck shell=bash

debian_keys=/usr/share/keyrings/debian-archive-keyring.gpg

# The repositories this machine's apt would ask, one a line.
debian_mirrors() {
    apt-get update --print-uris 2>/dev/null | sed -n "s|^'\(.*\)/dists/.*|\1|p" | awk '!seen[$0]++'
}

# apt_in ROOT PROGRAM...: runs an apt program with directories of its own, for $debian_architecture (amd64).
apt_in() {
    local root=$1
    shift
    "$@" -o Dir::State="$root" -o Dir::State::status="$root/status" -o Dir::State::lists="$root/lists" \
        -o Dir::Cache="$root/cache" -o Dir::Etc::sourcelist="$root/etc/sources.list" \
        -o Dir::Etc::sourceparts=/dev/null -o APT::Architecture="${debian_architecture:-amd64}" -o APT::Sandbox::User="$(id -un)" \
        -o Acquire::Languages=none
}

# debian_lists ROOT SUITE: fetches a suite's lists from the first mirror that has them, or says why none does.
debian_lists() {
    local root=$1 suite=$2 mirror=
    [ -r "$debian_keys" ] || { echo "Debian's keys are missing: install debian-archive-keyring" >&2; return 1; }
    for mirror in $(debian_mirrors); do
        rm -rf "$root/lists"
        mkdir -p "$root"/{lists/partial,cache/archives/partial,etc}
        : >"$root/status"
        echo "deb [signed-by=$debian_keys] $mirror $suite main" >"$root/etc/sources.list"
        apt_in "$root" apt-get -qq --error-on=any update >"$root/update.log" 2>&1 && return
    done
    [ -n "$mirror" ] || { echo "this machine's apt has no sources" >&2; return 1; }
    echo "no mirror that this machine's apt knows has Debian $suite" >&2
    [ ! -e "$root/update.log" ] || tail -n 2 "$root/update.log" >&2
    return 1
}
