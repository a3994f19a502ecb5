#!/bin/sh
# Installs what `make e2e` and `make bench` need on Debian 13: Open vSwitch with DPDK, testpmd, containerd,
# the reference CNI plugins, buildah, kubectl, Prometheus, and cnitool, which Debian has only as source and which is built into .cache/.
# Quick when all of it is there. Starts no service and leaves /etc alone. Where it cannot install (not root, not Debian),
# it says so and succeeds: the tests that miss something are then skipped by name.
set -eu
cd "$(dirname "$0")/.."

ovs="openvswitch-switch-dpdk openvswitch-switch openvswitch-common"
dpdk="dpdk-dev librte-net-virtio25 librte-net-memif25 librte-bus-vdev25 librte-mempool-ring25"
# Hostile frames are sent from a file.
frames="librte-net-pcap25"
ovn="ovn-central ovn-host"
containers="containerd runc containernetworking-plugins busybox-static golang-github-kubernetes-cri-api-dev"
image="buildah netavark"
# gcc compiles test/e2e/hostile-process, and src/client for its tests; musl-gcc compiles it for a node.
compiler="gcc libc6-dev musl-tools"
# It renders the manifests by itself; no cluster is asked.
cluster="kubectl"
# It scrapes the agent, and checks and tests the rules of examples/monitoring.
monitoring="prometheus"
# Virtual machines on the ports, as KubeVirt starts them.
machines="qemu-system-x86 libvirt-daemon-driver-qemu libvirt-daemon xz-utils"
# GNU time tells the peak memory of a process (make bench).
# tcpdump reads captures, and compiles their filters.
tools="time tcpdump"
go="golang-go golang-github-appc-cni-dev"
cnitool=.cache/cnitool
guest=.cache/guest

say() { echo "install-e2e: $*" >&2; }
installed() { dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed; }
absent() { for package in "$@"; do installed "$package" || printf '%s ' "$package"; done; }
# A name that apt does not know makes policy print nothing.
unknown() { for package in "$@"; do apt-cache policy "$package" 2>/dev/null | grep -q 'Candidate: [^(]' || return 0; done; return 1; }

work=
policy=
finish() {
  [ -z "$work" ] || rm -rf "$work"
  [ -z "$policy" ] || rm -f "$policy"
}
trap finish EXIT
trap 'exit 130' INT TERM

# The tests run daemons of their own. policy-rc.d is Debian's way to keep an installation from starting the system's.
no_services() {
  [ -z "$policy" ] && [ ! -e /usr/sbin/policy-rc.d ] || return 0
  policy=/usr/sbin/policy-rc.d
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
}

updated=no
update() {
  [ $updated = no ] || return 1
  updated=yes
  say "apt-get update"
  apt-get update -qq -o DPkg::Lock::Timeout=300 >&2
}

get() {
  no_services
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 \
    -o Dpkg::Use-Pty=0 "$@" >/dev/null
}

# Package lists may be missing or older than the mirror: refresh them once, then try again.
install() {
  if unknown "$@"; then update || true; fi
  say "installing: $*"
  get "$@" || { update && get "$@"; }
}

# The -dev package lacks the command, the source package has it. apt reads it through a sources file of ours that names
# the mirror, the suite and the key of the -dev package, with lists of its own: /etc and apt's own lists stay as they are.
build_cnitool() {
  package=golang-github-appc-cni
  origin=$(apt-cache madison $package-dev | sed -n 's/.*| *\(http[^ ]*\) \([^ /]*\)\/\([^ ]*\) .*/\1 \2 \3/p' | head -n 1)
  [ -n "$origin" ] || { say "no mirror is known that carries $package"; return 1; }
  set -- $origin
  key=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(SIGNED_BY)' 'Created-By: Packages' |
    awk -v suite="$2" '$2 == suite && $3 ~ /^\// { print $3; exit }')
  mkdir -p "$work/lists/partial" "$work/source"
  {
    echo "Types: deb-src"
    echo "URIs: $1"
    echo "Suites: $2"
    echo "Components: $3"
    [ -z "$key" ] || echo "Signed-By: $key"
  } >"$work/cnitool.sources"
  mkdir "$work/parts" && mv "$work/cnitool.sources" "$work/parts/"
  # As root apt would drop to its own user, which may not enter a private directory.
  set -- -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/parts" -o Dir::State::lists="$work/lists" \
    -o APT::Sandbox::User=root -o Dir::Cache::srcpkgcache= -o Dir::Cache::pkgcache=
  apt-get update "$@" >&2 || return 1
  (cd "$work/source" && apt-get source "$@" --download-only $package >&2) || return 1
  tar -xf "$work"/source/*.orig.tar.* -C "$work/source" --strip-components=1 || return 1
  mkdir -p .cache
  (cd "$work/source" && GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE="$work/go" GOFLAGS=-trimpath CGO_ENABLED=0 \
    go build -o "$work/cnitool" cnitool/cnitool.go) || return 1
  mv "$work/cnitool" "$cnitool"
}

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  say "not a Debian: nothing is installed; tests that miss something will be skipped"
  exit 0
fi

missing=$(absent $ovs $dpdk $frames $compiler $ovn $containers $image $cluster $monitoring $tools $machines)
if [ "$(id -u)" != 0 ]; then
  [ -z "$missing" ] || say "not root, so not installed: $missing(tests that need them will be skipped)"
  exit 0
fi
[ -z "$missing" ] || install $missing

# A kernel for guests, and its network driver: taken out of the package, which is not installed.
get_guest() {
  package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
  [ -n "$package" ] || { say "no kernel for guests is known"; return 1; }
  guest_work=$(mktemp -d)
  (cd "$guest_work" && apt-get download -qq -o APT::Sandbox::User=root "$package" >&2 && dpkg-deb -x ./*.deb . &&
    for module in failover net_failover virtio_net; do
      xz -dc "$(find . -name "$module.ko.xz" | head -n 1)" >"$module.ko" || exit 1
    done) || { rm -rf "$guest_work"; return 1; }
  mkdir -p "$guest"
  mv "$guest_work"/*.ko "$guest/"
  mv "$guest_work"/boot/vmlinuz-* "$guest/vmlinuz"
  rm -rf "$guest_work"
}

if [ ! -e "$guest/vmlinuz" ] && [ "$(dpkg --print-architecture)" = amd64 ]; then
  say "getting a kernel for guests"
  get_guest || say "no kernel for guests can be had here: tests with virtual machines will be skipped"
fi

if [ ! -x "$cnitool" ]; then
  work=$(mktemp -d)
  missing_go=$(absent $go)
  say "building cnitool"
  if { [ -z "$missing_go" ] || install $missing_go; } && build_cnitool; then
    say "built $cnitool"
  else
    say "cnitool cannot be had here: its test will be skipped"
  fi
fi
