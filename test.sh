#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test. The exporter's tests need PyTorch: they run
# where it is installed, and CI=true installs it.
#   ./test.sh [native|arm64]
# Without a name it runs both parts: 'native' is all tests on this machine; 'arm64' is the C++ tests
# once more as 64-bit Arm programs, under qemu as three CPUs. Where the cross compiler or qemu
# cannot be installed, 'arm64' is skipped, and says so; with OCTET_REQUIRE_ARM64=true it is an
# error. OCTET_BUILD names the build folder (default: build; the one for Arm is build-arm64),
# OCTET_CMAKE_FLAGS adds CMake options.
set -euo pipefail
cd "$(dirname "$0")"

part=${1:-both}
case $part in
  both | native | arm64) ;;
  *) echo "$0: no part '$part'; there are native and arm64" >&2; exit 2 ;;
esac

# python_with MODULE...: the first Python here that has them all. A Python of the user's own often
# comes first in PATH and has not what Debian's packages brought.
python_with() {
  local candidate modules
  modules=$(IFS=,; echo "$*")
  for candidate in python3 /usr/bin/python3; do
    if "$candidate" -c "import $modules" 2>/dev/null; then echo "$candidate"; return; fi
  done
}

third_party/install_debian.sh build test

run_native() {
  benchmarks=OFF
  if [ "${CI:-}" = true ]; then
    third_party/install_debian.sh pytorch benchmark
    benchmarks=ON
  fi

  build=${OCTET_BUILD:-build}
  # shellcheck disable=SC2086 # a list of options
  cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DOCTET_BUILD_TESTS=ON \
    -DOCTET_BUILD_BENCHMARKS=$benchmarks ${OCTET_CMAKE_FLAGS:-}
  cmake --build "$build"
  ctest --test-dir "$build" --output-on-failure -j "$(nproc)"

  echo "== installed library: find_package(octet), the C and the C++ example"
  prefix="$PWD/$build/install"
  cmake --install "$build" --prefix "$prefix" >/dev/null
  cmake -S examples -B "$build/examples" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
  cmake --build "$build/examples" >/dev/null
  "$(python_with PIL)" tests/examples/run_examples.py "$build"

  echo "== the public data's manifest"
  "$(python_with json)" -m unittest discover -s tests/data -t tests/data

  echo "== PyTorch exporter"
  python=$(python_with torch torchvision numpy PIL)
  if [ -n "$python" ]; then
    OCTET_BUILD="$PWD/$build" OMP_NUM_THREADS=2 \
      "$python" -m unittest discover -v -s tests/pytorch -t tests/pytorch
  else
    echo "skipped: no PyTorch here (third_party/install_debian.sh pytorch installs it)"
  fi
}

run_arm64() {
  echo "== 64-bit Arm, under qemu"
  if third_party/install_debian.sh arm64 &&
    third_party/arm64_libraries.sh build-arm64/libraries; then
    # shellcheck disable=SC2086 # a list of options
    cmake --preset arm64-linux ${OCTET_CMAKE_FLAGS:-}
    cmake --build --preset arm64-linux
    # Plain NEON; dotprod; everything, i8mm included.
    for cpu in cortex-a72 cortex-a76 max; do
      echo "== as $cpu"
      QEMU_CPU=$cpu ctest --preset arm64-linux -j "$(nproc)"
    done
  elif [ "${OCTET_REQUIRE_ARM64:-}" = true ]; then
    echo "the tests for 64-bit Arm cannot run: see above" >&2
    exit 1
  else
    echo "SKIPPED: no cross compiler, no qemu or no arm64 libraries here"
  fi
}

if [ "$part" != arm64 ]; then run_native; fi
if [ "$part" != native ]; then run_arm64; fi
echo "all tests passed"
