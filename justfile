# What a developer does here; `just` lists it.

default:
    @just --list

# Formats, lints, and builds the docs, with warnings denied.
check:
    cargo fmt --all --check
    scripts/rooms
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items

# Runs every test.
test:
    cargo test --workspace

# Tests the packages for pytest and for Node's test runner, as installed.
packages:
    cargo build --release
    scripts/test-packages
    scripts/test-fleet

# Runs every scenario on the model, under every policy, and on the running kernel.
conform:
    cargo test -p polter-check

# The same facts on Debian's 6.1 and 6.12, in guests (qemu, busybox; no KVM needed).
guests *versions:
    scripts/guest-conformance.sh {{versions}}

# Builds everything for aarch64, and runs there the tests that ask no kernel (qemu's user mode).
test-arm64:
    scripts/test-arm64

# polter on aarch64: the facts, random programs and the haunted programs, on Debian's arm64 kernel in a guest.
guest-arm64 *versions:
    scripts/guest-arm64.sh {{versions}}

# Builds a kernel with every policy, for `polter lab` and `polter check --policy`.
kernel:
    kernels/build

# Builds polter and its kernel, both at a time: all that a first `polter lab` needs.
lab:
    cargo build --release & kernels/build && wait $!

# Runs real programs under every policy, the judge's forecast first, and writes docs/survey.md.
survey *workloads: kernel
    cargo build --release
    scripts/survey {{workloads}}

# Compares so many random programs with the model, under every policy.
random programs="1000" seed="1": kernel
    cargo build --release
    for policy in last-fput close close-not-exit owner owner-adopt stale not-inherited; do \
        target/release/polter lab --policy $policy --time-limit 86400 -- \
            target/release/polter check --policy $policy --random {{programs}} --seed {{seed}} || exit; \
    done

# Builds polter as one static file that runs on any x86-64 Linux.
static:
    scripts/static-build.sh

# Builds what is handed out, into target/dist: static files, archives, Debian packages, a container image, checksums.
dist *architectures:
    scripts/dist {{architectures}}

# Tries it: the package in a fresh Debian, the image, the manifest for Kubernetes. As root.
try-dist:
    scripts/try-dist

# Proves that the crates' packages are whole: installs polter from them alone.
package-check:
    scripts/package-check

# Writes what the model answers under the other policies into the scenarios; read the change.
refresh:
    REFRESH=1 cargo test -p polter-check every_scenario_answers_as_written_under_every_policy

# Breaks the model's rules one by one, and writes what notices into docs/mutations.md.
mutations:
    scripts/mutations

# Measures the parser, the judge and the model.
bench:
    cargo bench -p polter-trace --bench parse -- --gigabyte
    cargo bench -p polter-judge --bench judge -- --gigabyte
    cargo bench -p eventpoll --bench against_the_kernel
    cargo bench -p eventpoll --bench lifetime --bench turn

# Measures both ways of a scan, beside cat, lsfd and lsof.
bench-scan *options:
    cargo bench -p polter-scan --bench scan -- {{options}}

# Compiles the kernel walk anew (needs clang).
bpf:
    scripts/bpf-object.sh

# Looks whether each program in fixtures/ is in the state that it names.
fixtures *programs:
    scripts/why-fixtures --check {{programs}}

# Fuzzes a target (parse_line, stream, decode, judge, stack) for some seconds.
fuzz target seconds="60":
    RUSTC_BOOTSTRAP=1 cargo fuzz run {{target}} --sanitizer none -- -max_total_time={{seconds}} -rss_limit_mb=2048

# Builds the documentation.
doc:
    cargo doc --workspace --no-deps --open

# Writes docs/witnesses.md: the shortest programs that tell policies apart.
witnesses:
    cargo build --release
    scripts/witnesses
