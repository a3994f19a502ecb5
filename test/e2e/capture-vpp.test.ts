/** Captures on real VPPs: pings of a pod's VPP with their directions, and what one that was killed leaves. */
import { readFileSync } from "node:fs"
import { basename } from "node:path"
import { assert, type Vitest } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { packets } from "../attachment/capture/support/Blocks.ts"
import { until } from "../support/Until.ts"
import type { Sandbox } from "./support/CniNode.ts"
import { capturingPrefixes, executable } from "./support/Machine.ts"
import { well } from "./support/Plugin.ts"
import { answers, attachedPod, pings } from "./support/PodVpp.ts"
import { ended, run, start, succeed } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"
import { type OnVpp, onReal, VppCniNode, VppDaemon } from "./support/VppCniNode.ts"
import { libraries } from "./support/VppInstance.ts"

const bridge = { netType: "bridge", bridge: { bridgeName: "44" } }

/** What a person sees of spans and of the interfaces that they lead to. */
const shown = Effect.fnUntraced(function* (prefix: string) {
  const { api } = yield* VppDaemon
  const socket = api.replace(/api\.sock$/, "cli.sock")
  const ctl = (...words: ReadonlyArray<string>) =>
    succeed(`${prefix}/bin/vppctl`, ["-s", socket, ...words], { env: { LD_LIBRARY_PATH: libraries(prefix) } })
  return `${yield* ctl("show", "interface", "span")}${yield* ctl("show", "interface")}`
})

const spans = (text: string) => [...text.matchAll(/host-usc\w+ +\( +(rx|tx)\)/g)].map(([, way]) => way).sort()

const words = Effect.fnUntraced(function* ({ containerId }: Sandbox, ...more: ReadonlyArray<string>) {
  const { directory } = yield* VppCniNode
  return ["capture", "--state-dir", `${directory}/state`, "--container-id", containerId, ...more]
})

const capturing = Effect.fnUntraced(function* (prefix: string, of: Sandbox, ...more: ReadonlyArray<string>) {
  const running = yield* start(executable, yield* words(of, ...more), { stop: "SIGTERM" })
  const both = Effect.map(shown(prefix), (text) => ({ text, capture: running.soFar() }))
  yield* until("two spans", both, ({ text }) => spans(text).length === 2)
  return running
})

const captures = (prefix: string) => (test: Vitest.Test<OnVpp | Scope.Scope>) => {
  test("have pings and their answers, with the pod's directions; what a killed one left goes; a DEL ends them", () =>
    Effect.gen(function* () {
      const { call, directory, look, network, returnsTo, sandbox, userspace } = yield* VppCniNode
      const before = yield* look
      const [one, two] = [yield* sandbox, yield* sandbox]
      const conf = network(bridge)
      const pod = yield* attachedPod(prefix, one, conf, "192.168.44.3/24")
      yield* attachedPod(prefix, two, conf, "192.168.44.4/24")
      assert.strictEqual(yield* pings(pod, "192.168.44.4"), 5)
      const attached = yield* look

      const file = `${directory}/pings.pcapng`
      const running = yield* capturing(prefix, one, "--filter", "icmp", "-w", file)
      const second = yield* run(executable, yield* words(one, "-w", "/dev/null"))
      assert.match(second.stderr, /port of net1 is being captured already/)
      assert.strictEqual(yield* answers(pod, "192.168.44.4", 3), 3)
      yield* running.signal("SIGINT")
      const { status, stderr } = yield* ended(running)
      assert.strictEqual(status, 0, stderr)
      assert.match(stderr, /Captured 6 packets: 3 inbound to the pod, 3 outbound from it; 0 were dropped/)
      // ICMP's type: 8 asks, 0 answers.
      assert.deepStrictEqual(
        packets(readFileSync(file)).map(({ direction, frame }) => `${direction} ${frame[34]}`),
        Array.from({ length: 6 }, (_, n) => (n % 2 === 0 ? "outbound 8" : "inbound 0"))
      )
      yield* returnsTo(attached)

      const killed = yield* capturing(prefix, one, "-w", "/dev/null")
      yield* killed.signal("SIGKILL")
      yield* killed.outcome
      assert.deepStrictEqual(spans(yield* shown(prefix)), ["rx", "tx"])
      // Its device is gone, and VPP forwards.
      assert.strictEqual(yield* answers(pod, "192.168.44.4", 1), 1)
      yield* userspace("gc", "--by-sandbox", "--state-dir", `${directory}/state`)
      assert.notInclude(yield* shown(prefix), "usc")
      yield* returnsTo(attached)

      const last = yield* capturing(prefix, one, "-w", "/dev/null")
      well(yield* call("DEL", one, conf))
      const deleted = yield* ended(last)
      assert.strictEqual(deleted.status, 0)
      assert.include(deleted.stderr, "The port was removed from the switch.")
      const text = yield* shown(prefix)
      assert.notInclude(text, "usc")
      assert.notInclude(text, "DELETED")
      well(yield* call("DEL", two, conf))
      yield* returnsTo(before)
    }))
}

const prefixes = capturingPrefixes()

for (const prefix of prefixes.length > 0 ? prefixes : [""]) {
  onMachine(["root", "executable", "hostLocal", "afPacket", "tcpdump"], onReal(prefix))(
    `captures on VPP ${basename(prefix)}`,
    captures(prefix)
  )
}
