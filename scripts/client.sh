#!/bin/bash
# Compiles the client in C (src/client) into one small static file: client.sh x64|arm64 OUT. Status 3: this machine has no
# compiler and C library for it, and a line says what is missing; the executable is then built without it.
set -euo pipefail
cd "$(dirname "$0")/.."
arch=$1 out=$2
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)

missing() { echo "client.sh: no client in C for $arch: $1. Without it calls go to the agent as well, and cost more" >&2 && exit 3; }

flags=(-std=c17 -Os -Wall -Wextra -Werror -Wshadow -Wconversion -ffunction-sections -fdata-sections)
flags+=("-DUSERSPACE_VERSION=\"${USERSPACE_VERSION:-$version}\"" '-DUSERSPACE_FULL=".userspace/userspace"')
flags+=(-static -s -Wl,--gc-sections -Wl,-z,noexecstack)

case $arch-$(uname -m) in
  x64-x86_64 | arm64-aarch64)
    command -v musl-gcc >/dev/null || missing "install musl-tools (Debian)"
    musl-gcc "${flags[@]}" -o "$out" src/client/*.c
    ;;
  arm64-*)
    # Debian's musl-dev of the other architecture, under the compiler for it.
    musl=/usr/lib/aarch64-linux-musl
    command -v aarch64-linux-gnu-gcc >/dev/null || missing "install gcc-aarch64-linux-gnu (Debian)"
    [ -e $musl/libc.a ] || missing "install musl-dev:arm64 (Debian, dpkg --add-architecture arm64)"
    own=$(aarch64-linux-gnu-gcc -print-file-name=include)
    aarch64-linux-gnu-gcc "${flags[@]}" -nostdinc -isystem /usr/include/aarch64-linux-musl -isystem "$own" -nostdlib \
      -o "$out" $musl/crt1.o $musl/crti.o src/client/*.c $musl/libc.a -lgcc $musl/libc.a $musl/crtn.o
    ;;
  *) missing "it is compiled on linux-x64 and linux-arm64" ;;
esac
