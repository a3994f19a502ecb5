/** The effects of `Vswitch` outside of the database: sockets that ovs-vswitchd creates, and flows. */
import { randomUUID } from "node:crypto"
import { existsSync, linkSync, lstatSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:net"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { portName } from "../../src/identity/Attachment.ts"
import { OvsClient } from "../../src/ovs/client/OvsClient.ts"
import { lastSeen, untilTrue } from "../support/Until.ts"
import { unplugOf } from "../vswitch/support/UnplugOf.ts"
import { suite } from "./Suite.ts"
import { administrator, leavesAsFound, request, SwitchUnderTest } from "./SwitchUnderTest.ts"
import { existing, once, plug, plugged, refusal, unplug, verify } from "./VswitchCalls.ts"

export const ovsSocketsAndFlows = suite<SwitchUnderTest>("Vswitch on Open vSwitch, outside of the database", (test) => {
  test("in server mode reports where ovs-vswitchd created the socket, and leaves none", () =>
    Effect.gen(function* () {
      const { ovsSocketDir } = yield* SwitchUnderTest
      const wanted = yield* request({ mode: "server" })
      const socket = `${ovsSocketDir}/${portName(wanted.attachment)}`
      const gone = untilTrue("the end of the socket", () => !existsSync(socket), { every: "5 millis" })
      yield* leavesAsFound(
        Effect.gen(function* () {
          assert.strictEqual((yield* plug(wanted)).socketAt, socket)
          assert.isTrue(lstatSync(socket).isSocket())
          assert.deepStrictEqual(yield* verify(wanted), [])
          // Again while ovs-vswitchd still has the old one: it must not fail on its own socket.
          yield* unplug(unplugOf(wanted))
          assert.strictEqual((yield* plug({ ...wanted, invocation: randomUUID() })).socketAt, socket)
          yield* unplug(unplugOf(wanted))
          yield* gone
        })
      )
    }))

  test("in server mode detects that the published socket is not the current one", () =>
    Effect.gen(function* () {
      const wanted = yield* request({ mode: "server" })
      const { socketAt = "" } = yield* plugged(wanted)
      linkSync(socketAt, wanted.socketPath)
      assert.deepStrictEqual(yield* verify(wanted), [])
      // Left by a restart: another socket at the old path.
      rmSync(wanted.socketPath)
      yield* Effect.acquireRelease(
        Effect.callback<Server>((resume) => {
          const server = createServer().listen(wanted.socketPath, () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
      )
      assert.deepStrictEqual(yield* verify(wanted), [
        `socket ${wanted.socketPath} no longer is ovs-vswitchd's ${socketAt}: ovs-vswitchd was restarted`
      ])
    }))

  test("in server mode refuses a path that is taken, and does not touch it", () =>
    Effect.gen(function* () {
      const { ovsSocketDir } = yield* SwitchUnderTest
      const wanted = yield* request({ mode: "server" })
      const socket = `${ovsSocketDir}/${portName(wanted.attachment)}`
      yield* Effect.acquireRelease(
        Effect.sync(() => writeFileSync(socket, "somebody's")),
        () => Effect.sync(() => rmSync(socket))
      )
      for (const call of [plug(wanted), once((vswitch) => Effect.scoped(vswitch.preflight(wanted)))]) {
        const error = yield* leavesAsFound(refusal(call))
        assert.strictEqual(error.code, ErrorCodes.SocketPath)
        assert.include(error.failed, `a file exists at ${socket}`)
      }
      yield* unplug(unplugOf(wanted))
      assert.strictEqual(readFileSync(socket, "utf8"), "somebody's")
    }))

  test("adds a flow of its own on a bridge in fail_mode secure when the bridge shall learn", () =>
    Effect.gen(function* () {
      const { flows } = yield* SwitchUnderTest
      const { set } = yield* administrator
      const bridge = yield* existing({ datapath_type: "netdev", fail_mode: "secure" })
      const learning = yield* request({ bridge })
      const controlled = yield* request({ bridge, netType: "none" })
      yield* plugged(controlled)
      yield* leavesAsFound(
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* flows(bridge), [])
          yield* plug(learning)
          const [flow, ...more] = yield* flows(bridge)
          assert.match(flow ?? "", /^in_port=\S+ actions=NORMAL$/)
          assert.deepStrictEqual(more, [])
          assert.deepStrictEqual(yield* verify(learning), [])
          assert.deepStrictEqual(yield* verify(controlled), [])
          yield* unplug(unplugOf(learning))
          assert.deepStrictEqual(yield* flows(bridge), [])
        })
      )
      // A bridge that was closed after the ADD.
      const open = yield* request({ bridge: yield* existing() })
      yield* plugged(open)
      yield* set("Bridge", open.port.bridge, ["fail_mode", "insert", "secure"])
      // The flows change once ovs-vswitchd has applied it.
      yield* Effect.flatMap(OvsClient, ({ caughtUp, root }) => Effect.flatMap(root, caughtUp)).pipe(
        Effect.provide((yield* SwitchUnderTest).client)
      )
      const differences = yield* lastSeen(verify(open), ({ length }) => length > 0)
      assert.deepStrictEqual(differences, [
        `the flow of port ${portName(open.attachment)} is missing on bridge ${open.port.bridge} (fail_mode secure)`
      ])
    }))
})
