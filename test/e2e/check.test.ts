/**
 * CHECK after each kind of damage, with the executable on a real Open vSwitch and real host-local: each is named,
 * nothing is changed, and DEL then leaves nothing. `test/suites/VppProgramsSuite.ts` has the same for VPP.
 */
import { readdirSync, rmSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { CniNode, type Sandbox, socketOf } from "./support/CniNode.ts"
import * as Plugin from "./support/Plugin.ts"
import type { ProgramError } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"
import { isStill, look } from "./support/World.ts"

type Damage = (port: string, sandbox: Sandbox) => Effect.Effect<unknown, ProgramError, CniNode>

const vsctl = (...args: ReadonlyArray<string>) => Effect.flatMap(CniNode, (node) => node.vsctl(...args))

const damages: Readonly<Record<string, readonly [mode: "client" | "server", Damage, said: RegExp]>> = {
  "the port was removed by hand": ["client", (port) => vsctl("del-port", port), /port usp\w+ is missing/],
  "the port was moved to another bridge": [
    "client",
    Effect.fnUntraced(function* (port) {
      const id = (yield* vsctl("get", "Port", port, "_uuid")).trim()
      yield* vsctl("--may-exist", "add-br", "br-moved", "--", "set", "Bridge", "br-moved", "datapath_type=netdev")
      yield* vsctl("remove", "Bridge", "br-e2e", "ports", id, "--", "add", "Bridge", "br-moved", "ports", id)
    }),
    /bridge of port usp\w+ is br-moved, not br-e2e/
  ],
  "the VLAN was changed": ["client", (port) => vsctl("set", "Port", port, "tag=9"), /VLAN of port usp\w+ is 9, not 7/],
  "the VLAN was removed": [
    "client",
    (port) => vsctl("clear", "Port", port, "tag"),
    /VLAN of port usp\w+ is none, not 7/
  ],
  "the marks were removed": [
    "client",
    (port) => vsctl("clear", "Port", port, "external_ids"),
    /port usp\w+ is missing/
  ],
  "ovs-vswitchd was restarted, and has a socket of its own again": [
    "server",
    () =>
      Effect.flatMap(CniNode, ({ ovs }) => Effect.andThen(ovs.stopVswitchd, ovs.startVswitchd)).pipe(
        // Returns when ovs-vswitchd has applied the whole database.
        Effect.andThen(vsctl("set", "Open_vSwitch", ".", "external_ids:restarted=yes"))
      ),
    /no longer is ovs-vswitchd's .*: ovs-vswitchd was restarted/
  ],
  "the socket was removed": [
    "server",
    (_, sandbox) => Effect.map(CniNode, ({ sharedDir }) => rmSync(socketOf(sharedDir, sandbox))),
    /the socket .* is missing/
  ],
  "the file for the container was removed": [
    "client",
    (_, { containerId, ifName }) =>
      Effect.map(CniNode, ({ sharedDir }) => {
        const id12 = containerId.slice(0, 12)
        rmSync(`${sharedDir}/${id12}/configData-${id12}-${ifName}.json`)
      }),
    /configData-.*\.json is missing/
  ],
  "the lease was removed": [
    "client",
    () =>
      Effect.map(CniNode, ({ leases }) => {
        for (const name of readdirSync(`${leases}/e2e`)) if (name.startsWith("10.")) rmSync(`${leases}/e2e/${name}`)
      }),
    /IPAM plugin host-local CHECK: code 999: .*Failed to find address/
  ]
}

onMachine(["root", "executable", "ovs", "hostLocal"], CniNode.layer)("CHECK names it", (test) => {
  for (const [name, [mode, damage, said]] of Object.entries(damages)) {
    test(name, () =>
      Effect.gen(function* () {
        const node = yield* CniNode
        const sandbox = yield* node.sandbox
        const { host } = node.network
        const bridge = { ...host.bridge, vlanId: 7 }
        const network = { ...node.network, host: { ...host, vhost: { mode }, bridge } }
        const added = yield* node.call("ADD", sandbox, network)
        yield* Plugin.resultOf(added)
        const asked = { ...network, prevResult: added.document }
        const whole = yield* node.call("CHECK", sandbox, asked)
        assert.deepStrictEqual([whole.status, whole.stdout], [0, ""])
        yield* damage(yield* node.portMarked(sandbox.containerId), sandbox)
        const before = yield* look(node.watched)
        const error = yield* Plugin.errorOf(yield* node.call("CHECK", sandbox, asked))
        assert.match(error.msg, said)
        assert.notStrictEqual(error.details, "")
        yield* isStill(node.watched, before)
        const deleted = yield* node.call("DEL", sandbox, network)
        assert.strictEqual(deleted.status, 0, deleted.stdout)
        assert.notInclude(JSON.stringify((yield* look(node.watched)).leases), sandbox.containerId)
      })
    )
  }
})
