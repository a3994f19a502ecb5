/**
 * The events of a pod on a node in memory, as its API server receives them: what happens to its attachments, once and
 * not too often.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { parseRecord } from "../../../src/attachment/records/RecordFormat.ts"
import { CniError } from "../../../src/cni/types/CniError.ts"
import { turn } from "../../../src/platform/Sockets.ts"
import { stateDir } from "../../attachment/support/World.ts"
import { at } from "../../kubernetes/support/PodStore.ts"
import { asked, conf, uid } from "../../kubernetes/support/PodWorld.ts"
import { EventWorld, port, running, until } from "./support/EventWorld.ts"

describe("events of a pod", () => {
  it.effect("tell of a new attachment, with its port, and of its application", () =>
    Effect.gen(function* () {
      const world = new EventWorld()
      yield* running(world, ({ looks }) =>
        Effect.gen(function* () {
          yield* world.add(asked)
          yield* world.link("disconnected")
          yield* looks(1)
          assert.deepStrictEqual(world.told(), [`Attached net1: port ${port} of network net on ovs-dpdk.`])
          const [event] = world.events
          assert.deepStrictEqual(event?.["regarding"], {
            apiVersion: "v1",
            kind: "Pod",
            namespace: "default",
            name: "web",
            uid
          })
          assert.deepInclude(event, { type: "Normal", action: "Attach", reportingController: "userspace-cni" })
          assert.match(String(at(event, "metadata")["name"]), /^web\.[0-9a-f]{8}$/)
          yield* looks(5)
          assert.lengthOf(world.events, 1)
          yield* looks(1)
          assert.match(
            world.told()[1] ?? "",
            /^NotConnected net1: port usp\w+ of network net: no application .*Start it/
          )
          assert.strictEqual(world.events[1]?.["type"], "Warning")
          yield* looks(12)
          assert.lengthOf(world.events, 2)
          yield* world.link("connected")
          yield* looks(1)
          assert.deepStrictEqual(world.kinds(), ["Attached", "NotConnected", "Connected"])
          // Shorter than a minute.
          yield* world.link("disconnected")
          yield* looks(5)
          yield* world.link("connected")
          yield* looks(12)
          assert.lengthOf(world.events, 3)
        })
      )
    })
  )

  it.effect("come once for all of a pod, and once a minute; what is still true is told later", () =>
    Effect.gen(function* () {
      const world = new EventWorld()
      yield* running(world, ({ looks }) =>
        Effect.gen(function* () {
          const second = { ...asked, ifName: "net2" }
          const third = { ...asked, ifName: "net3" }
          for (const one of [{ ...asked, ifName: "net10" }, second, asked]) yield* world.add(one)
          yield* looks(1)
          assert.match(world.told().join("\n"), /^Attached net1: [^\n]*; net2: [^\n]*; net10: [^\n]*\.$/)
          yield* world.add(third)
          yield* looks(5)
          assert.deepStrictEqual(world.kinds(), ["Attached"])
          yield* looks(1)
          assert.match(world.told().filter((one) => one.startsWith("Attached"))[1] ?? "", /^Attached net3: /)
        })
      )
    })
  )

  it.effect.each([
    { before: "connected", after: "disconnected", quiet: 12, until: 7, told: "NotConnected" },
    { before: "disconnected", after: "connected", quiet: 2, until: 2, told: "Connected" }
  ] as const)("do not repeat that it was $before before the agent started, and tell when it is $after", (change) =>
    Effect.gen(function* () {
      const world = new EventWorld()
      yield* world.add(asked)
      yield* world.link(change.before)
      yield* TestClock.adjust("1 minute")
      yield* running(world, ({ looks }) =>
        Effect.gen(function* () {
          yield* looks(change.quiet)
          assert.deepStrictEqual(world.told(), [])
          yield* world.link(change.after)
          yield* looks(change.until)
          assert.deepStrictEqual(world.kinds(), [change.told])
        })
      )
    })
  )

  it.effect("do not come for a pod that is gone when it is looked at", () =>
    Effect.gen(function* () {
      const world = new EventWorld()
      yield* running(world, ({ looks }) =>
        Effect.gen(function* () {
          yield* world.add(asked)
          yield* world.add({ ...asked, ifName: "net2" })
          yield* Effect.orDie(world.call("DEL", asked))
          yield* looks(2)
          assert.match(world.told().join("\n"), /^Attached net2: [^;\n]*$/)
        })
      )
    })
  )

  it.effect("tell the pod whose application may have ended VPP, and that its port is left away", () =>
    Effect.gen(function* () {
      const world = new EventWorld()
      yield* world.add(asked)
      const suspect = parseRecord(world.files.get(`${stateDir}/attachments/0958c8871b32-net1.json`)?.content ?? "")
      const at = { engine: "vpp", control: "/run/vpp/api.sock" } as const
      yield* running(world, ({ end }) =>
        Effect.gen(function* () {
          end({ at, suspect: undefined, isIsolated: false })
          end({ at, suspect, isIsolated: false })
          end({ at, suspect, isIsolated: true })
          const kinds = () => world.kinds().filter((kind) => kind === "SwitchEnded" || kind === "Isolated")
          yield* until(() => kinds().length === 2)
          assert.deepStrictEqual(kinds(), ["SwitchEnded", "Isolated"])
          assert.match(world.told().join("\n"), /Isolated net1: its port is left away.*userspace restore --pod/)
        })
      )
    })
  )

  it.effect("tell what healing did: a port that was lost, and an attachment whose sandbox is gone", () =>
    Effect.gen(function* () {
      const world = new EventWorld()
      yield* world.add(asked)
      yield* TestClock.adjust("1 second")
      yield* running(world, ({ looks, round }) =>
        Effect.gen(function* () {
          world.ovs.empty()
          yield* round()
          yield* looks(1)
          assert.match(world.told().join("\n"), /^Restored net1: .*; recreated: .*If the application does not connect/)
          world.namespace = () => "missing"
          const { memory } = yield* round()
          yield* looks(1)
          assert.deepStrictEqual(world.kinds(), ["Restored"])
          yield* looks(5)
          yield* round(memory)
          yield* until(() => world.kinds().includes("StaleRemoved"))
          assert.match(
            world.told().find((one) => one.startsWith("StaleRemoved")) ?? "",
            /^StaleRemoved net1: its sandbox \/n\/a is gone; deleted\. Nothing to do/
          )
        })
      )
    })
  )

  it.effect("tell once what somebody changed, and again when it was right in between", () =>
    Effect.gen(function* () {
      const world = new EventWorld()
      yield* world.add(asked)
      yield* TestClock.adjust("1 second")
      const change = (by: "+=" | "-=") =>
        world.ovs.transact([
          { op: "mutate", table: "Port", where: [["name", "==", port]], mutations: [["tag", by, 2]] }
        ])
      yield* running(world, ({ looks, round }) =>
        Effect.gen(function* () {
          yield* change("+=")
          yield* round()
          yield* TestClock.adjust("2 minutes")
          yield* round()
          yield* looks(1)
          const differs = () => world.told().filter((one) => one.startsWith("Differs"))
          assert.deepStrictEqual(differs(), [
            `Differs net1: VLAN of port ${port} is 9, not 7. Revert the change, run \`userspace agent --once --repair all\` on the node, or delete the pod.`
          ])
          yield* change("-=")
          yield* round()
          yield* change("+=")
          yield* round()
          yield* looks(1)
          assert.lengthOf(differs(), 2)
        })
      )
    })
  )
})

it.effect("a switch that is slow, but within its deadlines, is waited for", () =>
  Effect.gen(function* () {
    const world = new EventWorld()
    world.slow = "12 seconds"
    yield* running(world, ({ answers }) =>
      Effect.gen(function* () {
        yield* world.add(asked)
        for (const count of [1, 2]) {
          yield* Effect.repeat(Effect.andThen(TestClock.adjust("1 second"), turn), { until: () => answers() >= count })
        }
        yield* until(() => world.events.length === 1)
        assert.deepStrictEqual(world.kinds(), ["Attached"])
      })
    )
  })
)

it.effect("a difference that could not be set right has what failed, and what to do", () =>
  Effect.gen(function* () {
    const world = new EventWorld()
    yield* world.add(asked)
    yield* world.link("connected")
    yield* TestClock.adjust("1 second")
    yield* running(world, ({ round, tell }) =>
      Effect.gen(function* () {
        yield* world.ovs.transact([
          { op: "mutate", table: "Port", where: [["name", "==", port]], mutations: [["tag", "+=", 2]] }
        ])
        world.answer = () => Effect.die("the first event is not of interest")
        const done = yield* round()
        yield* until(() => world.posts === 1)
        world.answer = () => undefined
        yield* TestClock.adjust("1 minute")
        const error = CniError.of(11, "Open vSwitch: plug: no answer", "Start ovs-vswitchd.")
        const found = done.found.map((acted) => ({
          ...acted,
          words: "VLAN is 8",
          outcome: { _tag: "Failed", error } as const
        }))
        tell({ ...done, found })
        yield* until(() => world.events.length === 1)
        assert.deepStrictEqual(world.told(), [
          "Differs net1: VLAN is 8; Open vSwitch: plug: no answer. Start ovs-vswitchd."
        ])
      })
    )
  })
)

it.effect("attachments of a network without a kubeconfig have none, and their switch is not asked", () =>
  Effect.gen(function* () {
    const world = new EventWorld()
    const { kubeconfig: _, ...without } = conf
    yield* running(world, ({ answers, round }) =>
      Effect.gen(function* () {
        yield* world.add({ ...asked, conf: { ...without, sharedDir: "/shared" } })
        world.ovs.empty()
        yield* round()
        yield* TestClock.adjust("2 minutes")
        assert.deepStrictEqual([world.posts, answers()], [0, 0])
      })
    )
  })
)
