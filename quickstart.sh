#!/usr/bin/env bash
# From a fresh clone to the first int8 result, next to float: installs what is missing, builds,
# converts the embedded model, classifies the sample images with both, and prints sizes and
# latencies.
#   ./quickstart.sh
set -euo pipefail
cd "$(dirname "$0")"

third_party/install_debian.sh build
cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release >build.log 2>&1 ||
  { cat build.log; exit 1; }
echo "building (the log is in build.log) ..."
cmake --build build --target octet_tool >>build.log 2>&1 || { tail -30 build.log; exit 1; }
mkdir -p build/quickstart
int8=build/quickstart/cifar10_int8.octet
float=build/quickstart/cifar10_float.octet
octet=build/octet

echo
echo "== converting models/cifar10_mobilenet_v2.safetensors"
"$octet" convert models/cifar10_mobilenet_v2.safetensors -o "$int8"
"$octet" convert models/cifar10_mobilenet_v2.safetensors --float -o "$float"

echo
echo "== int8 and float, side by side"
printf '%-28s %-22s %-22s %s\n' image int8 float ""
answer() { "$octet" run "$1" "$2" --top 1 | sed -n 's/^ *\([0-9.]*\) %  \(.*\)/\2 \1 %/p'; }
agree=0
total=0
for image in models/samples/*.png; do
  a=$(answer "$int8" "$image")
  b=$(answer "$float" "$image")
  verdict="differ"
  if [ "${a%% *}" = "${b%% *}" ]; then verdict="agree"; agree=$((agree + 1)); fi
  total=$((total + 1))
  printf '%-28s %-22s %-22s %s\n' "${image#models/samples/}" "$a" "$b" "$verdict"
done
echo "int8 and float agree on $agree of $total images"

echo
echo "== sizes"
printf 'int8  %8d bytes\nfloat %8d bytes\n' "$(wc -c <"$int8")" "$(wc -c <"$float")"

echo
echo "== latency, one thread, in turn"
"$octet" bench "$int8" --compare "$float" --threads 1
