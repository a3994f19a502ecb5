#!/bin/bash
# The container image: build, copy (run it: the plugin goes to CNI_BIN_DIR of this machine), push.
# IMAGE_BUILDER is buildah, docker or podman; without it, the first of them that is there.
set -euo pipefail
cd "$(dirname "$0")/.."

registry=${IMAGE_REGISTRY:-localhost/}
image=${registry%/}/userspacecni:${IMAGE_VERSION:-latest}
bin=${CNI_BIN_DIR:-/opt/cni/bin}

# Whoever deploys needs no builder.
[ "${1:-}" != name ] || { echo "$image" && exit; }

fail() { echo "image.sh: $1" >&2 && exit 1; }

builder=${IMAGE_BUILDER:-}
for one in buildah docker podman; do
  [ -n "$builder" ] || ! command -v "$one" >/dev/null || builder=$one
done
[ -n "$builder" ] || fail "there is no buildah, docker or podman: install one, or name it in IMAGE_BUILDER"
command -v "$builder" >/dev/null || fail "there is no $builder (IMAGE_BUILDER)"

scratch=$(mktemp -d)
container=
tidy() {
  [ -z "$container" ] || buildah rm "$container" >/dev/null
  rm -rf "$scratch"
}
trap tidy EXIT

case ${1:-} in
  build)
    cp scripts/image/Dockerfile "$scratch"
    # Also what the loader opens by itself: ldd names it with its path.
    for file in $(ldd dist/userspace | grep -o '/[^ ]*'); do install -D -m 0755 "$file" "$scratch/root$file"; done
    install -m 0755 dist/userspace "$scratch/root/userspace"
    "$builder" build -t "$image" -f "$scratch/Dockerfile" "$scratch"
    ;;
  copy)
    mkdir -p "$bin"
    if [ "$(basename "$builder")" = buildah ]; then
      container=$(buildah from --pull-never "$image")
      buildah run --volume "$bin:/opt/cni/bin" "$container" -- /userspace install --cni-bin-dir /opt/cni/bin
    else
      "$builder" run --rm --volume "$bin:/opt/cni/bin" "$image"
    fi
    ;;
  push) "$builder" push "$image" ;;
  *) fail "name, build, copy or push" ;;
esac
