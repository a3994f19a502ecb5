/** Captures on VPP, on one in TypeScript: what they add, what stays when they are killed, and who may remove it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Scope } from "effect"
import { devicesOf } from "../../src/attachment/capture/Capture.ts"
import type { Attachment } from "../../src/identity/Attachment.ts"
import { Files } from "../../src/platform/Files.ts"
import { fromTag, make, toTag } from "../../src/vpp/VppMirrors.ts"
import type { Lease } from "../../src/vswitch/Mirrors.ts"
import * as NodeSlots from "../platform/support/node/NodeSlots.ts"
import * as NodeSockets from "../platform/support/node/NodeSockets.ts"
import { memif, plug, request, unplug, VppUnderTest } from "../suites/VppUnderTest.ts"
import { unplugOf } from "../vswitch/support/UnplugOf.ts"
import type { Release } from "./server/Release.ts"
import { TestVpp, underTest } from "./support/TestVpp.ts"

const edges = Layer.mergeAll(Files.layer, NodeSlots.layer, NodeSockets.layer)

const now = () => Math.floor(Date.now() / 1_000)
/** Of a process in another PID namespace: judged by its time alone. */
const lease = (expires = now() + 20, process = "zz.zz.zz"): Lease => ({ process, expires })

const names = (attachment: Attachment) => {
  const { inbound, outbound } = devicesOf(attachment)
  return { inbound: `host-${inbound}`, outbound: `host-${outbound}` }
}

const mirrorsAt = Effect.flatMap(VppUnderTest, ({ path }) => make(path))

const state = Effect.map(TestVpp, ({ model }) => ({
  interfaces: [...model.interfaces.values()].map(({ row }) => row.interface_name).sort(),
  spans: [...model.spans.values()].map((span) => [
    model.nameOf(span.sw_if_index_from),
    model.nameOf(span.sw_if_index_to),
    span.state
  ])
}))

/** On a release, a port that is plugged. */
const on = (
  release: Release,
  self: (
    attachment: Attachment
  ) => Effect.Effect<void, unknown, TestVpp | VppUnderTest | Scope.Scope | Layer.Success<typeof edges>>
) =>
  Effect.gen(function* () {
    const wanted = yield* request(memif({}))
    yield* plug(wanted)
    yield* self(wanted.attachment)
    yield* unplug(unplugOf(wanted))
    assert.deepStrictEqual(yield* state, { interfaces: ["local0"], spans: [] })
  }).pipe(Effect.scoped, Effect.provide(Layer.provideMerge(underTest, TestVpp.layer(release))), Effect.provide(edges))

const killed = Effect.fnUntraced(function* (attachment: Attachment, by: Lease) {
  const scope = yield* Scope.make()
  return yield* Effect.flatMap(mirrorsAt, (mirrors) => mirrors.mirror(attachment, devicesOf(attachment), by)).pipe(
    Scope.provide(scope)
  )
})

const swept = Effect.flatMap(mirrorsAt, ({ sweep }) => sweep)

describe.each(["26.06", "23.02", "21.10"] as const)("a capture on VPP %s", (release) => {
  it.live("copies what VPP receives to one device and what it sends to another, and is gone afterwards", () =>
    on(release, (attachment) =>
      Effect.gen(function* () {
        const before = yield* state
        const { inbound, outbound } = names(attachment)
        yield* Effect.scoped(
          Effect.gen(function* () {
            const mirrors = yield* mirrorsAt
            const { port, renew, there } = yield* mirrors.mirror(attachment, devicesOf(attachment), lease())
            const { spans } = yield* state
            assert.deepStrictEqual(spans, [
              [port, outbound, 1],
              [port, inbound, 2]
            ])
            assert.isTrue(yield* there)
            const server = yield* TestVpp
            const expires = now() + 25
            assert.isTrue(yield* renew(lease(expires)))
            for (const name of [inbound, outbound]) {
              const found = server.model.named(name)?.row
              assert.strictEqual(fromTag(found?.tag ?? "")?.lease.expires, expires)
              assert.strictEqual((found?.flags ?? 0) & 1, 1)
            }
            assert.isFalse(yield* renew(lease(expires, "aa.aa.aa")))
          })
        )
        assert.deepStrictEqual(yield* state, before)
      })
    )
  )
})

describe("a capture on VPP", () => {
  it.live("is refused where there is one, which names its process", () =>
    on("26.06", (attachment) =>
      Effect.scoped(
        Effect.gen(function* () {
          const mirrors = yield* mirrorsAt
          yield* mirrors.mirror(attachment, devicesOf(attachment), lease(now() + 20, `${(4711).toString(36)}.b.zz`))
          const error = yield* Effect.flip(
            Effect.scoped(mirrors.mirror(attachment, devicesOf(attachment), lease(now() + 20, "aa.aa.aa")))
          )
          assert.deepStrictEqual([error.code, (yield* state).spans.length], [102, 2])
          assert.match(error.failed, /port memif\d+\/0 is being captured already, by process 4711$/)
        })
      )
    )
  )

  it.live("that was killed is removed when its lease has ended, by a look or by the next capture", () =>
    on("26.06", (attachment) =>
      Effect.gen(function* () {
        const before = yield* state
        yield* killed(attachment, lease())
        assert.deepStrictEqual(yield* swept, [])
        yield* TestVpp.pipe(Effect.map(({ model }) => age([...model.interfaces.values()].map(({ row }) => row))))
        const { inbound, outbound } = names(attachment)
        assert.deepStrictEqual((yield* swept).toSorted(), [`interface ${inbound}`, `interface ${outbound}`])
        assert.deepStrictEqual(yield* state, before)
        yield* killed(attachment, lease(now() - 1))
        yield* Effect.scoped(killed(attachment, lease()))
        assert.strictEqual((yield* state).spans.length, 2)
        yield* TestVpp.pipe(Effect.map(({ model }) => age([...model.interfaces.values()].map(({ row }) => row))))
        yield* swept
      })
    )
  )

  it.live("between its interface and its mark when it was killed: the interface goes by its name", () =>
    on("26.06", (attachment) =>
      Effect.gen(function* () {
        const { model } = yield* TestVpp
        const before = yield* state
        model.add({ interface_name: names(attachment).outbound, interface_dev_type: "af-packet" })
        model.add({ interface_name: "host-uscape0", interface_dev_type: "af-packet" })
        assert.deepStrictEqual(yield* swept, [`interface ${names(attachment).outbound}`])
        model.remove(model.named("host-uscape0")?.row.sw_if_index ?? -1)
        assert.deepStrictEqual(yield* state, before)
      })
    )
  )

  it.live("ends with the port: its DEL takes the spans away first, and nobody else's", () =>
    Effect.gen(function* () {
      const wanted = yield* request(memif({}))
      yield* plug(wanted)
      const { model, requests } = yield* TestVpp
      const { there } = yield* killed(wanted.attachment, lease())
      const port = [...model.spans.values()][0]?.sw_if_index_from ?? -1
      const others = model.add({ interface_name: "host-eth1", interface_dev_type: "af-packet" }).row.sw_if_index
      model.spans.set("other", { sw_if_index_from: port, sw_if_index_to: others, state: 3, is_l2: false })
      const from = requests.length
      yield* unplug(unplugOf(wanted))
      const said = requests.slice(from)
      assert.isBelow(said.lastIndexOf("sw_interface_span_enable_disable"), said.indexOf("memif_delete"))
      assert.deepStrictEqual([...model.spans.keys()], ["other"])
      assert.isFalse(yield* there)
    }).pipe(Effect.scoped, Effect.provide(Layer.provideMerge(underTest, TestVpp.layer("26.06"))), Effect.provide(edges))
  )

  it.live("says what VPP lacks for it", () =>
    Effect.gen(function* () {
      const wanted = yield* request(memif({}))
      yield* plug(wanted)
      const error = yield* Effect.flip(killed(wanted.attachment, lease()))
      assert.include(error.failed, "plugin af_packet, which has af_packet_create, is not loaded")
      assert.include(error.cure, "Load af_packet_plugin.so in VPP's startup.conf")
    }).pipe(
      Effect.scoped,
      Effect.provide(
        Layer.provideMerge(
          underTest,
          TestVpp.layer("26.06", (table) => new Map([...table].filter(([, name]) => !name.startsWith("af_packet"))))
        )
      ),
      Effect.provide(edges)
    )
  )

  it("has a mark of 63 characters at most, with the longest numbers that there are", () => {
    const whole = { key: "a".repeat(20), lease: lease(9_999_999_999, "2hwdc.zzzzzzz.zzzzzzz") }
    assert.isAtMost(toTag(whole).length, 63)
    assert.deepStrictEqual(fromTag(toTag(whole)), whole)
  })
})

/** As if nobody had renewed. */
const age = (rows: ReadonlyArray<{ tag: string }>) => {
  for (const row of rows) {
    const mark = fromTag(row.tag)
    if (mark !== undefined) row.tag = toTag({ ...mark, lease: { ...mark.lease, expires: now() - 1 } })
  }
}
