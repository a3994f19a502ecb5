/** IPAM plugins for tests: shell scripts in temporary directories, run by the real layer. */
import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer, Logger } from "effect"
import { Ipam } from "../../../src/ipam/Ipam.ts"
import { Files } from "../../../src/platform/Files.ts"
import * as NodeProcesses from "../../platform/support/node/NodeProcesses.ts"

/** Without a log, unless a test provides one. */
export const real = Layer.mergeAll(Ipam.layer.pipe(Layer.provide([Files.layer, NodeProcesses.layer])), Logger.layer([]))

export const directory = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(join(tmpdir(), "ipam-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
)

/** Writes `#!/bin/sh` and `lines`; returns the path. */
export const install = (path: string, name: string, lines: string, mode = 0o755): string => {
  const program = join(path, name)
  Fs.writeFileSync(program, `#!/bin/sh\n${lines}\n`)
  Fs.chmodSync(program, mode)
  return program
}

/** Leases as files, assigned in order, with host-local's messages. One range in the last octet. */
export const hostLocal = `
conf=$(cat)
field() { printf %s "$conf" | sed -n 's/.*"'"$1"'":"\\([^"]*\\)".*/\\1/p'; }
fail() { printf '{"cniVersion":"1.0.0","code":999,"msg":"%s"}' "$1"; exit 1; }
about='"cniVersion":"1.0.0","supportedVersions":["0.4.0","1.0.0"]'
[ "$CNI_COMMAND" != VERSION ] || { printf '{%s}' "$about"; exit; }
[ -n "$CNI_CONTAINERID" ] || { printf '{"code":3,"msg":"missing containerID"}'; exit 1; }
leases=$0.leases/$(field name)
mkdir -p "$leases"
holder="$CNI_CONTAINERID $CNI_IFNAME"
held=$(grep -lxF "$holder" "$leases"/* 2>/dev/null | head -n 1)
case $CNI_COMMAND in
DEL) [ -z "$held" ] || rm "$held" ;;
CHECK) [ -n "$held" ] || fail "host-local: Failed to find address added by container $CNI_CONTAINERID" ;;
ADD)
  gateway=$(field gateway) first=$(field rangeStart) last=$(field rangeEnd)
  [ -n "$first" ] || fail "no IP ranges specified"
  [ -z "$held" ] || fail "failed to allocate for range 0: $(basename "$held") has been allocated to $CNI_CONTAINERID, duplicate allocation is not allowed"
  for octet in $(seq "\${first##*.}" "\${last##*.}"); do
    address=\${first%.*}.$octet
    if [ "$address" != "$gateway" ] && [ ! -e "$leases/$address" ]; then
      echo "$holder" >"$leases/$address"
      printf '{"cniVersion":"1.0.0","ips":[{"address":"%s/24","gateway":"%s"}],"routes":[{"dst":"10.0.0.0/8","gw":"%s"}],"dns":{}}' "$address" "$gateway" "$gateway"
      exit
    fi
  done
  fail "failed to allocate for range 0: no IP addresses available in range set: $first-$last"
  ;;
*) printf '{"code":4,"msg":"unknown CNI_COMMAND: %s"}' "$CNI_COMMAND"; exit 1 ;;
esac
`
