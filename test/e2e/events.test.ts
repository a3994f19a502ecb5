/**
 * Events of a pod, of each kind: the agent's program on each switch, with an application, and the API server of the tests.
 * A minute is six seconds for it.
 */
import { basename } from "node:path"
import { assert } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { get } from "../../src/agent/Status.ts"
import { at } from "../kubernetes/support/PodStore.ts"
import { until } from "../support/Until.ts"
import { cluster, EventsGround, type InPod, onModel, onOvs, onRealVpp } from "./support/EventsGround.ts"
import { hurried } from "./support/Healing.ts"
import { type Need, vppPrefixes } from "./support/Machine.ts"
import { well } from "./support/Plugin.ts"
import { onMachine } from "./support/Suite.ts"

/** Of six seconds: its switch is not at the default place, and a round finds it after the ADD. */
const rounds = ["--every", "10s"]

const setting = Effect.gen(function* () {
  const ground = yield* EventsGround
  const { directory } = ground
  const { added, call, server } = yield* cluster
  const of = ({ pod }: InPod) => server.events.filter((event) => at(event, "regarding")["name"] === pod.name)
  const kinds = (one: InPod) => of(one).map(({ reason }) => reason)
  const told = (one: InPod, reason: string) =>
    Effect.flatMap(
      until(
        reason,
        Effect.sync(() => ({ kinds: kinds(one), asked: server.asked })),
        (seen) => seen.kinds.includes(reason),
        { deadline: "90 seconds" }
      ),
      () => Effect.fromNullishOr(of(one).find((event) => event["reason"] === reason))
    )
  const node = { directory, stateDir: `${directory}/state`, plugins: `${directory}/bin` }
  return { ...ground, added, call, server, kinds, told, node }
})

const behaviour = (name: string, needs: ReadonlyArray<Need>, live: Layer.Layer<EventsGround, unknown>) =>
  onMachine(["root", "executable", "hostLocal", ...needs], live)(`the events of a pod on ${name}`, (test) => {
    test("are of each kind, and none comes twice when the agent is restarted", () =>
      Effect.gen(function* () {
        const { added, application, call, change, engine, kinds, lose, node, portOf, server, told } = yield* setting
        const pod = yield* Effect.scoped(
          Effect.gen(function* () {
            const { socket } = yield* hurried(node, ...rounds)
            const gone = yield* Effect.scoped(Effect.tap(added, (one) => told(one, "Attached")))
            const pod = yield* added
            const port = yield* portOf(pod.sandbox)
            const attached = yield* told(pod, "Attached")
            assert.strictEqual(attached["note"], `net1: port ${port} of network e2e on ${engine}.`)
            const { name, namespace, uid } = pod.pod
            assert.deepStrictEqual(attached["regarding"], { apiVersion: "v1", kind: "Pod", namespace, name, uid })
            assert.include(
              String((yield* told(pod, "NotConnected"))["note"]),
              `port ${port} of network e2e: no application has been connected for a minute. Start it `
            )
            assert.deepStrictEqual(kinds(pod), ["Attached", "NotConnected"])
            yield* application(pod)
            assert.include(String((yield* told(pod, "Connected"))["note"]), `port ${port}`)
            const words = yield* change(port)
            assert.include(String((yield* told(pod, "Differs"))["note"]), words)
            yield* lose(port)
            assert.include(String((yield* told(pod, "Restored"))["note"]), "recreated")
            assert.include(String((yield* told(gone, "StaleRemoved"))["note"]), "is gone; deleted. Nothing to do")
            assert.strictEqual(yield* portOf(pod.sandbox), port)
            const { text } = yield* get(socket, "/metrics")
            assert.include(text, 'userspace_cni_events_total{kind="Attached",result="posted"} 2\n')
            assert.include(text, 'userspace_cni_events_total{kind="StaleRemoved",result="posted"} 1\n')
            return pod
          })
        )
        yield* Effect.scoped(
          Effect.gen(function* () {
            yield* hurried(node, ...rounds)
            // Both are looked at together.
            const next = yield* added
            yield* told(next, "Attached")
            assert.lengthOf(
              kinds(pod).filter((kind) => kind === "Attached"),
              1
            )
            well(yield* call("DEL", next))
          })
        )
        assert.isEmpty(server.asked.filter(({ method, status }) => method === "POST" && status !== 200))
        well(yield* call("DEL", pod))
      }))

    test("do not come with --events=off", () =>
      Effect.gen(function* () {
        const { added, call, lose, node, portOf, server } = yield* setting
        const pod = yield* added
        const agent = yield* hurried(node, ...rounds, "--events=off")
        yield* lose(yield* portOf(pod.sandbox))
        yield* agent.says(/recreated/)
        well(yield* call("DEL", pod))
        assert.deepStrictEqual(server.events, [])
        assert.isEmpty(server.asked.filter(({ method }) => method === "POST"))
      }))
  })

behaviour("Open vSwitch", ["ovs", "testpmd"], onOvs)
behaviour("the VPP in TypeScript", [], onModel)
for (const prefix of vppPrefixes.length > 0 ? vppPrefixes : [""])
  behaviour(`a real VPP ${basename(prefix)}`, ["vpp"], onRealVpp(prefix))
