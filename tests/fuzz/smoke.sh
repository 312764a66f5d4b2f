#!/usr/bin/env bash
# Runs each fuzzer for a while on what is committed as its corpus: two at a time, and the first failure ends it.
#   tests/fuzz/smoke.sh BUILD SECONDS
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -eq 2 ] || { echo "usage: $0 BUILD SECONDS" >&2; exit 2; }
build=$1 seconds=$2
seeds=$(mktemp -d)
trap 'rm -rf "$seeds"' EXIT
mkdir "$seeds"/{onnx,tflite,image,kernels,qdq}
cp tests/onnx/models/* "$seeds/onnx"
"$build/tests/fuzz/octet_tflite_seeds" "$seeds/tflite"
tests/fuzz/image_seeds.py "$seeds/image"
for target in onnx tflite image kernels qdq; do
  [ ! -d "tests/fuzz/corpus/$target" ] || cp "tests/fuzz/corpus/$target"/* "$seeds/$target"
done

# What fails leaves its input in the build folder.
fuzz() {
  local target=$1
  shift
  "$build/tests/fuzz/octet_fuzz_$target" -max_total_time="$seconds" -artifact_prefix="$build/$target-" \
    -print_final_stats=1 "$@" "$seeds/$target" >"$build/fuzz-$target.log" 2>&1 ||
    { tail -n 60 "$build/fuzz-$target.log"; echo "octet_fuzz_$target failed"; return 1; }
  echo "octet_fuzz_$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$build/fuzz-$target.log") inputs"
}

# The jobs with these numbers.
wait_for() {
  local failed=0 job
  for job in "$@"; do wait "$job" || failed=1; done
  return $failed
}
fuzz onnx & first=$!
fuzz tflite & wait_for $first $!
fuzz image -rss_limit_mb=4096 & first=$!
fuzz kernels -max_len=256 & wait_for $first $!
fuzz qdq -max_len=2048
