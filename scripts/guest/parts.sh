# Sourced by the scripts that boot Debian's kernels in guests without KVM: fetching, packing, booting.
#
# Kernels and busybox are packages of Debian's, fetched from this machine's mirrors with lists of their own, and kept in
# target/guests: neither this machine's sources nor its packages change. A guest has what `guest_pack` is given and nothing
# else; what happens in it goes to its serial console, which is kept too.
# shellcheck shell=bash

guests=$(realpath -m "${CARGO_TARGET_DIR:-target}/guests")
seconds=${POLTER_GUEST_SECONDS:-300}

# shellcheck source=scripts/debian-apt.sh
. scripts/debian-apt.sh

say() { echo "${0##*/}: $*" >&2; }
die() { say "$*"; exit 2; }

# The suite of Debian that has this version of the kernel.
suite_of() {
    case $1 in
        5.10) echo bullseye ;;
        6.1) echo bookworm ;;
        6.12) echo trixie ;;
        *) die "no package is known for Linux $1: name 5.10, 6.1 or 6.12" ;;
    esac
}

# The console's device, and what else the kernel is told. A slow host must not make the guest doubt its clocks, or give
# up on its timer.
kernel_line_of() {
    case $1 in
        amd64) echo "console=ttyS0 tsc=reliable no_timer_check" ;;
        arm64) echo "console=ttyAMA0" ;;
    esac
}

qemu_of() {
    case $1 in
        amd64) echo "qemu-system-x86_64 -machine q35,accel=tcg" ;;
        arm64) echo "qemu-system-aarch64 -machine virt -accel tcg" ;;
    esac
}

need() {
    local program=$1 package=$2
    command -v "$program" >/dev/null || die "$program is missing: apt-get install $package"
}

prerequisites() {
    need apt-get "apt (kernels come from Debian's packages)"
    need dpkg-deb dpkg
    case $1 in
        amd64) need qemu-system-x86_64 qemu-system-x86 ;;
        arm64) need qemu-system-aarch64 qemu-system-arm ;;
    esac
    need cpio cpio
    need timeout coreutils
}

# package ARCH SUITE PACKAGE: fetches a package, into a directory of its own whose name it prints.
package() {
    local architecture=$1 suite=$2 package=$3
    local root=$guests/apt-$architecture-$suite dir
    # shellcheck disable=SC2034  # read by debian-apt.sh
    local debian_architecture=$architecture
    mkdir -p "$guests"
    if [ ! -d "$root/lists" ]; then
        debian_lists "$root" "$suite" || die "Debian's package lists cannot be fetched"
    fi
    # Some packages hold nothing, and depend on the one of the day.
    case $package in
        linux-image-*)
            package=$(apt_in "$root" apt-cache depends "$package" | sed -n 's/^ *Depends: \(linux-image.*\)/\1/p' | head -n 1)
            ;;
    esac
    [ -n "$package" ] || die "Debian $suite has no such kernel for $architecture"
    dir=$(mktemp -d -p "$guests")
    # It is written to where apt is started. Lists of another day may name what is no longer there.
    (cd "$dir" && apt_in "$root" apt-get -qq download "$package") || {
        rm -rf "$dir" "$root/lists"
        die "$package cannot be fetched; once more fetches the lists anew"
    }
    echo "$dir"
}

# package_part ARCH SUITE PACKAGE PATTERN FILE: writes what a package has at the pattern to the file.
package_part() {
    local pattern=$4 file=$5 dir
    dir=$(package "$1" "$2" "$3")
    dpkg-deb --fsys-tarfile "$dir"/*.deb | tar -x -O --wildcards "$pattern" >"$file.part"
    rm -rf "$dir"
    [ -s "$file.part" ] || die "$3 has no $pattern"
    mv "$file.part" "$file"
}

# package_tree ARCH SUITE PACKAGE ROOT: unpacks a package's programs and libraries.
package_tree() {
    local root=$4 dir
    dir=$(package "$1" "$2" "$3")
    mkdir -p "$root"
    dpkg-deb --fsys-tarfile "$dir"/*.deb | tar -x -C "$root" --wildcards --exclude './usr/share' './lib*' './usr/lib*' './usr/bin/strace' 2>/dev/null || true
    rm -rf "$dir"
}

# Fetches a version's kernel, unless there is one.
guest_kernel() {
    local architecture=$1 version=$2
    mkdir -p "$guests/$architecture-$version"
    [ -s "$guests/$architecture-$version/vmlinuz" ] && return
    say "fetching the kernel of Debian $(suite_of "$version") for $architecture"
    package_part "$architecture" "$(suite_of "$version")" "linux-image-cloud-$architecture" './boot/vmlinuz-*' \
        "$guests/$architecture-$version/vmlinuz"
}

guest_busybox() {
    local architecture=$1
    mkdir -p "$guests"
    [ -s "$guests/busybox-$architecture" ] && return
    package_part "$architecture" bookworm busybox-static '*bin/busybox' "$guests/busybox-$architecture"
    chmod +x "$guests/busybox-$architecture"
}

# guest_pack ARCH FILE...: packs busybox, these files in /bin, these directories ("DIR/") as parts of the root, and what the
# guest does, from standard input, into an initramfs.
guest_pack() {
    local architecture=$1 root=$guests/root-$1
    shift
    rm -rf "$root"
    mkdir -p "$root"/{bin,proc,dev,sys,tmp}
    cp "$guests/busybox-$architecture" "$root/bin/busybox"
    local file
    for file in "$@"; do
        case $file in
            */) cp -a "$file." "$root/" ;;
            *) cp "$file" "$root/bin/" ;;
        esac
    done
    {
        cat <<'INIT'
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t tmpfs tmp /tmp
/bin/busybox ip link set lo up
export PATH=/bin:/usr/bin
echo "polter-guest: begin"
INIT
        cat
        cat <<'INIT'
echo "polter-guest: end"
/bin/busybox poweroff -f
INIT
    } >"$root/init"
    chmod +x "$root/init"
    (cd "$root" && find . | cpio --quiet -o -H newc) | gzip -1 >"$guests/initramfs-$architecture.gz"
    rm -rf "$root"
}

# guest_boot ARCH VERSION: boots it, keeps what it says in console.log, and shows it. Gives the worst of the exit codes
# that the guest has told ("polter-guest: WHAT exit CODE"), or 2 if it did not come to its end.
guest_boot() {
    local architecture=$1 version=$2 log=$guests/$1-$2/console.log code=0 qemu line
    read -ra qemu <<<"$(qemu_of "$architecture")"
    line=$(kernel_line_of "$architecture")
    say "Linux $version, $architecture: booting, for $seconds seconds at most"
    nice timeout --kill-after=10 "$seconds" "${qemu[@]}" \
        -cpu max -smp 1 -m 512 -nodefaults -no-reboot -display none \
        -serial stdio -kernel "$guests/$architecture-$version/vmlinuz" -initrd "$guests/initramfs-$architecture.gz" \
        -append "$line quiet loglevel=3 panic=-1 random.trust_cpu=on" \
        </dev/null >"$log" 2>"$log.qemu" || code=$?
    tr -d '\r' <"$log" >"$log.part"
    mv "$log.part" "$log"
    sed -n '/^polter-guest: begin$/,/^polter-guest: end/p' "$log" | grep -v '^polter-guest:' || true
    if ! grep -q '^polter-guest: end' "$log"; then
        if [ "$code" = 124 ] || [ "$code" = 137 ]; then
            say "Linux $version: not done after $seconds seconds; see $log"
        else
            say "Linux $version: the guest ended early (qemu: $code); see $log and $log.qemu"
            tail -n 5 "$log.qemu" >&2
        fi
        return 2
    fi
    return "$(sed -n 's/^polter-guest: .* exit //p' "$log" | sort -n | tail -n 1)"
}
