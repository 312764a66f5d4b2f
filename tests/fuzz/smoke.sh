#!/usr/bin/env bash
# Runs each fuzzer for a while, two at a time. The first failure ends the script. Seeds are the
# models and pictures of the tests, and tests/fuzz/corpus, which has inputs from earlier runs that
# reach more code.
#   tests/fuzz/smoke.sh BUILD SECONDS
# The inputs follow from the seed: FUZZ_SEED, 1 where it is not set, or 0 for another one each time.
# With OCTET_FUZZ_KEEP=1, new inputs are added to the corpus: those of at most 1.5 KB that reach
# code which no other input reaches, up to a hundred for each target.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -eq 2 ] || { echo "usage: $0 BUILD SECONDS" >&2; exit 2; }
build=$1 seconds=$2
most_files=100
targets=(model onnx tflite safetensors image kernels qdq)
seeds=$(mktemp -d)
trap 'rm -rf "$seeds"' EXIT
for target in "${targets[@]}"; do mkdir "$seeds/$target" "$seeds/$target.found"; done

cp tests/engine/format/*.octet "$seeds/model"
cp tests/onnx/models/*.onnx "$seeds/onnx"
cp tests/golden/*.safetensors "$seeds/safetensors"
"$build/tests/fuzz/octet_tflite_seeds" "$seeds/tflite"
tests/fuzz/image_seeds.py "$seeds/image"
for model in tests/golden/*.safetensors; do
  name=$(basename "$model" .safetensors)
  # Some models have no scales. They run in float.
  "$build/octet" convert "$model" -o "$seeds/model/$name" >"$seeds/log" 2>&1 ||
    "$build/octet" convert "$model" -o "$seeds/model/$name" --float >"$seeds/log" 2>&1 ||
    { cat "$seeds/log"; exit 1; }
done

folder_of_corpus() { [ ! -d "tests/fuzz/corpus/$1" ] || echo "tests/fuzz/corpus/$1"; }

# A fuzzer that fails leaves its input in the build folder.
fuzz() {
  local target=$1 options=()
  case $target in
    image) options=(-rss_limit_mb=4096) ;;
    kernels) options=(-max_len=256) ;;
    qdq) options=(-max_len=2048) ;;
  esac
  # shellcheck disable=SC2046 # a folder or nothing
  "$build/tests/fuzz/octet_fuzz_$target" -max_total_time="$seconds" -seed="${FUZZ_SEED:-1}" \
    -artifact_prefix="$build/$target-" -print_final_stats=1 "${options[@]}" \
    "$seeds/$target.found" "$seeds/$target" $(folder_of_corpus "$target") \
    >"$build/fuzz-$target.log" 2>&1 ||
    { tail -n 60 "$build/fuzz-$target.log"; echo "octet_fuzz_$target failed"; return 1; }
  local inputs
  inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/fuzz-$target.log")
  echo "octet_fuzz_$target: $inputs inputs"
}

failed=0
for ((i = 0; i < ${#targets[@]}; i += 2)); do
  jobs=()
  for target in "${targets[@]:i:2}"; do fuzz "$target" & jobs+=($!); done
  for job in "${jobs[@]}"; do wait "$job" || failed=1; done
  [ $failed = 0 ] || exit 1
done

[ "${OCTET_FUZZ_KEEP:-}" = 1 ] || exit 0
for target in "${targets[@]}"; do
  corpus=tests/fuzz/corpus/$target
  mkdir -p "$corpus"
  cp "$corpus"/* "$seeds/$target" 2>/dev/null || true
  find "$seeds/$target" -printf '%f\n' | sort >"$seeds/before"
  "$build/tests/fuzz/octet_fuzz_$target" -merge=1 -use_counters=0 \
    "$seeds/$target" "$seeds/$target.found" >"$seeds/log" 2>&1 ||
    { tail -n 20 "$seeds/log"; exit 1; }
  room=$((most_files - $(find "$corpus" -type f | wc -l)))
  [ $room -gt 0 ] || continue
  # The names are hashes, so the first ones are a random choice.
  find "$seeds/$target" -type f -size -1537c -printf '%f\n' | sort | comm -13 "$seeds/before" - |
    sed -n "1,${room}p" |
    while read -r name; do cp "$seeds/$target/$name" "$corpus"; done
  echo "corpus of $target: $(find "$corpus" -type f | wc -l) files"
done
