#!/bin/sh
# Unpacks Debian's arm64 builds of the libraries that octet links into a folder, for cross builds.
#   third_party/arm64_libraries.sh FOLDER
# They are not installed beside the host's: libxnnpack0 and libpthreadpool0 exist only once on a
# system, whatever its architectures, and installing them for arm64 would remove the host's. Needs
# no root, and no foreign architecture.
set -eu
folder=${1:?"usage: $0 FOLDER"}
[ -e "$folder/complete" ] && exit 0
if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
  echo "$0: needs apt-get and dpkg-deb;" \
    "elsewhere, put arm64 builds of octet's libraries into $folder/usr" >&2
  exit 1
fi

mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial" "$folder/apt/packages"
folder=$(cd "$folder" && pwd)
cd "$folder/apt/packages"
# Lists and cache of our own: the system's stay as they are.
apt_arm64() {
  apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User= \
    -o Dir::State::status=/dev/null -o Dir::State::lists="$folder/apt/lists" \
    -o Dir::Cache="$folder/apt/cache" "$@"
}
apt_arm64 update
apt_arm64 download libxnnpack-dev libxnnpack0 libpthreadpool-dev libpthreadpool0 libcpuinfo-dev \
  libcpuinfo0 libjpeg62-turbo-dev libjpeg62-turbo libpng-dev libpng16-16 zlib1g-dev zlib1g \
  libwebp-dev libwebp7
for package in *.deb; do dpkg-deb -x "$package" "$folder"; done
# The one link that points to where the package would have been installed.
ln -sf "../../../lib/aarch64-linux-gnu/libz.so.1" "$folder/usr/lib/aarch64-linux-gnu/libz.so"
rm -r "$folder/apt"
touch "$folder/complete"
