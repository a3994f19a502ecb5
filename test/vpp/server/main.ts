/**
 * Serves a VPP in TypeScript until it is stopped: for `make demo`, the benchmark, and for experiments without a VPP.
 * Arguments: path of its API socket, release. Prints each request on a line.
 */
import type { Release } from "./Release.ts"
import { VppServer } from "./VppServer.ts"

const [, , path = "/tmp/vpp-api.sock", asked = "26.06"] = process.argv
const release: Release = asked === "21.10" || asked === "23.02" ? asked : "26.06"

const server = new VppServer({ path, release })
server.intercept = (name) => {
  process.stdout.write(`${name}\n`)
  return undefined
}
await server.start()
process.stdout.write(`VPP ${release} in TypeScript at ${path}\n`)

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    server.kill().then(() => process.exit(0))
  })
}
