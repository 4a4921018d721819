#!/usr/bin/env bash
# Runs `polter check --conformance` on Debian's kernels, in guests without KVM.
#
#   scripts/guest-conformance.sh [6.1|6.12]...     both, if none is named
#
#   POLTER_GUEST_SECONDS=300     how long a guest may take
#   POLTER_GUEST_RANDOM=100      so many programs of `polter check --random` follow; also "100 --seed 7"; 0: none
#   POLTER_GUEST_SCRIPTS="a.strace b.strace"    also `polter check` these, and show it
#
# Kernels are packages of Debian's, fetched from this machine's mirrors with lists of their own, and kept in target/guests:
# neither this machine's sources nor its packages change. A guest has polter, busybox and nothing else; what
# happens in it goes to its serial console, which is kept too.
#
# Exit code: 0 all facts hold in every guest, 1 some do not, 2 something is missing or a guest did not come to an end.
set -euo pipefail
cd "$(dirname "$0")/.."

guests=$(realpath -m "${CARGO_TARGET_DIR:-target}/guests")
seconds=${POLTER_GUEST_SECONDS:-300}
random=${POLTER_GUEST_RANDOM:-100}

# shellcheck source=scripts/debian-apt.sh
. scripts/debian-apt.sh

say() { echo "guest-conformance: $*" >&2; }
die() { say "$*"; exit 2; }

# The suite of Debian that has this version of the kernel.
suite_of() {
    case $1 in
        6.1) echo bookworm ;;
        6.12) echo trixie ;;
        *) die "no package is known for Linux $1: name 6.1 or 6.12" ;;
    esac
}

need() {
    local program=$1 package=$2
    command -v "$program" >/dev/null || die "$program is missing: apt-get install $package"
}

prerequisites() {
    need apt-get "apt (kernels come from Debian's packages)"
    need dpkg-deb dpkg
    need qemu-system-x86_64 qemu-system-x86
    need cpio cpio
    need timeout coreutils
    need busybox busybox-static
    if command -v readelf >/dev/null && readelf --program-headers "$(command -v busybox)" | grep -q INTERP; then
        die "busybox is linked dynamically: apt-get install busybox-static"
    fi
}

# Fetches a version's kernel, unless there is one, to target/guests/VERSION/vmlinuz.
kernel() {
    local version=$1 suite dir package root
    suite=$(suite_of "$version")
    dir=$guests/$version
    [ -s "$dir/vmlinuz" ] && return
    mkdir -p "$dir"
    say "fetching the kernel of Debian $suite"
    root=$guests/apt-$suite
    debian_lists "$root" "$suite" || die "Debian's package lists cannot be fetched"
    # The package by this name holds nothing, and depends on the kernel of the day.
    package=$(apt_in "$root" apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: //p' | head -n 1)
    [ -n "$package" ] || die "Debian $suite has no linux-image-cloud-amd64"
    # It is written to where apt is started.
    (cd "$dir" && apt_in "$root" apt-get -qq download "$package") || die "$package cannot be fetched"
    dpkg-deb --fsys-tarfile "$dir"/linux-image-*.deb |
        tar -x -O --wildcards './boot/vmlinuz-*' >"$dir/vmlinuz.part"
    [ -s "$dir/vmlinuz.part" ] || die "$package holds no kernel"
    rm "$dir"/linux-image-*.deb
    mv "$dir/vmlinuz.part" "$dir/vmlinuz"
}

# Packs polter, busybox and what the guest does into an initramfs.
initramfs() {
    local polter=$1 root=$guests/root
    rm -rf "$root"
    mkdir -p "$root"/{bin,proc,dev,sys,tmp,scripts}
    cp "$(command -v busybox)" "$root/bin/busybox"
    cp "$polter" "$root/bin/polter"
    local script
    for script in ${POLTER_GUEST_SCRIPTS:-}; do cp "$script" "$root/scripts/"; done
    cat >"$root/init" <<INIT
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t tmpfs tmp /tmp
echo "polter-guest: begin"
/bin/polter --color never check --conformance 2>&1
echo "polter-guest: conformance exit \$?"
if [ "$random" != 0 ]; then
    echo
    # Its progress is not for this console.
    /bin/polter --color never check --random $random 2>/tmp/complaints
    echo "polter-guest: random exit \$?"
    /bin/busybox cat /tmp/complaints
fi
for script in /scripts/*.strace; do
    [ -e "\$script" ] && /bin/polter --color never check "\$script" 2>&1
done
echo "polter-guest: end"
/bin/busybox poweroff -f
INIT
    chmod +x "$root/init"
    (cd "$root" && find . | cpio --quiet -o -H newc) | gzip -1 >"$guests/initramfs.gz"
}

# Boots a version, shows what it says, and gives its exit code.
boot() {
    local version=$1 log=$guests/$1/console.log code=0
    say "Linux $version: booting, for $seconds seconds at most"
    # A slow host must not make the guest doubt its clocks, or give up on its timer.
    timeout --kill-after=10 "$seconds" qemu-system-x86_64 \
        -machine q35,accel=tcg -cpu max -smp 1 -m 512 -nodefaults -no-reboot -display none \
        -serial stdio -kernel "$guests/$version/vmlinuz" -initrd "$guests/initramfs.gz" \
        -append "console=ttyS0 quiet loglevel=3 panic=-1 tsc=reliable no_timer_check random.trust_cpu=on" \
        </dev/null >"$log" 2>"$log.qemu" || code=$?
    tr -d '\r' <"$log" | sed -n '/^polter-guest: begin$/,/^polter-guest: end/p' | grep -v '^polter-guest:' || true
    if ! grep -q '^polter-guest: end' "$log"; then
        if [ "$code" = 124 ] || [ "$code" = 137 ]; then
            say "Linux $version: not done after $seconds seconds; see $log"
        else
            say "Linux $version: the guest ended early (qemu: $code); see $log and $log.qemu"
            tail -n 5 "$log.qemu" >&2
        fi
        return 2
    fi
    return "$(sed -n 's/\r$//; s/^polter-guest: [a-z]* exit //p' "$log" | sort -n | tail -n 1)"
}

main() {
    local worst=0 code version polter
    [ $# -gt 0 ] || set -- 6.1 6.12
    for version in "$@"; do suite_of "$version" >/dev/null; done
    prerequisites
    mkdir -p "$guests"
    polter=${POLTER_GUEST_BINARY:-$(scripts/static-build.sh)}
    initramfs "$polter"
    for version in "$@"; do
        kernel "$version"
        code=0
        boot "$version" || code=$?
        [ "$code" -gt "$worst" ] && worst=$code
    done
    exit "$worst"
}

main "$@"
