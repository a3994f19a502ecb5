#!/bin/bash
# `make full`, the second ring: what CI draws a part of, whole and for longer, one after the other. Its result is written
# into docs/testing.md, with date and commit. ONLY="soak fuzz" runs these, and writes nothing.
set -uo pipefail
script=$(realpath "$0")
cd "$(dirname "$0")/.."
: "${CI_DEADLINE:=21600}" "${REAL_PARTS:=../shared/real}"
. .ci/harness.sh
apart "$REAL_PARTS" $(tr : " " <<<"${VPP_PREFIX:-}") ${PEERS:-}

e2e="npm run --silent e2e --"
steps=(
  "packages: bash scripts/install-e2e.sh"
  "build: make build"
  "faults: make faults AGENT=1"
  "soak: make soak"
  "model: env MODEL_RUNS=2000 npm test -- test/attachment/node/Model.test.ts"
  "sequences: env MODEL_RUNS=50 $e2e test/e2e/model.test.ts test/e2e/model-vpp.test.ts"
  "calls: env CALLS_IN_ONE_PROCESS=10000 $e2e test/e2e/one-process.test.ts"
  "sandboxes: env SANDBOXES=20 $e2e test/e2e/new-sandbox.test.ts"
  "frames: env HOSTILE_FRAMES=1000000 $e2e test/e2e/ovs-hostile-frames.test.ts test/e2e/vpp-vlans.test.ts"
  "hostile: env HOSTILE=1 $e2e test/e2e/ovs-hostile-processes.test.ts test/e2e/vpp-hostile-processes.test.ts"
  "fuzz: make fuzz FUZZ_SECONDS=600"
  "client: env CLIENT_FUZZ_RUNS=2000000 npm test -- test/client"
  "bench: make bench"
)

main() {
  local one
  if [ -z "${VPP_PREFIX:-}" ] && [ -x "$REAL_PARTS/unpack" ]; then
    VPP_PREFIX=$("$REAL_PARTS/unpack" "$PWD/.cache/real" vpp-26.06 vpp-23.02 | paste -sd :) && export VPP_PREFIX
  fi
  for one in "${steps[@]}"; do
    case " ${ONLY:-${one%%:*}} " in *" ${one%%:*} "*) step "${one%%:*}" ${one#*: } ;; esac
  done
}

closing() { # FAILED...
  local rows
  rows=$(ended | awk '$1 != "left" { printf "| %s | %s | %d |\n", $1, $2 == 0 ? "passed" : "failed", $4 }')
  [ -n "${ONLY:-}" ] || awk -v rows="$rows" -v when="$(date +%F), commit $(git rev-parse --short HEAD)" '
    /^<!-- full -->/ { print; print "\n" when ":\n\n| Step | Result | Seconds |\n| --- | --- | --- |\n" rows "\n"; skips = 1; next }
    /^<!-- end -->/ { skips = 0 }
    !skips' docs/testing.md >"$state/testing.md" && cp "$state/testing.md" docs/testing.md
  say "$(grep -c passed <<<"$rows") passed, $# failed"
  [ $# = 0 ]
}

lane main
join
finish
