/** What `list`, GC and healing say of a sandbox is one judgement. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { look } from "../../../src/attachment/heal/Look.ts"
import { list } from "../../../src/attachment/node/Listing.ts"
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

it.effect.each(kinds)("a namespace that is %s: %s, in list and in healing", ([kind, expected]) =>
  Effect.gen(function* () {
    const world = new World()
    yield* world.add({ conf: network })
    world.namespace = () => kind
    const seen = yield* world.resident(
      Effect.fnUntraced(function* (switches) {
        const { attachments } = yield* list(switches, { controls: [], variables: {} })
        const sight = yield* look({ at: ovs, vswitch: yield* switches.at(ovs), variables: {}, only: undefined })
        return [...attachments, ...sight.seen].map(({ sandbox }) => sandbox)
      })
    )
    assert.deepStrictEqual(seen, [expected, expected])
  })
)
