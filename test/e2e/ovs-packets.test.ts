/**
 * The effect of columns and flows on packets: two real applications, one burst, on bridges that pass it or must not.
 */
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { OvsVhostPort } from "../../src/cni/network/HostPort.ts"
import { derivedMac, keyOf, portName } from "../../src/identity/Attachment.ts"
import type { PortRequest } from "../../src/vswitch/Vswitch.ts"
import { request } from "../suites/SwitchUnderTest.ts"
import { existing, plugged, traffic, verify } from "../suites/VswitchCalls.ts"
import { until } from "../support/Until.ts"
import { OvsInstance } from "./support/OvsInstance.ts"
import { overInstance } from "./support/OvsUnderTest.ts"
import { onMachine } from "./support/Suite.ts"
import * as Testpmd from "./support/Testpmd.ts"

/** Packets that the switch has taken from a port; OpenFlow's counters are current. */
const takenFrom = Effect.fnUntraced(function* (bridge: string, port: string) {
  const { ofctl, runDir } = yield* OvsInstance
  const text = yield* ofctl("dump-ports", `unix:${runDir}/${bridge}.mgmt`, port)
  return Number(/rx pkts=(\d+)/.exec(text)?.[1] ?? 0)
})

/** One burst from `tx` to `rx`, and `meanwhile` before the applications end; returns the number of received packets. */
const sent = Effect.fnUntraced(function* <E, R>(
  tx: PortRequest,
  rx: PortRequest,
  bridge: string,
  expected: number,
  meanwhile: Effect.Effect<unknown, E, R>
) {
  const { directory, vsctl } = yield* OvsInstance
  const end = (of: PortRequest): Testpmd.End => ({
    name: portName(of.attachment),
    socket: of.socketPath,
    mode: "server",
    mac: derivedMac(of.attachment)
  })
  const receiver = yield* Testpmd.run(end(rx).name, directory, Testpmd.receiverArguments(end(rx)))
  yield* vsctl("wait-until", "Interface", portName(rx.attachment), "link_state=up")
  const sender = yield* Testpmd.run(end(tx).name, directory, Testpmd.senderArguments(end(tx), end(rx).mac))
  yield* until("the burst", takenFrom(bridge, portName(tx.attachment)), (taken) => taken >= Testpmd.burst)
  yield* Testpmd.receivedAtLeast(receiver.log, expected)
  yield* meanwhile
  yield* Testpmd.stop(sender)
  yield* Testpmd.stop(receiver)
  return yield* Testpmd.received(receiver.log)
})

const pair = Effect.fnUntraced(function* (tx: Partial<OvsVhostPort>, rx: Partial<OvsVhostPort>) {
  const both = [yield* request(tx), yield* request(rx)] as const
  for (const one of both) {
    yield* plugged(one)
    assert.deepStrictEqual(yield* verify(one), [])
  }
  return both
})

onMachine(["root", "ovs", "testpmd"], Layer.provideMerge(overInstance, OvsInstance.layer))("packets", (test) => {
  const cases: ReadonlyArray<
    readonly [string, secure: boolean, tx: Partial<OvsVhostPort>, rx: Partial<OvsVhostPort>, count: number]
  > = [
    ["pass on a bridge in fail_mode secure between ports that learn", true, {}, {}, Testpmd.burst],
    ["do not on one whose flows are a controller's", true, { netType: "none" }, { netType: "none" }, 0],
    ["pass within a VLAN", false, { vlan: 5 }, { vlan: 5 }, Testpmd.burst],
    ["do not between VLANs", false, { vlan: 5 }, { vlan: 6 }, 0]
  ]
  for (const [what, secure, tx, rx, count] of cases) {
    test(what, () =>
      Effect.gen(function* () {
        const bridge = yield* existing({ datapath_type: "netdev", ...(secure ? { fail_mode: "secure" } : {}) })
        const [from, to] = yield* pair({ ...tx, bridge }, { ...rx, bridge })
        // ovs-vswitchd writes them every five seconds, and forgets them when the application disconnects.
        const counted = Effect.gen(function* () {
          const both = yield* until("counters of every port", traffic, (ports) =>
            ports.every(({ receive, transmit }) => (receive.packets ?? 0) + (transmit.packets ?? 0) > 0)
          )
          const at = (of: PortRequest) => both.find(({ key }) => key === keyOf(of.attachment))
          const bytes = Testpmd.burst * Testpmd.frame
          assert.deepInclude(at(from)?.transmit, { packets: Testpmd.burst, bytes, errors: 0 })
          assert.deepInclude(at(to)?.receive, { packets: Testpmd.burst, bytes, errors: 0 })
          assert.deepInclude(at(to)?.transmit, { packets: 0, bytes: 0 })
          assert.isTrue(both.every(({ connected }) => connected))
        })
        const meanwhile = secure || count === 0 ? Effect.void : counted
        assert.strictEqual(yield* sent(from, to, bridge, count, meanwhile), count)
      })
    )
  }
})
