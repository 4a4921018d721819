#!/usr/bin/env bash
# Runs `polter check --conformance` on Debian's kernels, in guests without KVM; then the haunted programs: are they
# found and freed there?
#
#   scripts/guest-conformance.sh [5.10|6.1|6.12]...     6.1 and 6.12, if none is named
#
#   POLTER_GUEST_SECONDS=300     how long a guest may take
#   POLTER_GUEST_RANDOM=100      so many programs of `polter check --random` follow; also "100 --seed 7"; 0: none
#   POLTER_GUEST_SCRIPTS="a.strace b.strace"    also `polter check` these, and show it
#   POLTER_GUEST_HAUNTED=yes     the haunted programs too (scripts/guest/haunted.sh); only: nothing else
#
# The facts are those of 6.1 and later: on 5.10 only the haunted programs are run.
#
# Exit code: 0 all facts hold in every guest, 1 some do not, 2 something is missing or a guest did not come to an end.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/guest/parts.sh
. scripts/guest/parts.sh

random=${POLTER_GUEST_RANDOM:-100}
haunted=${POLTER_GUEST_HAUNTED:-}

# What the guest does. `$random` is more than one word.
facts() {
    cat <<INIT
polter --color never check --conformance 2>&1
echo "polter-guest: conformance exit \$?"
INIT
    [ "$random" = 0 ] || cat <<INIT
echo
# Its progress is not for this console.
polter --color never check --random $random 2>/tmp/complaints
echo "polter-guest: random exit \$?"
busybox cat /tmp/complaints
INIT
    cat <<'INIT'
for script in /bin/*.strace; do
    [ -e "$script" ] && polter --color never check "$script" 2>&1
done
INIT
}

tour() {
    local version=$1
    [ "$haunted" = only ] || [ "$version" = 5.10 ] || facts
    [ -z "$haunted" ] && [ "$version" != 5.10 ] || cat scripts/guest/haunted.sh
}

main() {
    local worst=0 code version polter files
    [ $# -gt 0 ] || set -- 6.1 6.12
    for version in "$@"; do suite_of "$version" >/dev/null; done
    prerequisites amd64
    guest_busybox amd64
    polter=${POLTER_GUEST_BINARY:-$(scripts/static-build.sh)}
    read -ra files <<<"$polter $(dirname "$polter")/haunted ${POLTER_GUEST_SCRIPTS:-}"
    for version in "$@"; do
        guest_kernel amd64 "$version"
        tour "$version" | guest_pack amd64 "${files[@]}"
        code=0
        guest_boot amd64 "$version" || code=$?
        [ "$code" -gt "$worst" ] && worst=$code
    done
    exit "$worst"
}

main "$@"
