# Sourced: which of buildah, docker and podman there is, and how each of them runs something in an image.
# IMAGE_BUILDER names one; without it, the first that is there.

fail() { echo "$(basename "$0"): $1" >&2 && exit 1; }

builder=${IMAGE_BUILDER:-}
for one in buildah docker podman; do
  [ -n "$builder" ] || ! command -v "$one" >/dev/null || builder=$one
done
[ -n "$builder" ] || fail "there is no buildah, docker or podman: install one, or name it in IMAGE_BUILDER"
command -v "$builder" >/dev/null || fail "there is no $builder (IMAGE_BUILDER)"

is_buildah() { [ "$(basename "$builder")" = buildah ]; }

# buildah gives a container more than its caller has, which takes CAP_SYS_RESOURCE. What the caller has will do.
limits=()
if is_buildah; then
  limit() { ulimit -H "$1" | sed 's/unlimited/-1/;s/.*/&:&/'; }
  limits=(--ulimit "nofile=$(limit -n)" --ulimit "nproc=$(limit -u)")
fi

scratch=$(mktemp -d)
container=
tidy() {
  [ -z "$container" ] || buildah rm "$container" >/dev/null
  rm -rf "$scratch"
}
trap tidy EXIT

# The directory has a Dockerfile and all that it copies.
build() { # IMAGE DIRECTORY OPTIONS...
  local network=()
  # A network of its own takes buildah more than it may have everywhere.
  ! is_buildah || network=(--network host)
  "$builder" build "${limits[@]}" "${network[@]}" "${@:3}" -t "$1" -f "$2/Dockerfile" "$2"
}

# In a container that has no network and is gone afterwards.
run() { # IMAGE OPTIONS... -- PROGRAM ARGUMENTS...
  local image=$1 options=()
  shift
  while [ "$1" != -- ]; do options+=("$1") && shift; done
  shift
  if is_buildah; then
    # What is only a change of the root directory cannot have a network of its own either.
    local network=none
    [ "${BUILDAH_ISOLATION:-}" != chroot ] || network=host
    container=$(buildah from "${limits[@]}" "$image")
    buildah run --network "$network" "${options[@]}" "$container" -- "$@"
  else
    "$builder" run --rm --network none "${options[@]}" --entrypoint "$1" "$image" "${@:2}"
  fi
}
