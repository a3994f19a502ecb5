/**
 * DEL after an ADD that could not reach the switch and created nothing, while the switch is still unreachable: it
 * succeeds only because of that ADD's note. No other evidence counts, and the note is removed before the next ADD of
 * the attachment creates anything.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { keyOf } from "../../../src/identity/Attachment.ts"
import { loseRecords } from "../support/Collecting.ts"
import { heldAt, stepsOf } from "../support/Interleaved.ts"
import { network, networks } from "../support/Networks.ts"
import { type Asked, failed, stateDir, World, type Wrap } from "../support/World.ts"

const conf = network
const notes = (world: World) => world.below(`${stateDir}/attachments`).filter((line) => /\.undone /.test(line))
const codeOf = (world: World, asked: Asked = { conf }) =>
  Effect.map(Effect.result(world.call("DEL", asked)), (done) => (done._tag === "Failure" ? done.failure.code : 0))

/** The switch is down, and an ADD has left a note. */
const noted = Effect.fnUntraced(function* (asked: Asked = { conf }) {
  const world = new World()
  const before = world.dump()
  world.ovs.serve("refused")
  assert.strictEqual((yield* failed(world.call("ADD", asked))).code, 11)
  return { world, before }
})

describe("a DEL without the switch, after an ADD that made nothing", () => {
  it.effect.each([networks["client mode"], networks["server mode, a long directory, device information"]])(
    "succeeds, as often as it is called, and nothing is left when the switch is back",
    (asked) =>
      Effect.gen(function* () {
        const { before, world } = yield* noted(asked)
        for (let i = 0; i < 3; i++) assert.strictEqual(yield* codeOf(world, asked), 0)
        world.ovs.serve("well")
        assert.strictEqual(yield* codeOf(world, asked), 0)
        assert.deepStrictEqual(world.dump(), before)
      })
  )

  it.effect("leaves a note, which the next ADD on the node removes", () =>
    Effect.gen(function* () {
      const { before, world } = yield* noted()
      world.ovs.serve("well")
      yield* world.add({ conf, containerId: "aaaaaaaaaaaaaa" })
      assert.deepStrictEqual(notes(world), [])
      yield* world.call("DEL", { conf, containerId: "aaaaaaaaaaaaaa" })
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("succeeds with the note of an earlier release, which goes with the next DEL that reaches the switch", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf, ifName: "net2" })
      const before = world.dump()
      const key = keyOf({ network: "net", containerId: "0958c8871b32cafe", ifName: "net1" })
      world.files.put(`${stateDir}/attachments/undone/${key}`, "file", "", 0o400)
      world.files.put(`${stateDir}/attachments/new/${key}-killed`, "file", "", 0o400)
      world.ovs.serve("refused")
      assert.strictEqual(yield* codeOf(world, { conf, ifName: "net10" }), 11)
      assert.strictEqual(yield* codeOf(world), 0)
      world.ovs.serve("well")
      assert.strictEqual(yield* codeOf(world), 0)
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("fails without a note, and with that of another attachment", () =>
    Effect.gen(function* () {
      const nobody = new World()
      nobody.ovs.serve("refused")
      assert.strictEqual(yield* codeOf(nobody), 11)
      const { world } = yield* noted()
      const others: ReadonlyArray<Asked> = [
        { conf, ifName: "net10" },
        { conf, containerId: "0958c8871b32beef" },
        { conf: { ...network, name: "other" } }
      ]
      for (const other of others) assert.strictEqual(yield* codeOf(world, other), 11)
    })
  )

  it.effect("fails when the original plugin or its fork left a state file", () =>
    Effect.gen(function* () {
      const { world } = yield* noted()
      world.files.put(`${stateDir}/data/local-0958c8871b32-net1.json`, "file", '{"vhostname":"p"}')
      assert.strictEqual(yield* codeOf(world), 11)
    })
  )

  it.effect("fails after a later ADD that succeeded, whose record is lost", () =>
    Effect.gen(function* () {
      const { world } = yield* noted()
      world.ovs.serve("well")
      yield* world.add({ conf })
      loseRecords(world)
      world.ovs.serve("refused")
      assert.strictEqual(yield* codeOf(world), 11)
    })
  )

  it.live("fails after a later ADD that was killed at any step with a change made, and its record lost", () =>
    Effect.gen(function* () {
      const add = (world: World) => (wrap: Wrap) => Effect.orDie(world.call("ADD", { conf }, wrap))
      const steps = yield* stepsOf(add(new World()))
      let made = 0
      for (let at = 0; at < steps; at++) {
        const { world } = yield* noted()
        world.ovs.serve("well")
        yield* heldAt(at, add(world))
        const hasPort = world.dump().some((line) => line.startsWith("Port "))
        for (const line of world.files.dump().toReversed()) {
          const [path = ""] = line.split(" ")
          if (/attachments\/[^/]+\.json$/.test(path)) world.files.remove(path)
        }
        world.ovs.serve("refused")
        if (hasPort) assert.strictEqual(yield* codeOf(world), 11, `killed at ${at}`)
        if (hasPort) made++
      }
      assert.isAbove(made, 2)
    })
  )
})
