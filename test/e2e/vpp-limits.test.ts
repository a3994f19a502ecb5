/** A pod's bandwidth on real VPPs: the executable creates the policers, they drop pings, and DEL removes them. */
import { basename } from "node:path"
import { assert } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { lastSeen } from "../support/Until.ts"
import { vppPrefixes } from "./support/Machine.ts"
import { well } from "./support/Plugin.ts"
import { pings, podAt } from "./support/PodVpp.ts"
import { onMachine } from "./support/Suite.ts"
import { over, VppCniNode, VppDaemon } from "./support/VppCniNode.ts"
import { instance, type VppInstance } from "./support/VppInstance.ts"

class Host extends Context.Service<Host, VppInstance>()("userspace-cni/test/Host") {}

const on = (prefix: string) => {
  const host = Layer.effect(Host, instance(prefix))
  const daemon = Layer.effect(
    VppDaemon,
    Effect.map(Host, ({ api, kill, start }) => ({ api, kill, start: Effect.orDie(start) }))
  )
  return Layer.merge(host, over(Layer.provide(daemon, host), basename(prefix)))
}

/** Two frames at once, and then seven in ten seconds, because a busy machine takes its time to send. */
const slow = { rate: 8_000, burst: 24_000 }
const from = { egressRate: slow.rate, egressBurst: slow.burst }
const towards = { ingressRate: slow.rate, ingressBurst: slow.burst }

const asking = (bandwidth: object) => ({ capabilities: { bandwidth: true }, runtimeConfig: { bandwidth } })

/** Passed and dropped packets of all policers. */
const counted = (text: string) => {
  const sum = (word: string) =>
    [...text.matchAll(new RegExp(`^ *${word} (\\d+) packets`, "gm"))].reduce((all, [, count]) => all + Number(count), 0)
  return { passed: sum("conform"), dropped: sum("violate") }
}

/** How many are answered of twenty frames of 1400 bytes in half a second. */
const burst = (vpp: VppInstance, to: string) =>
  Effect.map(vpp.ctl("ping", to, "size", "1400", "repeat", "20", "interval", "0.025"), (text) =>
    Number(/(\d+) received/.exec(text)?.[1] ?? 0)
  )

/** On a busy machine answers come late, and frames with pauses between them: until a burst has been one. */
const unlimited = (vpp: VppInstance, to: string) => lastSeen(burst(vpp, to), (received) => received >= 15)
const slowed = (vpp: VppInstance, to: string) => lastSeen(burst(vpp, to), (received) => received >= 1 && received <= 10)

for (const prefix of vppPrefixes.length > 0 ? vppPrefixes : [""]) {
  onMachine(["root", "executable", "hostLocal", "vpp"], on(prefix))(`limits on VPP ${basename(prefix)}`, (test) => {
    test("traffic from a pod above egressRate is dropped, on its own port alone", () =>
      Effect.gen(function* () {
        const { call, directory, look, network, returnsTo, sandbox } = yield* VppCniNode
        const { ctl } = yield* Host
        const conf = network({ netType: "bridge", bridge: { bridgeName: "46" } })
        const [limited, free] = [yield* sandbox, yield* sandbox]
        const before = yield* look
        const added = yield* call("ADD", limited, { ...conf, ...asking(from) })
        well(added)
        well(yield* call("ADD", free, conf))
        const [one, two] = yield* Effect.forEach([limited, free], ({ containerId }, n) => {
          const short = containerId.slice(0, 12)
          const socket = `${directory}/shared/${short}/memif-${short}-net1.sock`
          return podAt(prefix, socket, undefined, `192.168.11.${n + 3}/24`)
        })
        if (one === undefined || two === undefined) return assert.fail()
        const said = yield* ctl("show", "policer")
        if (/unknown input/.test(said) || said === "") {
          assert.match(
            added.stderr,
            /traffic from the container is not limited \(egressRate\): message policer_\w+ is not available/
          )
          assert.isAtLeast(yield* unlimited(one, "192.168.11.4"), 15)
        } else {
          assert.match(said, /Name "userspace\/1\/\w{20}\/\w{8}\/\w{12}\/input" type 1r2c cir 8 eir 0 cb 3000 eb 0/)
          yield* pings(two, "192.168.11.3")
          const { dropped } = counted(yield* ctl("show", "policer"))
          const received = yield* slowed(one, "192.168.11.4")
          assert.isAtLeast(received, 1)
          assert.isAtMost(received, 10)
          const after = counted(yield* ctl("show", "policer"))
          assert.isAtLeast(after.dropped - dropped, 10)
          assert.isAbove(after.passed, 0)
        }
        well(yield* call("CHECK", limited, { ...conf, ...asking(from), prevResult: added.document }))
        for (const pod of [limited, free]) well(yield* call("DEL", pod, conf))
        yield* returnsTo(before)
      }))

    test("traffic bridged to a pod above ingressRate is dropped from 26.06 on, and warned about before", () =>
      Effect.gen(function* () {
        const { call, directory, look, network, returnsTo, sandbox } = yield* VppCniNode
        const conf = network({ netType: "bridge", bridge: { bridgeName: "47" } })
        const [free, limited] = [yield* sandbox, yield* sandbox]
        const before = yield* look
        well(yield* call("ADD", free, conf))
        const added = yield* call("ADD", limited, { ...conf, ...asking(towards) })
        well(added)
        const [one] = yield* Effect.forEach([free, limited], ({ containerId }, n) => {
          const short = containerId.slice(0, 12)
          const socket = `${directory}/shared/${short}/memif-${short}-net1.sock`
          return podAt(prefix, socket, undefined, `192.168.12.${n + 3}/24`)
        })
        if (one === undefined) return assert.fail()
        yield* pings(one, "192.168.12.4")
        if (/is not limited \(ingressRate\)/.test(added.stderr)) {
          assert.isAtLeast(yield* unlimited(one, "192.168.12.4"), 15)
        } else {
          const received = yield* slowed(one, "192.168.12.4")
          assert.isAtLeast(received, 1)
          assert.isAtMost(received, 10)
        }
        for (const pod of [free, limited]) well(yield* call("DEL", pod, conf))
        yield* returnsTo(before)
      }))

    test("traffic routed to a pod above ingressRate is dropped", () =>
      Effect.gen(function* () {
        const { call, directory, look, network, returnsTo, sandbox } = yield* VppCniNode
        const { ctl } = yield* Host
        const conf = { ...network({ netType: "interface" }), ...asking(towards) }
        const pod = yield* sandbox
        const before = yield* look
        const added = yield* call("ADD", pod, conf)
        well(added)
        const short = pod.containerId.slice(0, 12)
        const address: string = JSON.parse(added.stdout).ips[0].address
        const vpp = yield* podAt(prefix, `${directory}/shared/${short}/memif-${short}-net1.sock`, undefined, address)
        if (/is not limited \(ingressRate\)/.test(added.stderr)) {
          assert.isAtLeast(yield* unlimited(vpp, "10.57.0.1"), 15)
        } else {
          yield* pings(vpp, "10.57.0.1")
          const received = yield* slowed(vpp, "10.57.0.1")
          assert.isAtLeast(received, 1)
          assert.isAtMost(received, 10)
          assert.isAtLeast(counted(yield* ctl("show", "policer")).dropped, 10)
        }
        well(yield* call("DEL", pod, conf))
        yield* returnsTo(before)
      }))
  })
}
