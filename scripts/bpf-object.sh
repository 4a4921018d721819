#!/usr/bin/env bash
# Compiles the kernel walk: scripts/bpf-object.sh [FILE], by default the object that is part of the source.
# The same clang makes the same bytes of it, wherever it stands.
set -euo pipefail
source="$(cd "$(dirname "$0")/../crates/polter-scan/src/bpf" && pwd)"
object="$(realpath -m "${1:-$source/walk.bpf.o}")"
cd "$source"
exec "${CLANG:-clang}" -target bpf -mcpu=v3 -O2 -g -fdebug-compilation-dir=. \
    -Wall -Wextra -Werror -Wno-unused-parameter -Wno-unused-variable \
    -c walk.bpf.c -o "$object"
