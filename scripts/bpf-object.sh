#!/usr/bin/env bash
# Compiles the BPF programs: scripts/bpf-object.sh [SOURCE.bpf.c [OBJECT]]. Without arguments: all, each into the object
# beside its source, which is part of the source. The same clang makes the same bytes of it, wherever it stands.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
if [ $# = 0 ]; then
    for source in "$root"/crates/*/src/*/*.bpf.c; do
        "$0" "$source"
    done
    exit
fi
source="$(realpath "$1")"
object="$(realpath -m "${2:-${source%.c}.o}")"
cd "$(dirname "$source")"
exec "${CLANG:-clang}" -target bpf -mcpu=v3 -O2 -g -fdebug-compilation-dir=. \
    -Wall -Wextra -Werror -Wno-unused-parameter -Wno-unused-variable \
    -c "$(basename "$source")" -o "$object"
