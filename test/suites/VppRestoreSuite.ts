/** What the VPP layer of `Vswitch` restores after a restart of VPP, and what it leaves unchanged. */
import * as fs from "node:fs"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { keyOf } from "../../src/identity/Attachment.ts"
import { byName } from "../../src/vpp/interfaces/Interfaces.ts"
import { portName, portNumber } from "../../src/vpp/interfaces/Mark.ts"
import * as BridgeDomain from "../../src/vpp/messages/BridgeDomain.ts"
import * as Interface from "../../src/vpp/messages/Interface.ts"
import * as Ports from "../../src/vpp/messages/Ports.ts"
import type { PortRequest } from "../../src/vswitch/Vswitch.ts"
import { unplugOf } from "../vswitch/support/UnplugOf.ts"
import { suite } from "./Suite.ts"
import { addresses, kinds } from "./VppPortsSuite.ts"
import {
  bridged,
  isSince,
  leavesAsFound,
  look,
  memif,
  newDomain,
  plugged,
  refusal,
  request,
  restore,
  tooNew,
  unplug,
  VppUnderTest,
  verify,
  vhost,
  withSession
} from "./VppUnderTest.ts"

const nameOf = ({ attachment, port }: PortRequest): string => portName(port.iftype, portNumber(keyOf(attachment)))

/** Changes by an administrator to the interface of a port. */
const change = <A>(
  wanted: PortRequest,
  f: (
    index: number,
    session: Parameters<Parameters<typeof withSession>[0]>[0]
  ) => ReturnType<Parameters<typeof withSession<A>>[0]>
) =>
  withSession((session) =>
    Effect.flatMap(byName(session, nameOf(wanted)), (there) =>
      there === undefined ? Effect.die(`no ${nameOf(wanted)}`) : f(there.sw_if_index, session)
    )
  )

export const vppRestore = suite<VppUnderTest>("restore on VPP", (test) => {
  for (const [name, port, ips, since = 0] of kinds) {
    test(`restores after a restart, once: ${name}`, () =>
      Effect.gen(function* () {
        const { restart } = yield* VppUnderTest
        const wanted = yield* request(port(), { addresses: ips?.() ?? [] })
        if (!(yield* isSince(since))) return yield* tooNew(wanted)
        const own = nameOf(wanted)
        yield* plugged(wanted)
        const before = yield* look
        assert.deepStrictEqual(yield* leavesAsFound(restore(wanted)), { port: own, socketAt: undefined, made: [] })
        yield* restart
        assert.notDeepEqual(yield* look, before)
        assert.deepStrictEqual((yield* restore(wanted)).made, [`interface ${own}`])
        assert.deepStrictEqual(yield* verify(wanted), [])
        assert.deepStrictEqual(yield* look, before)
        assert.deepStrictEqual((yield* leavesAsFound(restore(wanted))).made, [])
        yield* unplug(unplugOf(wanted))
        assert.isFalse(fs.existsSync(wanted.socketPath))
      }))

    test(`completes a killed restore: ${name}`, () =>
      Effect.gen(function* () {
        const wanted = yield* request(port(), { addresses: ips?.() ?? [] })
        if (!(yield* isSince(since))) return yield* tooNew(wanted)
        yield* plugged(wanted)
        const before = yield* look
        yield* change(wanted, (sw_if_index, session) =>
          Effect.gen(function* () {
            yield* session.call(Interface.setFlags, { sw_if_index, flags: 0 })
            yield* session.call(BridgeDomain.setBridge, {
              rx_sw_if_index: sw_if_index,
              bd_id: 0,
              port_type: 0,
              shg: 0,
              enable: false
            })
            // vhost-user's is created with the interface.
            if (wanted.port.iftype === "memif") {
              yield* session.call(Interface.tagAddDel, { is_add: false, sw_if_index, tag: "" })
            }
            if (wanted.port.mtu !== undefined) {
              yield* session.call(Interface.setMtu, { sw_if_index, mtu: [9000, 0, 0, 0] })
            }
          })
        )
        assert.notDeepEqual(yield* verify(wanted), [])
        assert.deepStrictEqual((yield* restore(wanted)).made, [`settings of interface ${nameOf(wanted)}`])
        assert.deepStrictEqual(yield* verify(wanted), [])
        assert.deepStrictEqual(yield* look, before)
      }))
  }

  test("restores an address and a route that somebody took", () =>
    Effect.gen(function* () {
      const [four, six] = addresses(32, 128)
      const wanted = yield* request(memif({ network: { netType: "interface" } }), {
        addresses: [four, six].filter((address) => address !== undefined)
      })
      yield* plugged(wanted)
      const before = yield* look
      yield* change(wanted, (sw_if_index, session) =>
        session.call(Interface.addDelAddress, {
          sw_if_index,
          is_add: false,
          del_all: false,
          prefix: `${four?.gateway}/32`
        })
      )
      assert.lengthOf(yield* verify(wanted), 1)
      assert.deepStrictEqual((yield* restore(wanted)).made, [`settings of interface ${nameOf(wanted)}`])
      assert.deepStrictEqual(yield* look, before)
    }))

  test("reports what it cannot set, and leaves the port", () =>
    Effect.gen(function* () {
      const wanted = yield* request(memif({ role: "slave", network: { netType: "none" } }))
      yield* plugged(wanted)
      const error = yield* leavesAsFound(refusal(restore({ ...wanted, port: memif({ network: { netType: "none" } }) })))
      assert.strictEqual(error.code, ErrorCodes.SwitchRefused)
      assert.include(error.failed, "different from the record")
      assert.include(error.failed, "role is slave, not master")
    }))

  test("creates nothing where the socket cannot be", () =>
    Effect.gen(function* () {
      for (const port of [memif(), vhost()]) {
        const wanted = yield* request(port)
        const error = yield* leavesAsFound(
          refusal(restore({ ...wanted, socketPath: `${wanted.socketPath}/gone/memif.sock` }))
        )
        assert.strictEqual(error.code, ErrorCodes.SocketPath)
      }
    }))

  test("many at once: twenty ports of one bridge domain, none twice", () =>
    Effect.gen(function* () {
      const { restart } = yield* VppUnderTest
      const domain = newDomain()
      const all = yield* Effect.forEach(Array.from({ length: 20 }), (_, n) =>
        request(n % 3 === 0 ? vhost({ network: bridged(domain) }) : memif({ network: bridged(domain) }))
      )
      yield* Effect.forEach(all, plugged, { concurrency: "unbounded", discard: true })
      const before = yield* look
      yield* restart
      yield* Effect.forEach(all, restore, { concurrency: "unbounded", discard: true })
      assert.deepStrictEqual(yield* look, before)
    }))

  test("leaves another's interface with the port's name, and takes the next number", () =>
    Effect.gen(function* () {
      const wanted = yield* request(memif({ network: { netType: "none" } }))
      const number = portNumber(keyOf(wanted.attachment))
      const path = `${wanted.socketPath}.other`
      const socket = { is_add: true, socket_id: number, socket_filename: path }
      yield* withSession((session) =>
        Effect.gen(function* () {
          yield* session.call(Ports.socketFilenameAddDel, socket)
          const { sw_if_index } = yield* session.call(Ports.createMemif, {
            role: "master",
            mode: "ethernet",
            rx_queues: 0,
            tx_queues: 0,
            id: 0,
            socket_id: number,
            ring_size: 0,
            buffer_size: 0,
            no_zero_copy: false,
            hw_addr: "00:00:00:00:00:00",
            secret: ""
          })
          yield* session.call(Interface.tagAddDel, { is_add: true, sw_if_index, tag: "theirs" })
        })
      )
      yield* leavesAsFound(
        Effect.gen(function* () {
          const second = portName("memif", portNumber(keyOf(wanted.attachment), 1))
          assert.deepStrictEqual((yield* restore(wanted)).made, [`interface ${second}`])
          assert.deepStrictEqual((yield* restore(wanted)).made, [])
          yield* unplug(unplugOf(wanted))
        })
      )
    }))
})
