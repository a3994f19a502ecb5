/**
 * After many calls, the agent has no more descriptors, and not much more memory, than after the first of them, and
 * nothing is left on either switch. `SOAK_CALLS` sets the number of calls; `make soak` makes 20,000, and prints their
 * times.
 */
import { readdirSync, readFileSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { lastSeen } from "../support/Until.ts"
import { type Agent, agent } from "./support/Agent.ts"
import { busyBridge, socketOf } from "./support/AgentCalls.ts"
import { CniNode, newContainerId, type Sandbox } from "./support/CniNode.ts"
import { callAll } from "./support/Crowd.ts"
import { onMachine } from "./support/Suite.ts"
import { onTypeScript, VppCniNode, VppInTypeScript } from "./support/VppCniNode.ts"
import { look, returnsTo } from "./support/World.ts"

const wanted = Number(process.env["SOAK_CALLS"] ?? 600)
const atOnce = 20

const measured = ({ running: { pid } }: Agent) => ({
  residentMiB: Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024),
  descriptors: readdirSync(`/proc/${pid}/fd`).length,
  threads: readdirSync(`/proc/${pid}/task`).length
})

onMachine(["root", "executable", "ovs", "hostLocal"], Layer.merge(CniNode.layer, onTypeScript))("a soak", (test) => {
  test(
    `${wanted} calls through one agent`,
    () =>
      Effect.gen(function* () {
        const ovs = yield* CniNode
        const vpp = yield* VppCniNode
        const server = yield* VppInTypeScript
        yield* busyBridge
        const served = yield* agent(yield* socketOf)
        const { netns } = yield* ovs.sandbox
        const before = yield* look(ovs.watched)
        const beforeVpp = yield* vpp.look
        const memif = vpp.network({ netType: "bridge", bridge: { bridgeName: "61" } })
        const logged = (network: object, name: string) => ({
          ...network,
          logFile: `${ovs.directory}/logs/${name}.log`,
          logLevel: "info"
        })
        const networks = [logged(ovs.network, "ovs"), logged(memif, "vpp")] as const

        /** ADD, CHECK of a changed attachment, a second ADD, DEL, and a DEL of nothing. */
        const wave = Effect.fnUntraced(function* (nth: number) {
          const network = networks[nth % 2] ?? ovs.network
          const pods = Array.from(
            { length: atOnce },
            (): Sandbox => ({ containerId: newContainerId(), netns, ifName: "net1" })
          )
          for (const [verb, status] of [
            ["ADD", 0],
            ["ADD", 1],
            ["DEL", 0],
            ["DEL", 0]
          ] as const) {
            const calls = pods.map((pod) => ovs.called(verb, pod, network, { environment: served.environment }))
            for (const answer of yield* callAll(calls)) {
              assert.strictEqual(answer.status, status, answer.stdout + answer.stderr)
            }
          }
        })
        const perWave = atOnce * 4
        const waves = Math.ceil(wanted / perWave)
        const part = (values: ReadonlyArray<number>) => values.reduce((sum, one) => sum + one, 0) / values.length
        const began = performance.now()
        const times: Array<number> = []
        let warm: ReturnType<typeof measured> | undefined
        const quarters = new Set([1, 2, 4].map((part) => Math.ceil((waves * part) / 4)))
        for (let nth = 0; nth < waves; nth++) {
          const start = performance.now()
          yield* wave(nth)
          times.push((performance.now() - start) / perWave)
          if (nth + 1 === Math.max(2, Math.ceil(waves / 10))) {
            yield* served.until("rest", ({ calls }) => calls.running + calls.queued === 0)
            warm = measured(served)
          }
          if (quarters.has(nth + 1)) {
            const lately = times.slice(-Math.max(1, Math.floor(waves / 10)))
            process.stdout.write(
              `after ${(nth + 1) * perWave} calls ${JSON.stringify(measured(served))}, ${part(lately).toFixed(1)} ms a call\n`
            )
          }
        }
        const { calls } = yield* served.until("rest", ({ calls }) => calls.running + calls.queued === 0)
        // Connections of the last callers are still being closed.
        const end = yield* lastSeen(
          Effect.sync(() => measured(served)),
          ({ descriptors }) => descriptors <= (warm?.descriptors ?? 0) + 4
        )
        const tenth = Math.max(1, Math.floor(times.length / 10))
        process.stdout.write(
          `${calls.served + calls.failed} calls served in ${Math.round((performance.now() - began) / 1000)} s; ` +
            `${part(times.slice(0, tenth)).toFixed(1)} ms a call in the first tenth, ${part(times.slice(-tenth)).toFixed(1)} in the last\n` +
            `warm ${JSON.stringify(warm)}\nend  ${JSON.stringify(end)}\n`
        )
        if (warm === undefined) return assert.fail("there was no warm agent")
        assert.isAbove(calls.served, wanted / 2)
        assert.isAtMost(end.descriptors, warm.descriptors + 4)
        assert.isAtMost(end.residentMiB, warm.residentMiB * 1.15 + 24)
        assert.isAtMost(server.connected, 1)
        assert.strictEqual(server.rude, 0)
        yield* returnsTo(ovs.watched, before)
        yield* vpp.returnsTo(beforeVpp)
      }),
    3_600_000
  )
})
