#!/bin/bash
# Builds the executable: one file, bytecode included, for x64 (dist/userspace) or arm64 (dist/userspace-arm64).
set -euo pipefail
cd "$(dirname "$0")/.."
arch=${1:-x64}
export PATH="$PWD/node_modules/.bin:$PATH"
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)

case $arch in
  x64) out=dist/userspace target=bun-linux-x64 runtime=() ;;
  arm64)
    out=dist/userspace-arm64 target=bun-linux-arm64
    # npm does not install another machine's packages: fetch the one that carries bun for arm64.
    cache=.cache/bun-arm64 want=$(bun --version)
    if [ ! -x "$cache/$want/bun" ]; then
      mkdir -p "$cache/$want"
      tarball=$(npm pack --silent --pack-destination "$cache" "@oven/bun-linux-aarch64@$want")
      tar -xzf "$cache/$tarball" -C "$cache/$want" --strip-components=2 package/bin/bun
      rm "$cache/$tarball"
    fi
    runtime=(--compile-executable-path="$cache/$want/bun")
    ;;
  *) echo "build.sh: $arch is not x64 or arm64" >&2 && exit 2 ;;
esac

mkdir -p dist
# One chunk for each way in (VERSION, a verb, the command line): none pays for loading another's.
# No autoload: bun's executables read .env and bunfig.toml, preloads included, from the directory they are started in.
# JIT policy: the process ends before compiled code can pay for its compilation, in time and in memory.
bun build --compile --bytecode --format=esm --splitting --minify --target="$target" "${runtime[@]}" \
  --no-compile-autoload-dotenv --no-compile-autoload-bunfig --compile-jit-policy=100 \
  --define "process.env.USERSPACE_VERSION=\"$version\"" src/main.ts --outfile "$out.new" >/dev/null
mv "$out.new" "$out" # a running plugin keeps its file (ETXTBSY)
echo "$out: $(stat -c %s "$out") bytes, userspace-cni $version"
