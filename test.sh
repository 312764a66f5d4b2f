#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test. The exporter's tests need PyTorch: they run where it is
# installed, and CI=true installs it.
#   ./test.sh
# OCTET_BUILD names the build folder (default: build), OCTET_CMAKE_FLAGS adds CMake options.
set -euo pipefail
cd "$(dirname "$0")"

third_party/install_debian.sh build test
if [ "${CI:-}" = true ]; then third_party/install_debian.sh pytorch; fi

build=${OCTET_BUILD:-build}
# shellcheck disable=SC2086 # a list of options
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DOCTET_BUILD_TESTS=ON ${OCTET_CMAKE_FLAGS:-}
cmake --build "$build"
ctest --test-dir "$build" --output-on-failure

echo "== installed library: find_package(octet), the C and the C++ example"
prefix="$PWD/$build/install"
cmake --install "$build" --prefix "$prefix" >/dev/null
cmake -S examples -B "$build/examples" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
cmake --build "$build/examples" >/dev/null
python3 tests/examples/run_examples.py "$build"

echo "== PyTorch exporter"
python=""
for candidate in python3 /usr/bin/python3; do
  if "$candidate" -c 'import torch, torchvision, numpy, PIL' 2>/dev/null; then python=$candidate; break; fi
done
if [ -n "$python" ]; then
  OCTET_BUILD="$PWD/$build" OMP_NUM_THREADS=2 "$python" -m unittest discover -s tests/pytorch -t tests/pytorch
else
  echo "skipped: no PyTorch here (third_party/install_debian.sh pytorch installs it)"
fi
echo "all tests passed"
