/**
 * One hostile and nine good pods on a real VPP, which a supervisor starts again: the hostile application ends VPP as
 * often as it has its port, until the agent leaves it away. Observed counts and times are printed.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { basename } from "node:path"
import { assert, type Vitest } from "@effect/vitest"
import { Context, Effect, Layer, type Scope } from "effect"
import { until } from "../support/Until.ts"
import { type Healing, healing } from "./support/Healing.ts"
import { vppPrefixes } from "./support/Machine.ts"
import { well } from "./support/Plugin.ts"
import { start } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"
import { type OnVpp, over, VppCniNode, VppDaemon } from "./support/VppCniNode.ts"
import { instance, type VppInstance } from "./support/VppInstance.ts"

class Vpp extends Context.Service<Vpp, VppInstance>()("userspace-cni/test/VppIsolation") {}

const [newest = ""] = vppPrefixes

const daemon = Layer.effect(
  VppDaemon,
  Effect.map(Vpp, ({ api, kill, start }) => ({ api, kill, start: Effect.orDie(start) }))
)
const live = over(daemon, basename(newest)).pipe(Layer.provideMerge(Layer.effect(Vpp, instance(newest))))

/** Starts VPP again whenever it ends, and notes how it ended. */
const supervised = Effect.gen(function* () {
  const vpp = yield* Vpp
  const ends: Array<string> = []
  const again = Effect.gen(function* () {
    ends.push(yield* vpp.ended)
    yield* vpp.start
  })
  yield* Effect.forkScoped(Effect.forever(again))
  return ends
})

/** The paths on which VPP listens; none while it is down. VPP has a network namespace of its own. */
const listening = Effect.gen(function* () {
  const pid = yield* (yield* Vpp).pid
  const lines = yield* Effect.orElseSucceed(
    Effect.try(() => readFileSync(`/proc/${pid}/net/unix`, "utf8").split("\n")),
    (): ReadonlyArray<string> => []
  )
  // __SO_ACCEPTCON
  return new Set(lines.flatMap((line) => / 00010000 .* (\/\S+)$/.exec(line)?.[1] ?? []))
})

/** How long after VPP answers all of these are back, in milliseconds. */
const backAfter = Effect.fnUntraced(function* (api: string, sockets: ReadonlyArray<string>) {
  const isThere = (all: ReadonlyArray<string>) =>
    until(`${all} to be listened on`, listening, (now) => all.every((path) => now.has(path)))
  yield* isThere([api])
  const since = performance.now()
  yield* isThere(sockets)
  return Math.round(performance.now() - since)
})

const attached = Effect.fnUntraced(function* (conf: object) {
  const { call, directory, sandbox } = yield* VppCniNode
  const pod = yield* sandbox
  well(yield* call("ADD", pod, conf))
  const short = pod.containerId.slice(0, 12)
  return { pod, short, socket: `${directory}/shared/${short}/memif-${short}-net1.sock` }
})

const isolates = (test: Vitest.Test<OnVpp | Vpp | Scope.Scope>) => {
  test("the hostile one is isolated, the others are back at once, and restore gives it its port", () =>
    Effect.gen(function* () {
      const { api, call, directory, network, returnsTo, look, restore, userspace } = yield* VppCniNode
      const vpp = yield* Vpp
      const conf = network({ netType: "bridge", bridge: { bridgeName: "44" } })
      const before = yield* look
      const pods = yield* Effect.forEach(Array.from({ length: 10 }), () => attached(conf))
      const [hostile, ...others] = pods
      if (hostile === undefined) return assert.fail()
      const good = others.map(({ socket }) => socket)
      const agent: Healing = yield* healing({ directory, stateDir: `${directory}/state`, plugins: `${directory}/bin` })
      // From now on it has some, and is as young as it is.
      writeFileSync(`${vpp.directory}/exec`, "\n")
      const ends = yield* supervised

      const began = performance.now()
      const application = yield* start("perl", [
        new URL("support/hello-and-close.pl", import.meta.url).pathname,
        hostile.socket
      ])
      yield* until("somebody who is isolated", agent.log, (text) => /its port is left away/.test(text), {
        deadline: "2 minutes"
      })
      const seconds = ((performance.now() - began) / 1000).toFixed(1)
      const back = yield* backAfter(api, good)
      process.stderr.write(
        `${basename(newest)}: isolated after ${ends.length} ends (${ends}) in ${seconds} s; nine ports back ${back} ms after VPP listens\n`
      )
      // Neither held back, nor put off for the minute between two repairs of a port.
      assert.isBelow(back, 20_000)
      const log = yield* agent.log
      assert.match(log, new RegExp(`container ${hostile.short}.*its port is left away`))
      for (const { short } of others) assert.notMatch(log, new RegExp(`container ${short}.*left away`))

      const list = yield* userspace("list", "--state-dir", `${directory}/state`)
      assert.match(list.stdout, new RegExp(`${hostile.short}.* isolated`))
      // The hostile application still tries, and VPP lives.
      const count = ends.length
      yield* vpp.ctl("show", "version")
      assert.strictEqual(ends.length, count)
      yield* application.signal("SIGKILL")
      yield* application.outcome

      assert.match((yield* restore()).stdout, /skipped: it is isolated/)
      assert.notInclude(yield* listening, hostile.socket)
      assert.strictEqual((yield* restore("--container-id", hostile.pod.containerId)).status, 0)
      assert.include(yield* listening, hostile.socket)
      for (const { pod } of pods) well(yield* call("DEL", pod, conf))
      yield* returnsTo(before)
    }))
}

onMachine(["root", "executable", "hostLocal", "vpp"], live)(`isolation on a real VPP ${basename(newest)}`, isolates)
