#!/bin/sh
# Installs the Debian 12 packages that octet needs and that are missing; does nothing where all are
# there.
#   third_party/install_debian.sh [build] [test] [benchmark] [pytorch] [arm64] [clang] [format]
#                                 [lint] [tidy] [llvm-mca]
set -eu

packages=""
for group in "${@:-build}"; do
  case "$group" in
    build)
      packages="$packages g++ cmake ninja-build libxnnpack-dev libpthreadpool-dev libcpuinfo-dev
        libeigen3-dev libflatbuffers-dev flatbuffers-compiler nlohmann-json3-dev libcli11-dev
        libexpected-dev libjpeg62-turbo-dev libpng-dev libwebp-dev libprotozero-dev" ;;
    test) packages="$packages catch2 pkgconf python3 python3-numpy python3-pil" ;;
    benchmark) packages="$packages libbenchmark-dev libdnnl-dev" ;;
    pytorch) packages="$packages python3-torch python3-torchvision python3-numpy python3-pil" ;;
    # The libraries for it: arm64_libraries.sh.
    arm64) packages="$packages g++-aarch64-linux-gnu qemu-user" ;;
    clang) packages="$packages clang-19 libclang-rt-19-dev" ;;
    format) packages="$packages clang-format-19" ;;
    tidy) packages="$packages clang-tidy-19 libomp-19-dev" ;;
    lint) packages="$packages shellcheck flake8" ;;
    # What benchmarks/arm.py --loops reads loops with.
    llvm-mca) packages="$packages llvm-19" ;;
    *) echo "$0: no group '$group'; there are build, test, benchmark, pytorch, arm64, clang, format,
        lint, tidy, llvm-mca" >&2; exit 2 ;;
  esac
done

missing=""
for package in $packages; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
    missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "octet needs packages that this system's package manager has under names like:$missing" >&2
  exit 1
fi
as_root=""
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "octet needs:$missing; run as root: apt-get install$missing" >&2
    exit 1
  fi
  as_root="sudo"
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
# shellcheck disable=SC2086 # a list of words
$as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
