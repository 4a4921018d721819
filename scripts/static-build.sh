#!/usr/bin/env bash
# Builds polter as one static file that runs on any x86-64 Linux, and says where it is; haunted is beside it.
set -euo pipefail
cd "$(dirname "$0")/.."

target=x86_64-unknown-linux-gnu
export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS="-C target-feature=+crt-static"
# With --target, so that the flags are not the build scripts' too.
cargo build --release --locked -p polter -p haunted --target "$target" >&2

binary=${CARGO_TARGET_DIR:-target}/$target/release/polter
if command -v readelf >/dev/null && readelf --program-headers "$binary" | grep -q INTERP; then
    echo "static-build: $binary still asks for a dynamic loader" >&2
    exit 2
fi
"$binary" --version >&2
echo "$binary"
