#!/bin/bash
# The container images: of the plugin (build, copy: run it, so that the plugin goes to CNI_BIN_DIR of this machine, push),
# of an application (testpmd), and of Debian for machines without a registry (base).
set -euo pipefail
cd "$(dirname "$0")/.."

registry=${IMAGE_REGISTRY:-localhost/}
image() { echo "${registry%/}/$1:${IMAGE_VERSION:-latest}"; }
plugin=$(image userspacecni)
bin=${CNI_BIN_DIR:-/opt/cni/bin}

# Whoever deploys needs no builder.
[ "${1:-}" != name ] || { echo "$plugin" && exit; }

. scripts/image/builder.sh

case ${1:-} in
  build)
    cp scripts/image/Dockerfile "$scratch"
    # Also what the loader opens by itself: ldd names it with its path.
    for file in $(ldd dist/userspace | grep -o '/[^ ]*'); do install -D -m 0755 "$file" "$scratch/root$file"; done
    install -m 0755 dist/userspace "$scratch/root/userspace"
    build "$plugin" "$scratch"
    ;;
  copy)
    mkdir -p "$bin"
    run "$plugin" --volume "$bin:/opt/cni/bin" -- /userspace install --cni-bin-dir /opt/cni/bin ||
      fail "nothing was copied. Is there an image $plugin? \`make image\` builds it"
    ;;
  push)
    "$builder" push "$plugin" ||
      fail "nothing was pushed. IMAGE_REGISTRY has to name a registry that you are logged in to ($builder login)"
    ;;
  testpmd)
    cp scripts/image/testpmd/* "$scratch"
    install -m 0755 dist/userspace "$scratch/userspace"
    build "$(image userspace-testpmd)" "$scratch" --build-arg "BASE_IMAGE=${BASE_IMAGE:-debian:13}" ||
      fail "no image. BASE_IMAGE has to be a Debian 13 that can be had here: \`make base-image\` makes ${registry%/}/debian:13"
    ;;
  base)
    [ "$(id -u)" = 0 ] || fail "debootstrap needs root"
    command -v debootstrap >/dev/null || fail "there is no debootstrap: install it (apt-get install debootstrap)"
    # Where this machine has Debian 13 from, else debootstrap's own default.
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: trixie' 2>/dev/null | head -n 1 || true)
    echo "debootstrap: Debian 13 from ${mirror:-its default mirror}; this takes a minute or more"
    debootstrap --variant=minbase trixie "$scratch/root" ${mirror:+"$mirror"} >"$scratch/log" 2>&1 ||
      fail "debootstrap: $(tail -n 5 "$scratch/log")"
    chroot "$scratch/root" apt-get clean
    mkdir "$scratch/context"
    tar -C "$scratch/root" --one-file-system -cf "$scratch/context/root.tar" .
    printf 'FROM scratch\nADD root.tar /\nCMD ["/bin/bash"]\n' >"$scratch/context/Dockerfile"
    build "${registry%/}/debian:13" "$scratch/context"
    ;;
  *) fail "name, build, copy, push, testpmd or base" ;;
esac
