/**
 * The executable called as a container runtime calls it, on a real Open vSwitch with DPDK, real host-local and real
 * applications at both ends: exactly 32 packets pass, and after DEL everything is as before.
 */
import { lstatSync, mkdtempSync, rmSync, statSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { until } from "../support/Until.ts"
import { CniNode, type Sandbox, socketOf } from "./support/CniNode.ts"
import { doctor } from "./support/Doctor.ts"
import * as Doors from "./support/Doors.ts"
import { resultOf } from "./support/Plugin.ts"
import { onMachine } from "./support/Suite.ts"
import * as Testpmd from "./support/Testpmd.ts"
import { of, type Top, top } from "./support/Top.ts"
import { look, returnsTo } from "./support/World.ts"

const attach = Effect.fnUntraced(function* (network: object) {
  const node = yield* CniNode
  const sandbox = yield* node.sandbox
  const result = yield* resultOf(yield* node.call("ADD", sandbox, network))
  const [port] = result.interfaces
  assert.isDefined(port)
  assert.strictEqual(port.name, sandbox.ifName)
  assert.strictEqual(port.sandbox, sandbox.netns)
  assert.match(result.ips[0]?.address ?? "", /^10\.56\.0\.\d+\/24$/)
  return { sandbox, mac: port.mac }
})

const detach = Effect.fnUntraced(function* (sandbox: Sandbox, network: object) {
  const node = yield* CniNode
  const answer = yield* node.call("DEL", sandbox, network)
  assert.strictEqual(answer.status, 0, answer.stdout + answer.stderr)
  assert.isUndefined(answer.document)
})

/** Created by hand, so no DEL may remove it. */
const administratorsBridge = Effect.gen(function* () {
  const { network, vsctl } = yield* CniNode
  const name = network.host.bridge.bridgeName
  yield* Effect.acquireRelease(vsctl("add-br", name, "--", "set", "Bridge", name, "datapath_type=netdev"), () =>
    Effect.ignore(vsctl("--if-exists", "del-br", name))
  )
})

/** A directory that no hard link can reach from the switch's run directory. */
const elsewhere = Effect.gen(function* () {
  const { ovs } = yield* CniNode
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync("/dev/shm/cni-")),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  assert.notStrictEqual(statSync(directory).dev, statSync(ovs.runDir).dev)
  return directory
})

/** Of the five seconds for which ovs-vswitchd has counted. */
const burst = {
  packetsPerSecond: Testpmd.burst / 5,
  bitsPerSecond: (8 * Testpmd.burst * Testpmd.frame) / 5
}
const idle = { packetsPerSecond: 0, bitsPerSecond: 0 }

const showsBurst = Effect.fnUntraced(function* (seen: Top, rx: Sandbox, tx: Sandbox) {
  const all = yield* seen.until("packets that are received", (shown) =>
    shown.some((one) => (of(rx.containerId, one)?.receive?.packetsPerSecond ?? 0) > 0)
  )
  const last = all.find((one) => (of(rx.containerId, one)?.receive?.packetsPerSecond ?? 0) > 0)
  assert.isDefined(last)
  assert.deepInclude(of(rx.containerId, last), { connected: true, receive: burst, transmit: idle })
  assert.deepInclude(of(tx.containerId, last), { connected: true, receive: idle, transmit: burst })
})

onMachine(["root", "executable", "ovs", "testpmd", "hostLocal"], CniNode.layer)(
  "called as a runtime calls it",
  (test) => {
    for (const mode of ["client", "server"] as const) {
      const whose = mode === "client" ? "a bridge that ADD makes" : "an administrator's bridge"
      test(`32 packets pass between two ports in ${mode} mode on ${whose}, and DEL leaves nothing`, () =>
        Effect.gen(function* () {
          const node = yield* CniNode
          if (mode === "server") yield* administratorsBridge
          const network = { ...node.network, host: { ...node.network.host, vhost: { mode } } }
          const logs = `${node.directory}/logs`
          const before = yield* look(node.watched)

          const rx = yield* attach(network)
          const tx = yield* attach(network)
          assert.notStrictEqual(rx.mac, tx.mac)
          const end = ({ mac, sandbox }: typeof rx, name: string): Testpmd.End => ({
            name: `${name}${mode}`,
            socket: socketOf(node.sharedDir, sandbox),
            mode: mode === "client" ? "server" : "client",
            mac
          })
          const receiver = yield* Testpmd.run(`rx-${mode}`, logs, Testpmd.receiverArguments(end(rx, "rx")))
          const port = yield* node.portMarked(rx.sandbox.containerId)
          yield* node.vsctl("wait-until", "Interface", port, "link_state=up")
          const places = ["--state-dir", node.stateDir, "--ovs-socket", node.ovs.socket]
          const seen = mode === "client" ? yield* top(`${logs}/top`, ...places) : undefined
          yield* seen?.until("a document", (all) => all.length > 0) ?? Effect.void
          const sender = yield* Testpmd.run(`tx-${mode}`, logs, Testpmd.senderArguments(end(tx, "tx"), rx.mac))
          yield* Testpmd.receivedAtLeast(receiver.log, Testpmd.burst)
          if (seen !== undefined) yield* showsBurst(seen, rx.sandbox, tx.sandbox)
          else assert.include((yield* doctor(...places)).ids, "packets-not-counted")
          yield* Testpmd.stop(sender)
          yield* Testpmd.stop(receiver)
          assert.strictEqual(yield* Testpmd.received(receiver.log), Testpmd.burst)

          yield* detach(tx.sandbox, network)
          yield* detach(rx.sandbox, network)
          yield* returnsTo(node.watched, before)
          yield* detach(rx.sandbox, network)
          yield* returnsTo(node.watched, before)
        }))
    }

    test("server mode with the shared directory on another file system: the socket is there, and DEL leaves no mount", () =>
      Effect.gen(function* () {
        const node = yield* CniNode
        const sharedDir = yield* elsewhere
        const network = { ...node.network, sharedDir, host: { ...node.network.host, vhost: { mode: "server" } } }
        const watched = { ...node.watched, directories: [...node.watched.directories, sharedDir] }
        const before = yield* look(watched)
        const { sandbox } = yield* attach(network)
        assert.deepStrictEqual((yield* look(watched)).mounts, [socketOf(sharedDir, sandbox)])
        yield* Doors.connect(socketOf(sharedDir, sandbox))
        yield* detach(sandbox, network)
        yield* returnsTo(watched, before)
      }))

    test("a shared directory too long for a socket's path: the switch still finds the application's socket", () =>
      Effect.gen(function* () {
        const node = yield* CniNode
        const network = { ...node.network, sharedDir: `${node.sharedDir}/${"d".repeat(120)}` }
        const before = yield* look(node.watched)
        const { sandbox } = yield* attach(network)
        const port = yield* node.portMarked(sandbox.containerId)
        const told = (yield* node.vsctl("get", "Interface", port, "options:vhost-server-path"))
          .trim()
          .replaceAll('"', "")
        assert.isAtMost(told.length, 107)
        const knocked = yield* Deferred.make<void>()
        yield* Doors.listening(told, () => Deferred.doneUnsafe(knocked, Effect.void))
        assert.isTrue(lstatSync(socketOf(network.sharedDir, sandbox)).isSocket())
        yield* until("a switch that connects", Deferred.isDone(knocked), (done) => done)
        yield* detach(sandbox, network)
        yield* returnsTo(node.watched, before)
      }))

    test("two interfaces of one container, net1 and net10: deleting one leaves the other complete", () =>
      Effect.gen(function* () {
        const node = yield* CniNode
        const sandbox = yield* node.sandbox
        const other = { ...sandbox, ifName: "net10" }
        const before = yield* look(node.watched)
        const first = yield* node.call("ADD", other, node.network)
        yield* resultOf(first)
        const alone = yield* look(node.watched)
        yield* resultOf(yield* node.call("ADD", sandbox, node.network))
        yield* detach(sandbox, node.network)
        yield* returnsTo(node.watched, alone)
        const checked = yield* node.call("CHECK", other, { ...node.network, prevResult: first.document })
        assert.deepStrictEqual([checked.status, checked.stdout], [0, ""])
        yield* detach(other, node.network)
        yield* returnsTo(node.watched, before)
      }))
  }
)
