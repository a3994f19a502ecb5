/**
 * VLANs on real VPPs, with packets, and every feature of a port under hostile frames: VPP lives, and no frame reaches
 * another's port. `HOSTILE_FRAMES` sets the number of frames; a million have passed.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { basename } from "node:path"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { VppMemifPort, VppVhostPort } from "../../src/cni/network/HostPort.ts"
import { both } from "../suites/VppLimitsSuite.ts"
import { bridged, memif, newDomain, plugged, request, verify, vhost, type Wanted } from "../suites/VppUnderTest.ts"
import { until } from "../support/Until.ts"
import { frames, readPcap, writePcap } from "./support/HostileFrames.ts"
import { vppPrefixes } from "./support/Machine.ts"
import { answers, connected, ping, pings, podAt } from "./support/PodVpp.ts"
import { onMachine } from "./support/Suite.ts"
import * as Testpmd from "./support/Testpmd.ts"
import { Host, host } from "./support/VppHost.ts"
import type { VppInstance } from "./support/VppInstance.ts"

const count = Number(process.env["HOSTILE_FRAMES"] ?? 20_000)
/** As many as a pod's VPP reads into memory at a time. */
const batch = 25_000

/** Frames received from a pod's port, or by the host's end. */
const counted = Effect.fnUntraced(function* ({ ctl }: VppInstance, name: string, direction: "rx" | "tx") {
  const text = yield* ctl("show", "interface", name)
  return Number(new RegExp(`${direction} packets +(\\d+)`).exec(text)?.[1] ?? 0)
})

/** Sends a file's frames out of a pod's port. VPP's own packet generator crashes VPP 26.06 when it reads a file. */
const replay = Effect.fnUntraced(function* (
  vpp: VppInstance,
  { attachment, port: { iftype }, socketPath }: Wanted<VppMemifPort | VppVhostPort>,
  port: string,
  file: string,
  frames: number
) {
  const name = attachment.containerId.slice(0, 12)
  const commands = `${vpp.directory}/commands`
  writeFileSync(commands, "set fwd io retry\nset burst tx delay 10 retry 100000\nstart\n")
  const before = yield* counted(vpp, port, "rx")
  const device =
    iftype === "memif"
      ? `--vdev=net_memif0,role=client,id=0,socket=${socketPath},socket-abstract=no`
      : `--vdev=net_virtio_user0,path=${socketPath}`
  const args = Testpmd.replayArguments(name, ["--no-pci", "--no-huge", device], file, commands)
  const sender = yield* Testpmd.run(name, vpp.directory, args)
  yield* until(`${before + frames} frames received`, counted(vpp, port, "rx"), (now) => now - before >= frames, {
    deadline: 60_000 + frames
  })
  yield* Testpmd.stop(sender)
}, Effect.scoped)

/** UDP from one address to another, with everything that VPP's filter took for VLANs. */
const datagram = (id: number): Buffer => {
  const frame = Buffer.alloc(64)
  Buffer.from("020000000022020000000021080045000032", "hex").copy(frame)
  frame.writeUInt16BE(id, 18)
  Buffer.from("0000ff110000c0a80203c0a80204", "hex").copy(frame, 20)
  Buffer.from("1000100000100000", "hex").copy(frame, 34)
  return frame
}

const isOurs = (frame: Buffer): boolean => frame.length >= 34 && frame.subarray(12, 16).toString("hex") === "08004500"

/** The frames that a pod's VPP records. */
const traced = Effect.fnUntraced(function* ({ ctl, directory }: VppInstance, self: Effect.Effect<void, unknown>) {
  const name = `${basename(directory)}.pcap`
  yield* ctl("pcap", "trace", "rx", "max", "200000", "intfc", "memif1/0", "file", name)
  yield* Effect.orDie(self)
  yield* ctl("pcap", "trace", "off")
  const all = readPcap(readFileSync(`/tmp/${name}`))
  rmSync(`/tmp/${name}`)
  return all
})

const macOf = ({ ctl }: VppInstance) =>
  Effect.map(
    ctl("show", "hardware-interfaces", "memif1/0"),
    (text) => /address ([0-9a-f:]{17})/.exec(text)?.[1] ?? assert.fail(text)
  )

const pod = (prefix: string, { socketPath }: Wanted<VppMemifPort>, ...addresses: ReadonlyArray<string>) =>
  podAt(prefix, socketPath, undefined, ...addresses)

/** The bridge with a feature; VLANs that its frames reach, and that they must not reach. */
type Case = readonly [
  what: string,
  port: (bridge: number) => VppMemifPort | VppVhostPort,
  reached: ReadonlyArray<number | undefined>,
  never: ReadonlyArray<number | undefined>
]

const cases: ReadonlyArray<Case> = [
  ["an access port", (bridge) => memif({ network: bridged(bridge, 7) }), [7], [8, undefined]],
  ["a port without a VLAN", (bridge) => memif({ network: bridged(bridge) }), [undefined], [7, 8]],
  ["an access port with limits", (bridge) => memif({ network: bridged(bridge, 7), limits: both }), [7], [8, undefined]],
  ["a layer 3 port", () => memif({ network: { netType: "interface" } }), [], [7, undefined]],
  ["a vhost-user access port", (bridge) => vhost({ network: bridged(bridge, 7) }), [7], [8, undefined]]
]

const gateway = [
  { address: "10.45.1.3/24", gateway: "10.45.1.1" },
  { address: "fd45:1::3/64", gateway: "fd45:1::1" }
]

const isolates = (prefix: string) =>
  onMachine(["root", "vpp", "testpmd", "pcap", "memif"], host(prefix))(`VLANs on VPP ${basename(prefix)}`, (test) => {
    test(
      "all 65,536 IP identifications pass between two access ports of one VLAN",
      () =>
        Effect.gen(function* () {
          const network = bridged(newDomain(), 7)
          const [one, two] = [yield* request(memif({ network })), yield* request(memif({ network }))]
          const { port } = yield* plugged(one)
          yield* plugged(two)
          const vpp = yield* Host
          const to = yield* pod(prefix, two)
          const missing = new Set(Array.from({ length: 65_536 }, (_, id) => id))
          const file = `${to.directory}/ids.pcap`
          // Frames that a full queue dropped are sent again; frames dropped by their number are dropped again.
          for (let round = 0; round < 8 && missing.size > 0; round++) {
            writePcap(file, [...missing].map(datagram))
            const came = yield* traced(to, replay(vpp, one, port, file, missing.size))
            for (const frame of came.filter(isOurs)) missing.delete(frame.readUInt16BE(18))
          }
          assert.deepStrictEqual([...missing], [])
        }),
      300_000
    )

    test(
      "of 1,000 pings none is lost",
      () =>
        Effect.gen(function* () {
          const network = bridged(newDomain(), 7)
          const [one, two] = [yield* request(memif({ network })), yield* request(memif({ network }))]
          yield* plugged(one)
          yield* plugged(two)
          const from = yield* pod(prefix, one, "192.168.2.3/24")
          yield* pod(prefix, two, "192.168.2.4/24")
          assert.strictEqual(yield* pings(from, "192.168.2.4"), 5)
          assert.strictEqual(yield* answers(from, "192.168.2.4", 1000, "0.01"), 1000)
        }),
      300_000
    )

    for (const [what, sender, reached, never] of cases) {
      test(
        `${count} hostile frames from ${what}: VPP lives, and no frame reaches another VLAN`,
        () =>
          Effect.gen(function* () {
            const vpp = yield* Host
            const pid = yield* vpp.pid
            const bridge = newDomain()
            const from = yield* request(sender(bridge), {
              addresses: sender(bridge).network.netType === "interface" ? gateway : []
            })
            const { port } = yield* plugged(from)
            const at = Effect.fnUntraced(function* (vlan: number | undefined, ...addresses: ReadonlyArray<string>) {
              const wanted = yield* request(memif({ network: bridged(bridge, vlan) }))
              const { port } = yield* plugged(wanted)
              return { port, vlan, vpp: yield* pod(prefix, wanted, ...addresses) }
            })
            const open = yield* Effect.forEach(reached, (vlan) => at(vlan))
            const closed = yield* Effect.forEach(never, (vlan) => at(vlan))
            const macs = yield* Effect.forEach([...open, ...closed], ({ vpp }) => macOf(vpp))
            for (let seed = 0; seed * batch < count; seed++) {
              const file = `${vpp.directory}/hostile.pcap`
              writePcap(file, frames({ seed, count: batch, macs, vlans: [7, 8, bridge] }))
              yield* replay(vpp, from, port, file, batch)
            }
            assert.strictEqual(yield* vpp.pid, pid)
            assert.match(yield* vpp.ctl("show", "version"), /^vpp /)
            assert.isAtLeast(yield* counted(vpp, port, "rx"), count)
            for (const one of open) assert.isAbove(yield* counted(one.vpp, "memif1/0", "rx"), 0)
            for (const one of closed) {
              assert.strictEqual(yield* counted(one.vpp, "memif1/0", "rx"), 0)
              assert.strictEqual(yield* counted(vpp, one.port, "tx"), 0)
            }
            // It continues.
            const [peer = assert.fail()] = [...open, ...closed]
            yield* peer.vpp.ctl("set", "int", "ip", "address", "memif1/0", "192.168.5.4/24")
            const fresh = yield* at(peer.vlan, "192.168.5.3/24")
            assert.strictEqual(yield* pings(fresh.vpp, "192.168.5.4"), 5)
          }),
        900_000
      )
    }

    test("an administrator's uplink: each VLAN reaches its own VLAN of a tagged peer, and a pod's tags reach no other", () =>
      Effect.gen(function* () {
        const vpp = yield* Host
        const bridge = newDomain()
        const seven = yield* request(memif({ network: bridged(bridge, 7) }))
        const eight = yield* request(memif({ network: bridged(bridge, 8) }))
        const wire = `${vpp.directory}/wire.sock`
        yield* vpp.ctl("create", "memif", "socket", "id", "9", "filename", wire)
        yield* vpp.ctl("create", "interface", "memif", "socket-id", "9", "id", "0", "master")
        yield* vpp.ctl("set", "interface", "state", "memif9/0", "up")
        for (const vlan of ["7", "8"]) {
          yield* vpp.ctl("create", "sub-interfaces", "memif9/0", vlan)
          yield* vpp.ctl("set", "interface", "l2", "tag-rewrite", `memif9/0.${vlan}`, "pop", "1")
          yield* vpp.ctl("set", "interface", "l2", "bridge", `memif9/0.${vlan}`, String(bridge * 4096 + Number(vlan)))
          yield* vpp.ctl("set", "interface", "state", `memif9/0.${vlan}`, "up")
        }
        yield* plugged(seven)
        yield* plugged(eight)
        assert.deepStrictEqual(yield* verify(seven), [])
        const inSeven = yield* pod(prefix, seven, "192.168.7.3/24")
        const inEight = yield* pod(prefix, eight, "192.168.7.5/24")
        const peer = yield* podAt(prefix, wire, undefined)
        for (const [vlan, address] of [
          ["7", "192.168.7.4/24"],
          ["8", "192.168.8.4/24"]
        ] as const) {
          yield* peer.ctl("create", "sub-interfaces", "memif1/0", vlan)
          yield* peer.ctl("set", "interface", "ip", "address", `memif1/0.${vlan}`, address)
          yield* peer.ctl("set", "interface", "state", `memif1/0.${vlan}`, "up")
        }
        yield* connected(peer)
        assert.strictEqual(yield* pings(inSeven, "192.168.7.4"), 5)
        assert.strictEqual(yield* ping(inEight, "192.168.7.4", 5), 0)
        // Frames that the pod in VLAN 8 tags for VLAN 7 leave with VLAN 8 as the outer tag.
        yield* inEight.ctl("create", "sub-interfaces", "memif1/0", "7")
        yield* inEight.ctl("set", "interface", "ip", "address", "memif1/0.7", "192.168.9.5/24")
        yield* inEight.ctl("set", "interface", "state", "memif1/0.7", "up")
        yield* peer.ctl("set", "interface", "ip", "address", "memif1/0.7", "192.168.9.4/24")
        assert.strictEqual(yield* ping(inEight, "192.168.9.4", 3), 0)
      }))
  })

const prefixes = vppPrefixes.length > 0 ? vppPrefixes : [""]
for (const prefix of prefixes) isolates(prefix)
