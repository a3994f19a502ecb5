/**
 * Calls are values: thousands of them in one process, sixteen at a time, over the real edges, on a real Open vSwitch
 * and the VPP in TypeScript. ADD, CHECK, DEL, GC and STATUS succeed, fail, are interrupted and time out. Each has its
 * own outcome, environment, log and deadline. At the end the process has no more open descriptors or memory than at
 * half of the calls, and nothing is left on either node. `CALLS_IN_ONE_PROCESS` sets their number.
 */
import { chmodSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { lastSeen } from "../support/Until.ts"
import { type Measure, type Order, Report } from "./one-process/Order.ts"
import { CniNode } from "./support/CniNode.ts"
import { pluginDirectory } from "./support/Machine.ts"
import { cleanEnvironment, succeed } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"
import { onTypeScript, VppCniNode, VppInTypeScript } from "./support/VppCniNode.ts"
import { look, returnsTo } from "./support/World.ts"

const calls = Number(process.env["CALLS_IN_ONE_PROCESS"] ?? 500)
const bun = join(import.meta.dirname, "../../node_modules/.bin/bun")

/**
 * Debian's host-local, which knows versions up to 1.0.0, and checks that the environment is the call's; and plugins
 * that fail or hang.
 */
const programs = {
  probe: `case "$CNI_COMMAND" in GC|STATUS) exit 0;; esac
[ "$OF_THIS_CALL" = "$CNI_CONTAINERID" ] || { echo "of $OF_THIS_CALL, not $CNI_CONTAINERID" >&2; exit 9; }
sed 's/"cniVersion":"1.1.0"/"cniVersion":"1.0.0"/' | ${pluginDirectory}/host-local`,
  broken: `[ "$CNI_COMMAND" = ADD ] && exit 1; exit 0`,
  hangs: `[ "$CNI_COMMAND" = ADD ] && exec sleep 60; exit 0`
}

const install = (directory: string) => {
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(`${directory}/${name}`, `#!/bin/sh\n${script}\n`)
    chmodSync(`${directory}/${name}`, 0o755)
  }
}

const descriptorsOf = (pid: number) => readdirSync(`/proc/${pid}/fd`).length

const interrupted = (outcomes: Report["outcomes"]) =>
  Object.entries(outcomes).reduce((sum, [kind, count]) => sum + (/interrupted|deadline/.test(kind) ? count : 0), 0)

const inWords = (measure: Measure) =>
  Object.entries(measure)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ")

onMachine(["root", "ovs", "hostLocal"], Layer.merge(CniNode.layer, onTypeScript))("calls in one process", (test) => {
  test(
    `${calls} calls leave nothing, in the process and outside, and share nothing`,
    () =>
      Effect.gen(function* () {
        const ovs = yield* CniNode
        const vpp = yield* VppCniNode
        const server = yield* VppInTypeScript
        install(ovs.plugins)
        yield* ovs.vsctl("add-br", "br-e2e", "--", "set", "Bridge", "br-e2e", "datapath_type=netdev")
        const { netns } = yield* ovs.sandbox
        const ipam = { ...ovs.network.ipam, type: "probe" }
        const order: Order = {
          calls,
          // The heap grows while bun compiles code, for which a tenth of the calls is too few: the measure is at half
          // of them.
          warmUp: Math.ceil(calls / 2),
          networks: [
            { ...ovs.network, cniVersion: "1.1.0", ipam },
            { ...vpp.network({ netType: "bridge", bridge: { bridgeName: "61" } }), cniVersion: "1.1.0", ipam }
          ],
          netns,
          plugins: ovs.plugins,
          logs: `${ovs.directory}/logs`
        }
        const before = yield* look(ovs.watched)
        const beforeVpp = yield* vpp.look
        const atDatabase = descriptorsOf(yield* ovs.ovs.ovsdbPid)
        const said = yield* succeed(bun, [join(import.meta.dirname, "one-process/main.ts"), JSON.stringify(order)], {
          env: { ...cleanEnvironment, OF_THIS_CALL: "the process's" },
          deadline: "1 hour"
        })
        const report = yield* Schema.decodeUnknownEffect(Schema.fromJsonString(Report))(said)
        const { end, outcomes, problems, seconds, warm } = report
        const kinds = Object.entries(outcomes).map(([kind, count]) => `  ${kind}: ${count}`)
        process.stdout.write(
          `${report.calls} calls in ${seconds} s\n${kinds.join("\n")}\nwarm: ${inWords(warm)}\nend:  ${inWords(end)}\n`
        )
        assert.deepStrictEqual(problems, [])
        assert.isAtLeast(report.calls, calls)
        assert.deepStrictEqual(end.descriptors, warm.descriptors)
        // Its own wait for rest.
        assert.isAtMost(end.timers, 1)
        assert.isAtMost(end.objects, warm.objects * 1.1)
        assert.isAtMost(end.heapMiB, warm.heapMiB * 1.1 + 2)
        assert.strictEqual(server.connected, 0)
        // A client that is interrupted before its hello cannot disconnect.
        assert.isAtMost(server.rude, interrupted(outcomes))
        // Some clients that only read may be disconnecting, before and now.
        const stillAtDatabase = yield* lastSeen(
          Effect.map(ovs.ovs.ovsdbPid, descriptorsOf),
          (open) => open <= atDatabase
        )
        assert.isAtMost(stillAtDatabase, atDatabase)
        yield* returnsTo(ovs.watched, before)
        yield* vpp.returnsTo(beforeVpp)
      }),
    3_600_000
  )
})
