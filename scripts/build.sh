#!/bin/bash
# Builds the executable: one file, bytecode included, for x64 (dist/userspace) or arm64 (dist/userspace-arm64). It carries
# the client in C, which `userspace install` puts on a node, if this machine can compile it; CLIENT=off leaves it out.
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
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Its name is how src/install/Client.ts finds it.
client=$scratch/userspace-client.bin
carried=()
if [ "${CLIENT:-on}" = off ]; then
  echo "build.sh: CLIENT=off, so the executable carries no client in C"
elif bash scripts/client.sh "$arch" "$client"; then
  carried=("$client" "--asset-naming=[name].[ext]")
elif [ $? != 3 ]; then
  exit 1
fi
# The Makefile builds again when there is a compiler.
mkdir -p .cache
if [ ${#carried[@]} = 0 ] && [ "${CLIENT:-on}" != off ]; then touch ".cache/without-client-$arch"; else rm -f ".cache/without-client-$arch"; fi

# One chunk for each way in (VERSION, a verb, the command line): none pays for loading another's.
# No autoload: bun's executables read .env and bunfig.toml, preloads included, from the directory they are started in.
# Working directory: bun does not start in one that has no name, and that is where thick Multus runs plugins. "/" always
# has one; for the command line src/cli/CallerDirectory.ts finds the way back.
# JIT policy: the process ends before compiled code can pay for its compilation, in time and in memory.
build() { # out target more...
  bun build --compile --bytecode --format=esm --splitting --minify --target="$2" "${@:3}" \
    --no-compile-autoload-dotenv --no-compile-autoload-bunfig --compile-exec-argv="--cwd=/" \
    --compile-jit-policy=100 --min-chunk-size=16384 \
    --define "process.env.USERSPACE_VERSION=\"$version\"" src/main.ts "${carried[@]}" --outfile "$1" >/dev/null
}

# Bytecode in the order in which calls use it touches fewer pages. What a call uses is written down by one that goes as
# far as it can without a switch, for each switch; it needs no root and changes nothing outside its directory.
train() { # order file, environment...
  env -i CNI_CONTAINERID=0123456789abcdef CNI_IFNAME=net1 CNI_NETNS=/proc/self/ns/net CNI_NETNS_OVERRIDE=1 \
    CNI_PATH="$scratch" BUN_BYTECODE_ORDER_OUT="$1" "${@:2}" "$scratch/userspace" >/dev/null 2>&1 || true
  [ -s "$1" ] || { echo "build.sh: the executable wrote no bytecode order" >&2 && exit 1; }
}
network() { # members of host
  echo "{\"cniVersion\":\"1.0.0\",\"type\":\"userspace\",\"name\":\"order\",\"sharedDir\":\"$scratch/shared\"," \
    "\"stateDir\":\"$scratch/state\",\"host\":{\"socket\":\"$scratch/absent\",\"netType\":\"bridge\",$1}}"
}
case $(uname -m) in aarch64) here=bun-linux-arm64 ;; *) here=bun-linux-x64 ;; esac
build "$scratch/userspace" "$here"
network '"engine":"ovs-dpdk","iftype":"vhostuser","bridge":{"bridgeName":"br0"}' | train "$scratch/ovs" CNI_COMMAND=ADD
network '"engine":"vpp","iftype":"memif","bridge":{"bridgeName":"4"}' | train "$scratch/vpp" CNI_COMMAND=ADD
train "$scratch/version" CNI_COMMAND=VERSION </dev/null

build "$out.new" "$target" "${runtime[@]}" --bytecode-order="$scratch/ovs,$scratch/vpp,$scratch/version"
mv "$out.new" "$out" # a running plugin keeps its file (ETXTBSY)
echo "$out: $(stat -c %s "$out") bytes, userspace-cni $version"
[ ${#carried[@]} = 0 ] || echo "in it, the client of the agent: $(stat -c %s "$client") bytes"
