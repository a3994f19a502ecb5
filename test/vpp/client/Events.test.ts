/**
 * VPP's events, before a reply and after it, as recorded: every call works as without them. The same for a message with
 * the request's context that is not its reply.
 */
import { dirname } from "node:path"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import {
  bridged,
  memif,
  newDomain,
  plug,
  request,
  restore,
  status,
  unplug,
  VppUnderTest,
  verify,
  vhost
} from "../../suites/VppUnderTest.ts"
import { unplugOf } from "../../vswitch/support/UnplugOf.ts"
import type { Answer } from "../model/VppMessage.ts"
import { interfaceEvent } from "../server/Events.ts"
import { start } from "../server/VppServer.ts"
import { recorded } from "../support/Captures.ts"
import { leftAlone } from "../support/LeftAlone.ts"
import { temporaryDirectory } from "../support/TestVpp.ts"

/** Without their headers. */
const events = (release: "26.06" | "23.02"): ReadonlyArray<Buffer> =>
  recorded(`v${release}`)
    .filter(({ name }) => name === interfaceEvent.name)
    .map(({ bytes }) => bytes.subarray(16))

/** As recorded: the client's index is in the place of a reply's context. */
const verbatim = (event: Buffer): Answer => ({ message: interfaceEvent, encode: () => event })

const inContext = (event: Buffer): Answer => ({
  message: interfaceEvent,
  encode: ({ context }) => {
    const bytes = Buffer.from(event)
    bytes.writeUInt32BE(context, 2)
    return bytes
  }
})

const cases = (["26.06", "23.02"] as const).flatMap((release) =>
  ([verbatim, inContext] as const).map((as) => [release, as.name, as] as const)
)

it.live.each(cases)("on VPP %s, %s: each call works as without events", ([release, , as]) =>
  Effect.gen(function* () {
    const server = yield* start({ path: `${yield* temporaryDirectory}/api.sock`, release })
    const told = events(release).map(as)
    assert.lengthOf(told, 3)
    server.intercept = (name, raw) => {
      const outcome = server.perform(name, raw)
      return typeof outcome === "string" ? outcome : [...told, ...outcome, ...told]
    }
    const network = bridged(newDomain(), 7)
    const addresses = [{ address: "10.9.9.3/32", gateway: "169.254.1.1" }]
    for (const wanted of [
      yield* request(memif({ network, mtu: 1500 })),
      yield* request(memif({ network: { netType: "interface" } }), { addresses }),
      yield* request(vhost({ network }))
    ]) {
      yield* Effect.gen(function* () {
        yield* status(wanted)
        const { port } = yield* plug(wanted)
        assert.deepStrictEqual(yield* verify(wanted), [])
        assert.deepStrictEqual(yield* restore(wanted), { port, socketAt: undefined, made: [] })
        assert.include(yield* unplug(unplugOf(wanted)), `interface ${port}`)
      }).pipe(
        Effect.provideService(VppUnderTest, { path: server.path, release, restart: Effect.void }),
        leftAlone([dirname(server.path), dirname(wanted.socketPath)], server)
      )
    }
    assert.deepStrictEqual([server.mistakes, server.rude], [[], 0])
  }).pipe(Effect.scoped)
)
