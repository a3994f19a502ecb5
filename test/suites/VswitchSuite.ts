/** The behaviour of the Open vSwitch layer of `Vswitch` without failures, on any switch. */
import { randomUUID } from "node:crypto"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { portName } from "../../src/identity/Attachment.ts"
import { unplugOf } from "../vswitch/support/UnplugOf.ts"
import { suite } from "./Suite.ts"
import { administrator, directory, leavesAsFound, look, request, type SwitchUnderTest } from "./SwitchUnderTest.ts"
import { existing, once, plug, plugged, refusal, status, unplug, verify } from "./VswitchCalls.ts"

export const ovsPorts = suite<SwitchUnderTest>("Vswitch on Open vSwitch", (test) => {
  test("creates a bridge of ours with the port, and removes both", () =>
    leavesAsFound(
      Effect.gen(function* () {
        const wanted = yield* request()
        const name = portName(wanted.attachment)
        assert.deepStrictEqual(yield* plug(wanted), { port: name, socketAt: undefined, mtu: undefined })
        assert.deepStrictEqual(yield* verify(wanted), [])
        assert.deepStrictEqual(yield* unplug(unplugOf(wanted)), [`port ${name}`, `bridge ${wanted.port.bridge}`])
        assert.deepStrictEqual(yield* unplug(unplugOf(wanted)), [])
      })
    ))

  test("removes its bridge when somebody else has removed the last port", () =>
    leavesAsFound(
      Effect.gen(function* () {
        const wanted = yield* request()
        yield* plug(wanted)
        yield* (yield* administrator).removePort(portName(wanted.attachment))
        assert.deepStrictEqual(yield* unplug(unplugOf(wanted)), [`bridge ${wanted.port.bridge}`])
      })
    ))

  test("sets every requested column, and they read back as requested", () =>
    Effect.gen(function* () {
      const pod = { namespace: "ns-1", name: "pod-1", uid: "0c5b" }
      const { attachment, ...rest } = yield* request({
        mtu: 1400,
        vlan: 5,
        trunks: [7, 6],
        vlanMode: "native-tagged",
        ingressPolicingRate: 10000,
        ingressPolicingBurst: 1000,
        queues: 2,
        ovnPort: 'lp "é" [1]'
      })
      const wanted = { ...rest, attachment: { ...attachment, network: 'n "ü" [}', pod } }
      assert.strictEqual((yield* plugged(wanted)).mtu, 1400)
      const [unbound, ...more] = yield* verify(wanted)
      assert.match(unbound ?? "", /^OVN has not bound port/)
      assert.deepStrictEqual(more, [])
      const text = (yield* look).filter((line) => line.includes(portName(wanted.attachment))).join("\n")
      for (const part of [
        '["attached-mac","02:00:00:00:00:01"]',
        '["userspace-cni-pod","ns-1/pod-1"]',
        '["userspace-cni-pod-uid","0c5b"]',
        "tag=5",
        'trunks=["set",[6,7]]',
        'vlan_mode="native-tagged"',
        "mtu_request=1400",
        '["n_rxq","2"]',
        "ingress_policing_rate=10000",
        "ingress_policing_burst=1000"
      ]) {
        assert.include(text, part)
      }
      const [owned, ...others] = yield* once((vswitch) => vswitch.list('n "ü" [}'))
      assert.deepStrictEqual(others, [])
      assert.deepStrictEqual(
        { ...owned, state: "" },
        {
          network: 'n "ü" [}',
          containerId: attachment.containerId,
          ifName: "net1",
          pod,
          port: portName(wanted.attachment),
          socketPath: wanted.socketPath,
          state: ""
        }
      )
    }))

  test("uses an administrator's bridge as it is, and leaves it", () =>
    Effect.gen(function* () {
      const wanted = yield* request({ bridge: yield* existing() })
      yield* leavesAsFound(
        Effect.gen(function* () {
          yield* plug(wanted)
          assert.deepStrictEqual(yield* verify(wanted), [])
          assert.deepStrictEqual(yield* unplug(unplugOf(wanted)), [`port ${portName(wanted.attachment)}`])
        })
      )
    }))

  test("keeps a bridge of ours while it has any port", () =>
    leavesAsFound(
      Effect.gen(function* () {
        const { port, removePort, removeBridge } = yield* administrator
        const one = yield* request()
        const two = yield* request({ bridge: one.port.bridge })
        yield* plug(one)
        yield* plug(two)
        yield* port(one.port.bridge, "foreign0", { type: "internal" })
        assert.lengthOf(yield* unplug(unplugOf(one)), 1)
        assert.lengthOf(yield* unplug(unplugOf(two)), 1)
        assert.include((yield* look).join("\n"), `Bridge datapath_type="netdev"`)
        yield* removePort("foreign0")
        yield* removeBridge(one.port.bridge)
      })
    ))

  test("refuses a second ADD of an attachment, and leaves the first complete", () =>
    Effect.gen(function* () {
      const first = yield* request()
      yield* plugged(first)
      const second = { ...first, invocation: randomUUID() }
      const [looked, tried] = yield* leavesAsFound(
        Effect.all([refusal(once((vswitch) => Effect.scoped(vswitch.preflight(second)))), refusal(plug(second))])
      )
      assert.strictEqual(looked.code, ErrorCodes.AlreadyAttached)
      assert.strictEqual(tried.code, ErrorCodes.AlreadyAttached)
      // Its rollback does not harm the first either.
      assert.deepStrictEqual(yield* unplug(unplugOf(second, { invocation: second.invocation })), [])
      assert.deepStrictEqual(yield* verify(first), [])
    }))

  test("a rollback removes what its own ADD created", () =>
    Effect.gen(function* () {
      const wanted = yield* request()
      yield* plugged(wanted)
      assert.lengthOf(yield* unplug(unplugOf(wanted, { invocation: wanted.invocation })), 2)
    }))

  test("refuses a socket that another port uses, one that is too long, and one without a directory", () =>
    Effect.gen(function* () {
      const first = yield* request()
      yield* plugged(first)
      const other = yield* request()
      yield* leavesAsFound(
        Effect.gen(function* () {
          // ADD creates the directory between the two.
          yield* once((vswitch) =>
            Effect.scoped(vswitch.preflight({ ...other, socketPath: `${other.socketPath}/missing/s` }))
          )
          const bad = [
            [first.socketPath, `port ${portName(first.attachment)} already uses`],
            [`${yield* directory}/${"x".repeat(108)}`, "bytes"],
            [`${other.socketPath}/missing/s`, "does not exist"]
          ] as const
          for (const [socketPath, words] of bad) {
            const error = yield* refusal(plug({ ...other, socketPath }))
            assert.strictEqual(error.code, ErrorCodes.SocketPath)
            assert.include(error.failed, words)
          }
        })
      )
    }))

  test("refuses a port name without our mark, and a bridge that is not netdev", () =>
    Effect.gen(function* () {
      const { port } = yield* administrator
      const bridge = yield* existing()
      const wanted = yield* request({ bridge })
      yield* port(bridge, portName(wanted.attachment), { type: "internal" })
      const elsewhere = yield* request({ bridge: yield* existing({ datapath_type: "system" }) })
      yield* leavesAsFound(
        Effect.gen(function* () {
          const named = yield* refusal(plug(wanted))
          assert.strictEqual(named.code, ErrorCodes.SwitchRefused)
          assert.include(named.failed, "exists without the plugin's mark")
          const typed = yield* refusal(plug(elsewhere))
          assert.strictEqual(typed.code, ErrorCodes.SwitchRefused)
          assert.include(typed.failed, "netdev")
          const standing = yield* refusal(status(elsewhere))
          assert.deepStrictEqual([standing.code, standing.answer], [typed.code, typed.answer])
          assert.deepStrictEqual(yield* unplug(unplugOf(wanted)), [])
        })
      )
    }))

  test("is ready with the bridge and without it", () =>
    Effect.gen(function* () {
      const wanted = yield* request()
      yield* leavesAsFound(status(wanted))
      yield* plugged(wanted)
      yield* leavesAsFound(status(wanted))
      yield* leavesAsFound(status({ ...wanted, port: { ...wanted.port, mode: "server" } }))
    }))

  test("refuses a port of another engine", () =>
    Effect.gen(function* () {
      const wanted = yield* request()
      const port = {
        engine: "vpp",
        iftype: "vhostuser",
        control: "",
        network: { netType: "none" },
        limits: [],
        mode: "client",
        mtu: undefined,
        mac: undefined,
        socketFile: undefined,
        group: undefined,
        enableGso: false,
        enablePacked: false,
        enableEventIdx: false
      } as const
      for (const call of [plug, status]) {
        const error = yield* refusal(call({ ...wanted, port }))
        assert.strictEqual(error.code, ErrorCodes.InvalidConfiguration)
      }
    }))
})
