/** VPP receives the values of a port's configuration: those that it shows, or whose effect on frames is visible. */
import * as fs from "node:fs"
import { basename } from "node:path"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { VppMemifPort } from "../../src/cni/network/HostPort.ts"
import { keyOf } from "../../src/identity/Attachment.ts"
import { byName } from "../../src/vpp/interfaces/Interfaces.ts"
import { portNumber } from "../../src/vpp/interfaces/Mark.ts"
import { adminUp, setFlags } from "../../src/vpp/messages/Interface.ts"
import * as Ports from "../../src/vpp/messages/Ports.ts"
import { unplugOf } from "../vswitch/support/UnplugOf.ts"
import { foreignMemif } from "./ForeignMemif.ts"
import { suite } from "./Suite.ts"
import {
  isSince,
  leavesAsFound,
  look,
  memif,
  plug,
  plugged,
  request,
  restore,
  tooNew,
  unplug,
  VppShows,
  VppUnderTest,
  vhost,
  withSession
} from "./VppUnderTest.ts"

const none = { netType: "none" } as const

/** The values that VPP shows; a real one does not show all of them. */
const shown = Effect.fnUntraced(function* (name: string, asked: Readonly<Record<string, unknown>>) {
  const { madeWith } = yield* VppShows
  return Object.fromEntries(Object.entries(yield* madeWith(name)).filter(([key]) => key in asked))
})

const secret = "s".repeat(23)
const sizes = { rxQueues: 2, txQueues: 3, ringSize: 512, bufferSize: 4096, secret } as const
const onTheWire = { rx_queues: 2, tx_queues: 3, ring_size: 512, buffer_size: 4096, secret } as const

/** The configuration, and its request. The old message has no DMA. */
const knobs = (dma: boolean): ReadonlyArray<readonly [Partial<VppMemifPort>, Readonly<Record<string, unknown>>]> =>
  [
    { noZeroCopy: true, useDma: false },
    { noZeroCopy: false, useDma: dma }
  ].map(({ noZeroCopy, useDma }) => [
    { ...sizes, noZeroCopy, useDma },
    { ...onTheWire, no_zero_copy: noZeroCopy, ...(dma ? { use_dma: useDma } : {}) }
  ])

/** The container's end, which connects only with the secret: a slave shows its sizes when it is connected. */
const peer = Effect.fnUntraced(function* (socket: number, path: string) {
  const sw_if_index = yield* foreignMemif(socket, path, "", secret)
  yield* withSession((session) => session.call(setFlags, { sw_if_index, flags: adminUp }))
})

/** In the form of `sw_interface_dump`. */
const linkMtu = (name: string) =>
  withSession((session) => Effect.map(byName(session, name), (there) => there?.link_mtu ?? assert.fail(name)))

export const vppValues = suite<VppUnderTest | VppShows>("the values that are sent to VPP", (test) => {
  test("memif: queues, ring, buffer, zero copy, DMA, secret; again after a restart", () =>
    Effect.gen(function* () {
      const { restart } = yield* VppUnderTest
      for (const [n, [port, asked]] of knobs(yield* isSince(23.06)).entries()) {
        const wanted = yield* request(memif({ ...port, role: "slave", network: none }))
        const check = Effect.gen(function* () {
          const { port: name } = yield* restore(wanted)
          const found = yield* shown(name, asked)
          assert.includeMembers(Object.keys(found), ["rx_queues", "tx_queues", "ring_size", "buffer_size"])
          assert.deepStrictEqual({ ...asked, ...found }, asked)
        })
        yield* peer(501 + n, wanted.socketPath)
        yield* plugged(wanted)
        yield* check
        yield* restart
        yield* peer(501 + n, wanted.socketPath)
        yield* check
      }
    }))

  test("memif: DMA needs 23.06", () =>
    Effect.gen(function* () {
      const wanted = yield* request(memif({ useDma: true, network: none }))
      if (!(yield* isSince(23.06))) return yield* tooNew(wanted, "memif.useDma")
      const { port: name } = yield* plugged(wanted)
      assert.deepStrictEqual(yield* shown(name, { use_dma: true }), { use_dma: true })
    }))

  test("vhost-user: each of its features and no other", () =>
    Effect.gen(function* () {
      for (const only of ["enableGso", "enablePacked", "enableEventIdx"] as const) {
        const wanted = yield* request(vhost({ [only]: true, network: none }))
        const { port: name } = yield* plugged(wanted)
        const asked = {
          enable_gso: only === "enableGso",
          enable_packed: only === "enablePacked",
          enable_event_idx: only === "enableEventIdx"
        }
        assert.deepStrictEqual(yield* shown(name, asked), asked)
      }
    }))

  test("an abstract memif socket has no file, is named in the pod's network namespace, and needs 23.06", () =>
    leavesAsFound(
      Effect.gen(function* () {
        const wanted = yield* request(memif({ abstract: true, network: none }))
        if (!(yield* isSince(23.06))) return yield* tooNew(wanted, "an abstract memif socket")
        const { attachment, socketPath } = wanted
        const number = portNumber(keyOf(attachment))
        const filename = `abstract:${basename(socketPath)},netns_name=${attachment.netns}`
        yield* plug(wanted)
        assert.include(yield* look, `socket ${number} ${filename}`)
        assert.isFalse(fs.existsSync(socketPath))
        assert.deepStrictEqual(yield* unplug(unplugOf(wanted)), [`interface memif${number}/0`])
        // Left by a killed ADD.
        const socket = { is_add: true, socket_id: number, socket_filename: filename }
        yield* withSession((session) => session.call(Ports.socketFilenameAddDelV2, socket))
        assert.deepStrictEqual(yield* unplug(unplugOf(wanted)), [`memif socket ${number}`])
      })
    ))

  test("the MTU is also that of layer 2, where one can be set", () =>
    Effect.gen(function* () {
      const usual = yield* plugged(yield* request(memif()))
      // Earlier, VPP accepted one for every interface.
      const kept = (yield* isSince(22.1)) ? yield* linkMtu(usual.port) : 1400
      for (const [port, layer2] of [
        [memif({ mtu: 1400 }), 1400],
        [memif({ mtu: 1400, network: { netType: "interface" } }), 1400],
        [vhost({ mtu: 1400 }), kept]
      ] as const) {
        const { mtu, port: name } = yield* plugged(yield* request(port))
        assert.deepStrictEqual([mtu, yield* linkMtu(name)], [1400, layer2])
      }
    }))
})
