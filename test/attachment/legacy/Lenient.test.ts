/** DEL without a record, with a configuration that is refused today: the attachment may be older than the refusal. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { loseRecords } from "../support/Collecting.ts"
import { network } from "../support/Networks.ts"
import { failed, World } from "../support/World.ts"

const refused = {
  "a key that nobody knows": { ...network.host, bridge: { ...network.host.bridge, color: "blue" } },
  "a trunk with an untagged VLAN": {
    ...network.host,
    bridge: { ...network.host.bridge, vlanId: 5, vlanMode: "trunk" }
  },
  "an MTU that no link has": { ...network.host, mtu: 1 }
}

it.effect.each(Object.entries(refused))("%s", ([, host]) =>
  Effect.gen(function* () {
    const world = new World()
    const before = world.dump()
    yield* world.add({ conf: network })
    loseRecords(world)
    const conf = { ...network, host }
    assert.include([2, 7], (yield* failed(world.call("CHECK", { conf }))).code)
    yield* world.call("DEL", { conf })
    assert.deepStrictEqual(world.dump(), before)
    assert.include([2, 7], (yield* failed(world.call("ADD", { conf }))).code)
  })
)

it.effect("values of the wrong type are refused, as always", () =>
  Effect.gen(function* () {
    const world = new World()
    const conf = { ...network, host: { ...network.host, mtu: "1500" } }
    assert.strictEqual((yield* failed(world.call("DEL", { conf }))).code, 7)
  })
)
