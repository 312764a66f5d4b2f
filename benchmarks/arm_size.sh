#!/bin/sh
# What liboctet for 64-bit Arm adds to an application: a shared library, stripped, and what a
# program grows by that links the static one. Release, without loaders and XNNPACK. The libraries
# come from third_party/arm64_libraries.sh.
#   benchmarks/arm_size.sh [CMAKE_OPTION...]      e.g. -DOCTET_ISAS=dotprod
set -eu
cd "$(dirname "$0")/.."
root=$(pwd)
work=$root/build-arm64/size
libraries=$root/build-arm64/libraries
triple=aarch64-linux-gnu

build() { # FOLDER CMAKE_OPTION...
  folder=$1
  shift
  cmake --preset arm64-linux -B "$work/$folder" -DOCTET_BUILD_TESTS=OFF -DOCTET_BUILD_TOOLS=OFF \
    -DOCTET_WITH_XNNPACK=OFF -DOCTET_ISAS= \
    "$@" >"$work/$folder.log"
  cmake --build "$work/$folder" >>"$work/$folder.log"
}
bytes() { $triple-size "$1" | awk 'NR == 2 { print $1 + $2 }'; }

mkdir -p "$work"
build shared -DBUILD_SHARED_LIBS=ON "$@"
build static "-DCMAKE_CXX_FLAGS=-ffunction-sections -fdata-sections" "$@"

$triple-strip -o "$work/liboctet.so" "$work/shared/engine/liboctet.so"
# Segments of the file begin at multiples of 64 KB, so its size grows in jumps; code and data do
# not.
echo "shared library, stripped: $(wc -c <"$work/liboctet.so") bytes," \
  "of code and data $(bytes "$work/liboctet.so")"

# The same program with and without an inference in it.
cat >"$work/program.cc" <<'EOF'
#include <cstdio>
#include <string>
#include <vector>
#ifdef WITH_OCTET
#include <octet/octet.hpp>
#endif
int main(int count, char** arguments) {
  const std::string path = count > 1 ? arguments[1] : "model.octet";
  std::vector<float> input(1000, static_cast<float>(count));
  std::size_t bytes = 0;
#ifdef WITH_OCTET
  auto model = octet::Model::load(path);
  if (!model) return std::puts(model.error().message.c_str());
  auto session = octet::Session::create(*model, {});
  if (!session) return std::puts(session.error().message.c_str());
  if (!session->set_input(0, input) || !session->run()) return 1;
  bytes = session->output(0).size;
#endif
  std::printf("%s %zu %zu\n", path.c_str(), input.size(), bytes);
}
EOF
link() { # NAME OPTION...
  name=$1
  shift
  $triple-g++ -std=c++20 -O2 -Wl,--gc-sections -isystem "$libraries/usr/include" \
    -I"$root/engine/include" "$work/program.cc" "$@" -o "$work/$name"
}
link without
link with -DWITH_OCTET "$work/static/engine/liboctet.a" -L"$libraries/usr/lib/$triple" \
  -Wl,-rpath-link,"$libraries/usr/lib/$triple" -lpthreadpool -lcpuinfo -lpthread
added=$(($(bytes "$work/with") - $(bytes "$work/without")))
echo "added to a static program: $added bytes of code and data"
