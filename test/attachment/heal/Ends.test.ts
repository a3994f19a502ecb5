/**
 * Applications that end a VPP in memory whenever they have their port: whose port is left away, and what gives it back.
 * The watch, the rounds and the clock are real; waits have deadlines.
 */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { watchFor } from "../../../src/app/SwitchViews.ts"
import type { End } from "../../../src/attachment/heal/Ends.ts"
import { keep } from "../../../src/attachment/heal/Keep.ts"
import type { OfSwitch } from "../../../src/attachment/heal/Round.ts"
import { list } from "../../../src/attachment/node/Listing.ts"
import { everything } from "../../../src/attachment/node/Selection.ts"
import { keyOf } from "../../../src/identity/Attachment.ts"
import { untilTrue } from "../../support/Until.ts"
import { networks } from "../support/Networks.ts"
import { stateDir, World } from "../support/World.ts"

const { conf } = networks["VPP, memif in a bridge domain"]
const containers = ["a", "b", "c"].map((letter) => letter.repeat(12))
const [, hostile = ""] = containers
const variables = { CNI_PATH: "/opt/cni/bin" }

const until = (is: () => boolean) => untilTrue(String(is), is, { every: "5 millis" })

const socketOf = (world: World, containerId: string): string =>
  JSON.parse(world.files.get(`${stateDir}/attachments/${containerId}-net1.json`)?.content ?? "").place.socketPath

const listening = (world: World) => containers.filter((id) => world.vpp.isListening(socketOf(world, id)))

const attached = Effect.gen(function* () {
  const world = new World()
  for (const containerId of containers) yield* world.add({ conf, containerId })
  return world
})

/** The agent's healing, while `self` runs. */
const healed = <A, E>(
  world: World,
  self: (ends: ReadonlyArray<End>, rounds: ReadonlyArray<OfSwitch>) => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  world.resident((switches) =>
    Effect.scoped(
      Effect.gen(function* () {
        const ends: Array<End> = []
        const rounds: Array<OfSwitch> = []
        const nothing = () => {}
        const observer = {
          ...{ news: nothing, node: nothing, ended: nothing },
          round: (round: OfSwitch) => void rounds.push(round),
          end: (end: End) => void ends.push(end)
        }
        const hour = Duration.hours(1)
        const { first } = yield* keep({
          ...{ switches, variables, repair: "missing", dry: false, watch: watchFor, observer },
          ...{ every: hour, sandboxes: hour }
        })
        yield* first
        return yield* self(ends, rounds)
      })
    )
  )

/** It connects as soon as it has its port, which ends the switch; until `is`. */
const hostility = (world: World, is: () => boolean) => {
  const socket = socketOf(world, hostile)
  return untilTrue(
    String(is),
    () => {
      const node = world.files.get(socket)
      if (node === undefined || !world.vpp.isListening(socket)) return is()
      node.accessed = Date.now()
      world.vpp.restart()
      return is()
    },
    { every: "5 millis" }
  )
}

/** The others have been put back. */
const isLeftAway = (rounds: ReadonlyArray<OfSwitch>) =>
  rounds.some(({ found }) => found.some(({ kind }) => kind === "isolated"))

const states = (world: World) =>
  world.resident((switches) =>
    Effect.map(list(switches, { controls: [], variables }), ({ attachments }) =>
      attachments.map(({ containerId, state }) => `${containerId.slice(0, 1)} ${state}`)
    )
  )

describe("an application that ends VPP", () => {
  it.live("is found, and its port is left away until somebody restores it by name", () =>
    Effect.gen(function* () {
      const world = yield* attached
      yield* healed(world, (ends, rounds) =>
        Effect.gen(function* () {
          yield* hostility(world, () => ends.some(({ isIsolated }) => isIsolated))
          assert.isTrue(ends.every(({ suspect }) => suspect?.containerId === hostile))
          yield* until(() => isLeftAway(rounds))
        })
      )
      assert.deepStrictEqual(yield* states(world), ["a disconnected", "b isolated", "c disconnected"])
      // Another agent, another start of VPP, and a restore of everything.
      yield* healed(world, (_, rounds) =>
        Effect.gen(function* () {
          world.vpp.restart()
          yield* until(() => rounds.some(({ found }) => found.length === 3))
        })
      )
      const all = yield* world.restore()
      assert.deepStrictEqual(
        all.flatMap(({ record, result }) => (result.outcome === "skipped" ? [record.containerId] : [])),
        [hostile]
      )
      assert.deepStrictEqual(
        listening(world),
        containers.filter((id) => id !== hostile)
      )
      yield* world.restore(undefined, 0, { ...everything, containerId: hostile })
      assert.deepStrictEqual(listening(world), containers)
      assert.notInclude(world.below(`${stateDir}/suspects`).join(), `"isolated":true`)
    })
  )

  it.live("holds back nobody when it was long ago that ports were made", () =>
    Effect.gen(function* () {
      const world = yield* attached
      for (const id of containers) {
        const path = `${stateDir}/attachments/${id}-net1.json`
        const text = world.files.get(path)?.content ?? ""
        const since = new Date(Date.now() - 60_000).toISOString()
        world.files.put(path, "file", text.replace(/"since":"[^"]*"/, `"since":"${since}"`), 0o600)
      }
      yield* healed(world, (ends) =>
        Effect.gen(function* () {
          world.vpp.restart()
          yield* until(() => listening(world).length === 3)
          assert.deepStrictEqual(
            ends.map(({ suspect }) => suspect),
            [undefined]
          )
        })
      )
      assert.deepStrictEqual(world.below(`${stateDir}/suspects`), [])
    })
  )

  it.live("is suspected when nobody is told of ends", () =>
    Effect.gen(function* () {
      const world = yield* attached
      const isSuspected = () => world.below(`${stateDir}/suspects`).some((line) => line.includes("invocation"))
      yield* world.resident((switches) =>
        Effect.scoped(
          Effect.gen(function* () {
            const { first } = yield* keep({ switches, variables, repair: "missing", dry: false, watch: watchFor })
            yield* first
            yield* hostility(world, isSuspected)
          })
        )
      )
    })
  )

  it.live("is forgotten with its attachment", () =>
    Effect.gen(function* () {
      const world = yield* attached
      yield* healed(world, (ends) => hostility(world, () => ends.length > 0))
      assert.isNotEmpty(world.below(`${stateDir}/suspects`))
      yield* world.call("DEL", { conf, containerId: hostile })
      yield* healed(world, (ends) =>
        Effect.gen(function* () {
          world.vpp.restart()
          yield* until(() => ends.length > 0)
        })
      )
      assert.notInclude(world.below(`${stateDir}/suspects`).join(), hostile)
    })
  )

  /** What an agent leaves that is killed while it writes the file of the hostile one. */
  const halfWritten = (world: World) =>
    world.files.put(
      `${stateDir}/suspects/.${keyOf({ containerId: hostile, ifName: "net1", network: conf.name })}`,
      "file",
      `{"inv`
    )

  it.live("is forgotten with its attachment, also when the agent was killed while it wrote that down", () =>
    Effect.gen(function* () {
      const world = yield* attached
      halfWritten(world)
      yield* world.call("DEL", { conf, containerId: hostile })
      assert.deepStrictEqual(world.below(`${stateDir}/suspects`), [])
    })
  )

  it.live("an agent that starts removes what a killed one has left of writing it down", () =>
    Effect.gen(function* () {
      const world = yield* attached
      halfWritten(world)
      yield* healed(world, () => Effect.void)
      assert.deepStrictEqual(world.below(`${stateDir}/suspects`), [])
      assert.deepStrictEqual(yield* states(world), ["a disconnected", "b disconnected", "c disconnected"])
    })
  )
})
