#!/usr/bin/env bash
# Searches each target for SECONDS (300), guided by coverage, one after the other, and prints what was run as a table.
# Ends with 1 if anything was found: where it lies, and how to see it again, is said on the way.
#
#     fuzz/run.sh [SECONDS [TARGET …]]
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-300}
shift || true
[ $# -gt 0 ] || set -- parser checker formatter ir csv npz checkpoint resume nir
mkdir -p fuzz/corpus fuzz/artifacts

# What is searched is what is built: the same versions of all crates.
[ fuzz/Cargo.lock -nt Cargo.lock ] || cp Cargo.lock fuzz/Cargo.lock
# The words and signs of the language, out of its grammar.
grep -v '^ *//' grammar/snn.pest | grep -oE '"[^"\\]+"' | sort -u >fuzz/corpus/words
# The corpus of tests/fuzz.rs, a file each. What earlier runs found stays beside it.
cargo test --release --test fuzz -- --ignored corpora >/dev/null
cargo +nightly fuzz build -s none

# The last number behind a word of a log.
last() { grep -oE "$1:? +[0-9]+" "$log" | tail -1 | grep -oE '[0-9]+$' || echo '?'; }

table='| target | executions | edges | features | inputs kept | memory, MB | found |'
table+=$'\n''|---|---|---|---|---|---|---|'
found=0
for target in "$@"; do
  log=fuzz/artifacts/$target.log
  words=()
  case $target in parser | checker | formatter) words=(-dict=fuzz/corpus/words) ;; esac
  result=nothing
  RAYON_NUM_THREADS=1 cargo +nightly fuzz run -s none "$target" "fuzz/corpus/$target" -- "${words[@]}" \
    "-max_total_time=$seconds" -timeout=20 -rss_limit_mb=4000 -print_final_stats=1 2>&1 | tee "$log" | grep -v '^#[0-9]' || result=
  if [ -z "$result" ]; then
    result=$(grep -oE "fuzz/artifacts/$target/[^ ]+" "$log" | tail -1 || true)
    result=${result:-see $log}
    found=1
  fi
  row="| $target | $(last stat::number_of_executed_units) | $(last cov) | $(last ft) | $(last corp) | $(last stat::peak_rss_mb) | $result |"
  table+=$'\n'$row
done
printf '\n%s seconds each\n\n%s\n' "$seconds" "$table"
exit "$found"
