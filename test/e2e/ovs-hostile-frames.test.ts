/**
 * A pod's frames are hostile input to every feature of Open vSwitch that a port enables: ovs-vswitchd lives, continues
 * to forward, and no frame reaches a port that it must not reach. `HOSTILE_FRAMES` sets the number of frames.
 */
import { writeFileSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { OvsVhostPort } from "../../src/cni/network/HostPort.ts"
import { derivedMac, portName } from "../../src/identity/Attachment.ts"
import type { PortRequest } from "../../src/vswitch/Vswitch.ts"
import { request } from "../suites/SwitchUnderTest.ts"
import { existing, plugged } from "../suites/VswitchCalls.ts"
import { until } from "../support/Until.ts"
import { frames, writePcap } from "./support/HostileFrames.ts"
import { OvsInstance } from "./support/OvsInstance.ts"
import { overInstance } from "./support/OvsUnderTest.ts"
import { onMachine } from "./support/Suite.ts"
import * as Testpmd from "./support/Testpmd.ts"

const count = Number(process.env["HOSTILE_FRAMES"] ?? 10_000)

type Asked = Partial<OvsVhostPort>
/** Ports that frames reach, and ports that none may reach. */
type Case = readonly [feature: string, from: Asked, reached: ReadonlyArray<Asked>, never: ReadonlyArray<Asked>]

const cases: ReadonlyArray<Case> = [
  ["an access port", { vlan: 5 }, [{ vlan: 5 }, { trunks: [5] }], [{ vlan: 6 }, { trunks: [6, 7] }]],
  ["a trunk", { trunks: [6, 7] }, [{ vlan: 6 }, { trunks: [7] }], [{ vlan: 5 }, { trunks: [5, 8] }]],
  [
    "a trunk with an untagged native VLAN",
    { vlan: 5, trunks: [6], vlanMode: "native-untagged" },
    [{ vlan: 5 }, { vlan: 6 }],
    [{ vlan: 7 }]
  ],
  [
    "a trunk with a tagged native VLAN",
    { vlan: 5, trunks: [6], vlanMode: "native-tagged" },
    [{ vlan: 5 }, { vlan: 6 }],
    [{ vlan: 7 }]
  ],
  ["a dot1q tunnel", { vlan: 5, vlanMode: "dot1q-tunnel" }, [{ vlan: 5, vlanMode: "dot1q-tunnel" }], [{ vlan: 6 }]],
  [
    "an access port with a rate limit",
    { vlan: 5, ingressPolicingRate: 100_000, ingressPolicingBurst: 10_000 },
    [{ vlan: 5 }],
    [{ vlan: 6 }]
  ],
  ["an MTU", { vlan: 5, mtu: 1500 }, [{ vlan: 5, mtu: 1400 }], [{ vlan: 6, mtu: 1500 }]],
  ["a port whose flows are a controller's", { netType: "none" }, [], [{ netType: "none" }, {}]]
]

/** The packets that Open vSwitch has taken from a port, and those for it, dropped at its end or not. */
const counters = Effect.fnUntraced(function* (bridge: string, of: PortRequest) {
  const { ofctl, runDir } = yield* OvsInstance
  const text = yield* ofctl("dump-ports", `unix:${runDir}/${bridge}.mgmt`, portName(of.attachment))
  const number = (pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? 0)
  return {
    taken: number(/rx pkts=(\d+)/),
    given: number(/tx pkts=(\d+)/) + number(/tx pkts=\d+, bytes=\d+, drop=(\d+)/)
  }
})

const endOf = (of: PortRequest): Testpmd.End => ({
  name: portName(of.attachment),
  socket: of.socketPath,
  mode: "server",
  mac: derivedMac(of.attachment)
})

const up = Effect.fnUntraced(function* (all: ReadonlyArray<PortRequest>) {
  const { vsctl } = yield* OvsInstance
  for (const { attachment } of all) {
    // Several sockets of one application are connected in sequence, a second each.
    const name = portName(attachment)
    yield* until(`a link of ${name}`, vsctl("get", "Interface", name, "link_state"), (state) => state.trim() === "up")
  }
})

/** Waits until it has taken this many, or no more come: a sender continues when the switch has no room. */
const takes = (bridge: string, from: PortRequest, wanted: number) =>
  until(`${wanted} frames taken`, counters(bridge, from), ({ taken }) => taken >= wanted, {
    deadline: 60_000 + count
  })

/** An ordinary burst still passes within the VLAN. */
const goesOn = Effect.fnUntraced(function* (bridge: string, from: PortRequest, open: ReadonlyArray<PortRequest>) {
  const { directory } = yield* OvsInstance
  const vlanOf = ({ port }: PortRequest) => (port.engine === "ovs-dpdk" ? port.vlan : undefined)
  const peers = open.filter((one) => vlanOf(one) !== undefined && vlanOf(one) === vlanOf(from))
  const before = yield* Effect.forEach(peers, (one) => counters(bridge, one))
  const { taken } = yield* counters(bridge, from)
  const args = Testpmd.senderArguments(endOf(from), "ff:ff:ff:ff:ff:ff")
  const sender = yield* Testpmd.run(endOf(from).name, directory, args)
  yield* takes(bridge, from, taken + Testpmd.burst)
  for (const [n, one] of peers.entries()) {
    yield* until("the burst", counters(bridge, one), ({ given }) => given > (before[n]?.given ?? 0))
  }
  yield* Testpmd.stop(sender)
})

onMachine(
  ["root", "ovs", "testpmd", "pcap"],
  Layer.provideMerge(overInstance, OvsInstance.layerWith({ megabytes: 768 }))
)(`hostile frames, ${count} of each feature`, (test) => {
  for (const [n, [feature, tx, reached, never]] of cases.entries()) {
    test(feature, () =>
      Effect.gen(function* () {
        const { directory, vswitchdPid, vswitchdRuns } = yield* OvsInstance
        const pid = yield* vswitchdPid
        const bridge = yield* existing({
          datapath_type: "netdev",
          ...(tx.netType === "none" ? { fail_mode: "secure" } : {})
        })
        const from = yield* request({ ...tx, bridge })
        const open = yield* Effect.forEach(reached, (port) => request({ ...port, bridge }))
        const closed = yield* Effect.forEach(never, (port) => request({ ...port, bridge }))
        for (const one of [from, ...open, ...closed]) yield* plugged(one)
        const receivers = [...open, ...closed]
        const receiver = yield* Testpmd.run(
          `rx${n}`,
          directory,
          Testpmd.receiversArguments(`rx${n}`, receivers.map(endOf))
        )
        yield* up(receivers)
        const file = `${directory}/hostile-${n}.pcap`
        const macs = [from, ...receivers].map((one) => endOf(one).mac)
        writePcap(file, frames({ seed: n, count, macs, vlans: [5, 6, 7, 8] }))
        const end = endOf(from)
        const commands = `${directory}/hostile-${n}.commands`
        writeFileSync(commands, "set fwd io retry\nset burst tx delay 10 retry 100000\nstart\n")
        const sender = yield* Testpmd.run(
          `tx${n}`,
          directory,
          Testpmd.replayArguments(end.name, Testpmd.opening(end), file, commands)
        )
        // Open vSwitch does not count every buffer in the application's queue as a packet.
        yield* takes(bridge, from, count * 0.95)
        yield* Testpmd.stop(sender)
        assert.isTrue(yield* vswitchdRuns)
        assert.strictEqual(yield* vswitchdPid, pid)
        for (const one of open) assert.isAbove((yield* counters(bridge, one)).given, 0, JSON.stringify(one.port))
        yield* goesOn(bridge, from, open)
        for (const one of closed) assert.strictEqual((yield* counters(bridge, one)).given, 0, JSON.stringify(one.port))
        yield* Testpmd.stop(receiver)
      })
    )
  }
})
