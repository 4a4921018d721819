#!/usr/bin/env bash
# Runs polter on aarch64: on Debian's arm64 kernels, in guests without KVM. The suite of facts, random programs of every
# shape, and the haunted programs: found, freed, told why they spin, and judged from a log of strace's.
#
#   scripts/guest-arm64.sh [6.1|6.12]...     6.1, if none is named
#
#   POLTER_GUEST_SECONDS=1200    how long a guest may take
#   POLTER_GUEST_RANDOM=200      so many random programs of each shape; 0: none
#   POLTER_GUEST_BINARY=FILE     this polter, with a haunted beside it; else both are built
#
# What may differ there is listed with its reason in scripts/guest/arm64-differs.
#
# Exit code: 0 nothing differs but what is listed, 1 something does, or is listed and does not, 2 something is missing or
# a guest did not come to an end.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${POLTER_GUEST_SECONDS:=1200}"
# shellcheck source=scripts/guest/parts.sh
. scripts/guest/parts.sh

random=${POLTER_GUEST_RANDOM:-200}
listed=scripts/guest/arm64-differs

# Builds a static polter for aarch64, and haunted beside it; says where it is.
build() {
    local target=aarch64-unknown-linux-musl
    rustup target add "$target" >/dev/null 2>&1 || true
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld \
        nice cargo build --release --locked -p polter -p haunted --target "$target" >&2
    echo "${CARGO_TARGET_DIR:-target}/$target/release/polter"
}

# strace with its libraries, unpacked once.
strace_of() {
    local root=$guests/strace-arm64 package
    [ -x "$root/usr/bin/strace" ] && return
    say "fetching strace for arm64"
    mkdir -p "$root"
    for package in strace libc6 libunwind8 liblzma5; do
        package_tree arm64 bookworm "$package" "$root"
    done
    [ -x "$root/usr/bin/strace" ] || die "the packages have no strace"
}

tour() {
    cat <<'INIT'
polter --color never check --conformance 2>&1
echo "polter-guest: conformance exit $?"
INIT
    local shape
    [ "$random" = 0 ] || for shape in single threads processes nested; do
        cat <<INIT
polter --color never check --random $random --shape $shape 2>/tmp/complaints
echo "polter-guest: random $shape exit \$?"
busybox grep -v '[0-9]/$random programs' /tmp/complaints
INIT
    done
    cat scripts/guest/haunted.sh
}

# The facts of a console that do not hold: broken, failed, skipped.
differing() {
    awk '/^[a-z0-9-]+$/ { name = $1 } /^  (skipped|broken|failed|line [0-9]+)/ { print name; name = "" }' "$1" | grep . | sort -u
}

# Compares what differs with the list: both what is not listed and what no longer differs is wrong.
compare() {
    local log=$1 wrong=0 fact
    while read -r fact; do
        if grep -q "^$fact " "$listed"; then
            say "differs, as listed: $fact: $(sed -n "s/^$fact  *//p" "$listed")"
        else
            say "differs, and is not listed: $fact"
            wrong=1
        fi
    done < <(differing "$log")
    while read -r fact; do
        differing "$log" | grep -qx "$fact" || { say "is listed, and does not differ: $fact"; wrong=1; }
    done < <(sed -n 's/^\([a-z0-9-][a-z0-9-]*\) .*/\1/p' "$listed")
    return "$wrong"
}

main() {
    local worst=0 code version polter
    [ $# -gt 0 ] || set -- 6.1
    for version in "$@"; do suite_of "$version" >/dev/null; done
    prerequisites arm64
    guest_busybox arm64
    strace_of
    polter=${POLTER_GUEST_BINARY:-$(build)}
    tour | guest_pack arm64 "$polter" "$(dirname "$polter")/haunted" "$guests/strace-arm64/"
    for version in "$@"; do
        guest_kernel arm64 "$version"
        code=0
        guest_boot arm64 "$version" || code=$?
        [ "$code" -gt "$worst" ] && worst=$code
        code=0
        compare "$guests/arm64-$version/console.log" || code=$?
        [ "$code" -gt "$worst" ] && worst=$code
        say "Linux $version, aarch64: $(grep -h -E 'held, .* broken|haunted programs:' "$guests/arm64-$version/console.log" | paste -sd ';')"
        grep -h 'programs, .* differ' "$guests/arm64-$version/console.log" >&2 || true
    done
    exit "$worst"
}

main "$@"
