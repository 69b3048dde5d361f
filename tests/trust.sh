#!/usr/bin/env bash
# What docs/trust.md promises, tried for longer than the tests do. Stops at the first promise that does not hold.
set -euo pipefail
cd "$(dirname "$0")/.."

part() { printf '\n== %s\n' "$*"; }

# The file of a test binary.
binary() {
  cargo test --release "$@" --no-run --message-format json 2>/dev/null |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -1
}

part "200 runs killed"
SNNC_KILLS=200 cargo test --release --test crash

part "200 000 random programs, JIT against interpreter"
SNNC_PROGRAMS=200000 cargo test --release --test differential many

part "mutations of the corpus, 50 times as many"
SNNC_FUZZ=50 cargo test --release --test fuzz

if command -v valgrind >/dev/null; then
  part "micro-kernels and compiled code under valgrind"
  valgrind -q --error-exitcode=9 "$(binary --lib)" exec::micro --test-threads 1
  SNNC_PROGRAMS=400 RAYON_NUM_THREADS=1 valgrind -q --smc-check=all-non-file --error-exitcode=9 \
    "$(binary --test differential)" many --test-threads 1
else
  part "no valgrind here: its part is left out"
fi

part "dependencies: licences, sources, duplicates, advisories"
tests/dependencies.sh
