/**
 * Real VPPs on both ends: the host's ports carry packets between pods' VPPs, survive a crash of the host's, and many
 * concurrent calls; a hundred dropped callers leave it answering.
 */
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import { basename } from "node:path"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { VppMemifPort } from "../../src/cni/network/HostPort.ts"
import { keyOf } from "../../src/identity/Attachment.ts"
import { abstractName } from "../../src/vpp/interfaces/PortKinds.ts"
import { controlPing } from "../../src/vpp/messages/Control.ts"
import {
  bridged,
  directory,
  leavesAsFound,
  look,
  memif,
  newDomain,
  plug,
  plugged,
  request,
  traffic,
  unplug,
  VppUnderTest,
  verify,
  type Wanted,
  withSession
} from "../suites/VppUnderTest.ts"
import { until, untilTrue } from "../support/Until.ts"
import { numberedAndLimited } from "../vpp/support/Numbered.ts"
import { unplugOf } from "../vswitch/support/UnplugOf.ts"
import { vppPrefixes } from "./support/Machine.ts"
import { answers, connected, ping, pings, podAt } from "./support/PodVpp.ts"
import { start } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"
import { Host, host } from "./support/VppHost.ts"

const pod = (prefix: string, { socketPath }: Wanted<VppMemifPort>, ...addresses: ReadonlyArray<string>) =>
  podAt(prefix, socketPath, undefined, ...addresses)

const netnsOf = (pid: number) => fs.readlinkSync(`/proc/${pid}/ns/net`)

/** Of an echo request of VPP, with its Ethernet header. */
const frame = 110

/** Before 23.06. */
const oldSockets = (prefix: string) => /2[12]\.|23\.02/.test(prefix)

const forwards = (hostPrefix: string, podPrefix: string) =>
  onMachine(["root", "vpp"], host(hostPrefix))(
    `host VPP ${basename(hostPrefix)}, pods' VPP ${basename(podPrefix)}`,
    (test) => {
      test("two pods ping each other through a bridge domain, 5 of 5", () =>
        Effect.gen(function* () {
          const network = bridged(newDomain())
          const [one, two] = [yield* request(memif({ network })), yield* request(memif({ network }))]
          yield* plugged(one)
          yield* plugged(two)
          const queues = Effect.map(traffic, (all) => all.find(({ key }) => key === keyOf(one.attachment))?.queues)
          assert.isUndefined(yield* queues)
          const a = yield* pod(podPrefix, one, "192.168.1.3/24")
          assert.strictEqual(yield* queues, 1)
          yield* pod(podPrefix, two, "192.168.1.4/24")
          assert.strictEqual(yield* pings(a, "192.168.1.4"), 5)
          const before = yield* traffic
          assert.strictEqual(yield* answers(a, "192.168.1.4", 3), 3)
          const after = yield* traffic
          for (const { attachment } of [one, two]) {
            const [was, is] = [before, after].map((all) => all.find(({ key }) => key === keyOf(attachment)))
            assert.isTrue(is?.connected)
            for (const way of ["receive", "transmit"] as const) {
              assert.strictEqual((is?.[way].packets ?? 0) - (was?.[way].packets ?? 0), 3)
              assert.strictEqual((is?.[way].bytes ?? 0) - (was?.[way].bytes ?? 0), 3 * frame)
            }
          }
          // One that nobody answers goes one way alone: that of the pod that sent it.
          const [, asked] = [yield* ping(a, "192.168.1.99", 1), yield* traffic]
          const sent = (all: typeof after, { attachment }: typeof one) =>
            all.find(({ key }) => key === keyOf(attachment))
          assert.isAbove(sent(asked, one)?.transmit.packets ?? 0, sent(after, one)?.transmit.packets ?? 0)
          assert.isAbove(sent(asked, two)?.receive.packets ?? 0, sent(after, two)?.receive.packets ?? 0)
          assert.strictEqual(sent(asked, one)?.receive.packets, sent(after, one)?.receive.packets)
          assert.strictEqual(sent(asked, two)?.transmit.packets, sent(after, two)?.transmit.packets)
          yield* a.ctl("delete", "interface", "memif", "memif1/0")
          yield* a.ctl(..."create interface memif socket-id 1 id 0 slave rx-queues 3 tx-queues 2".split(" "))
          yield* a.ctl("set", "int", "state", "memif1/0", "up")
          yield* connected(a)
          assert.strictEqual(yield* queues, 2)
        }))

      test("access ports of one VLAN reach each other, and not those of another", () =>
        Effect.gen(function* () {
          const domain = newDomain()
          const [a, b, c] = yield* Effect.forEach([5, 5, 7], (vlan) =>
            request(memif({ network: bridged(domain, vlan) }))
          )
          if (a === undefined || b === undefined || c === undefined) return assert.fail()
          for (const one of [a, b, c]) yield* plugged(one)
          const from = yield* pod(podPrefix, a, "192.168.2.3/24")
          yield* pod(podPrefix, b, "192.168.2.4/24")
          yield* pod(podPrefix, c, "192.168.2.5/24")
          assert.strictEqual(yield* pings(from, "192.168.2.4"), 5)
          assert.strictEqual(yield* ping(from, "192.168.2.5", 5), 0)
        }))

      test("a layer 3 port answers on the gateway's address, and reaches a pod whose prefix is one address", () =>
        Effect.gen(function* () {
          const network = { netType: "interface" } as const
          const wide = yield* request(memif({ network }), {
            addresses: [
              { address: "10.44.1.3/24", gateway: "10.44.1.1" },
              { address: "fd44:1::3/64", gateway: "fd44:1::1" }
            ]
          })
          const narrow = yield* request(memif({ network }), {
            addresses: [{ address: "10.44.2.3/32", gateway: "169.254.44.1" }]
          })
          yield* plugged(wide)
          yield* plugged(narrow)
          const one = yield* pod(podPrefix, wide, "10.44.1.3/24", "fd44:1::3/64")
          assert.strictEqual(yield* pings(one, "10.44.1.1"), 5)
          assert.strictEqual(yield* pings(one, "fd44:1::1"), 5)
          const two = yield* pod(podPrefix, narrow, "10.44.2.3/32")
          yield* two.ctl("ip", "route", "add", "169.254.44.1/32", "via", "memif1/0")
          yield* two.ctl("ip", "route", "add", "10.44.1.0/24", "via", "169.254.44.1", "memif1/0")
          yield* one.ctl("ip", "route", "add", "10.44.2.0/24", "via", "10.44.1.1")
          assert.strictEqual(yield* pings(one, "10.44.2.3"), 5)
        }))

      test("a pod reaches an abstract socket in its network namespace, where VPP supports one", () =>
        Effect.gen(function* () {
          const network = bridged(newDomain())
          const sandbox = yield* start("unshare", ["--net", "sleep", "infinity"])
          yield* untilTrue("a namespace of its own", () => netnsOf(sandbox.pid) !== netnsOf(process.pid))
          const netns = `/proc/${sandbox.pid}/ns/net`
          const wanted = yield* request(memif({ network, abstract: true }))
          const one = { ...wanted, attachment: { ...wanted.attachment, netns } }
          const two = yield* request(memif({ network }))
          if (oldSockets(hostPrefix)) {
            const error = yield* leavesAsFound(Effect.flip(plug(one)))
            assert.include(error.failed, "an abstract memif socket is not supported by this VPP")
            return
          }
          yield* plugged(one)
          assert.deepStrictEqual(yield* verify(one), [])
          assert.isFalse(fs.existsSync(one.socketPath))
          if (oldSockets(podPrefix)) return
          yield* plugged(two)
          const a = yield* podAt(podPrefix, abstractName(one.socketPath), netns, "192.168.4.3/24")
          yield* pod(podPrefix, two, "192.168.4.4/24")
          assert.strictEqual(yield* pings(a, "192.168.4.4"), 5)
          assert.lengthOf(yield* unplug(unplugOf(one)), 1)
        }))

      test("after kill -9 of the host's VPP, DEL and ADD connect the pods again", () =>
        Effect.gen(function* () {
          const { restart } = yield* VppUnderTest
          const network = bridged(newDomain())
          const [one, two] = [yield* request(memif({ network })), yield* request(memif({ network }))]
          yield* plugged(one)
          yield* plugged(two)
          const a = yield* pod(podPrefix, one, "192.168.3.3/24")
          const b = yield* pod(podPrefix, two, "192.168.3.4/24")
          yield* restart
          for (const wanted of [one, two]) {
            assert.deepStrictEqual(yield* unplug(unplugOf(wanted)), [])
            yield* plug(wanted)
          }
          yield* connected(a)
          yield* connected(b)
          assert.strictEqual(yield* pings(a, "192.168.3.4"), 5)
        }))
    }
  )

const [newest = "", ...older] = vppPrefixes
forwards(newest, newest)
for (const prefix of older.slice(0, 1)) {
  forwards(prefix, newest)
  forwards(newest, prefix)
}

onMachine(["root", "vpp"], host(newest))(`many callers of VPP ${basename(newest)}`, (test) => {
  test("200 pods come and go", () =>
    leavesAsFound(
      Effect.gen(function* () {
        const wanted = yield* Effect.forEach(Array.from({ length: 200 }), () =>
          request(memif({ network: bridged(88) }))
        )
        yield* Effect.forEach(wanted, plug, { concurrency: 16, discard: true })
        assert.lengthOf(
          (yield* look).filter((line) => line.startsWith("interface memif")),
          200
        )
        yield* Effect.forEach(wanted, (one) => unplug(unplugOf(one)), { concurrency: 16, discard: true })
      })
    ))

  // A hundred processes on two cores take their time.
  test(
    "100 ADDs that are all killed leave VPP answering, and DEL cleans up",
    () =>
      leavesAsFound(
        Effect.gen(function* () {
          const { api, ctl } = yield* Host
          const sockets = yield* directory
          const bun = new URL("../../node_modules/.bin/bun", import.meta.url).pathname
          const program = new URL("../vpp/support/plug-once.ts", import.meta.url).pathname
          const numbers = Array.from({ length: 100 }, (_, n) => n)
          const children = numbers.map((n) => spawn(bun, [program, api, sockets, String(n)], { stdio: "ignore" }))
          const alive = () => children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
          // In the middle: some ports exist, and the others no longer matter.
          yield* until("ten ports", ctl("show", "interface"), (text) => text.split("memif").length > 10, {
            every: "2 millis"
          })
          for (const child of children) child.kill("SIGKILL")
          yield* untilTrue("the end of the processes", () => alive().length === 0)
          assert.strictEqual((yield* withSession((session) => session.call(controlPing, {}))).retval, 0)
          const removed = yield* Effect.forEach(numbers, (n) => unplug(unplugOf(numberedAndLimited(sockets, n))), {
            concurrency: 8
          })
          assert.isAbove(removed.filter((what) => what.length > 0).length, 5)
          assert.isAbove(removed.filter((what) => what.length === 0).length, 5)
          for (const name of fs.readdirSync(sockets)) assert.fail(`${name} is left`)
        })
      ),
    180_000
  )
})
