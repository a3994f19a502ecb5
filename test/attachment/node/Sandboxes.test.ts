/** What `list`, `check`, GC and healing say of a sandbox is one judgement. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { look } from "../../../src/attachment/heal/Look.ts"
import { checkNode } from "../../../src/attachment/node/CheckNode.ts"
import { list } from "../../../src/attachment/node/Listing.ts"
import { Records } from "../../../src/attachment/records/Records.ts"
import type { NamespaceKind } from "../../../src/platform/Namespaces.ts"
import { network } from "../support/Networks.ts"
import { ovs } from "../support/Rounds.ts"
import { World } from "../support/World.ts"

const kinds: ReadonlyArray<readonly [NamespaceKind, string]> = [
  ["sandbox", "there"],
  // An attachment with CNI_NETNS_OVERRIDE.
  ["own", "there"],
  ["missing", "gone"],
  ["other file", "unknown"],
  ["out of sight", "unknown"],
  ["unreadable", "unknown"]
]

it.effect.each(kinds)("a namespace that is %s: %s, in list, in check and in healing", ([kind, expected]) =>
  Effect.gen(function* () {
    const world = new World()
    yield* world.add({ conf: network })
    world.namespace = () => kind
    const seen = yield* world.resident(
      Effect.fnUntraced(function* (switches) {
        const { attachments } = yield* list(switches, { controls: [], variables: {} })
        const sight = yield* look({ at: ovs, vswitch: yield* switches.at(ovs), variables: {}, only: undefined })
        const checked = yield* checkNode(switches, yield* (yield* Records).all, {})
        const said = checked.flatMap(({ differences }) => differences.filter((one) => /sandbox/.test(one)))
        return { said, sandboxes: [...attachments, ...sight.seen].map(({ sandbox }) => sandbox) }
      })
    )
    assert.deepStrictEqual(seen.sandboxes, [expected, expected])
    assert.deepStrictEqual(seen.said, expected === "gone" ? ["its sandbox /n/a is gone"] : [])
  })
)
