/**
 * Captures on a real Open vSwitch: testpmd's known packets, counted and with their directions, and each way in which a
 * capture ends. Whatever killed it, nothing of it is left afterwards.
 */
import { readFileSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { packets } from "../attachment/capture/support/Blocks.ts"
import { until } from "../support/Until.ts"
import { CniNode, type Sandbox, socketOf } from "./support/CniNode.ts"
import { hurried } from "./support/Healing.ts"
import { executable } from "./support/Machine.ts"
import { well } from "./support/Plugin.ts"
import { ended, run, start, succeed } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"
import * as Testpmd from "./support/Testpmd.ts"

const added = Effect.gen(function* () {
  const node = yield* CniNode
  const sandbox = yield* node.sandbox
  yield* Effect.acquireRelease(
    Effect.flatMap(node.call("ADD", sandbox, node.network), (added) => Effect.sync(() => well(added))),
    () => Effect.orDie(node.call("DEL", sandbox, node.network))
  )
  return sandbox
})

const words = Effect.fnUntraced(function* ({ containerId }: Sandbox, ...more: ReadonlyArray<string>) {
  const { stateDir } = yield* CniNode
  return ["capture", "--state-dir", stateDir, "--container-id", containerId, ...more]
})

/** Names of the mirrors that there are. */
const mirrors = Effect.gen(function* () {
  const { vsctl } = yield* CniNode
  const text = yield* vsctl("--no-heading", "--format=csv", "--columns=name", "list", "mirror")
  return text.split("\n").filter((line) => line !== "")
})

/** It has begun when its mirrors are there, of which there are so many then. */
const capturing = Effect.fnUntraced(function* (of: Sandbox, count: number, ...more: ReadonlyArray<string>) {
  const running = yield* start(executable, yield* words(of, ...more), { stop: "SIGTERM" })
  const both = Effect.map(mirrors, (names) => ({ names, capture: running.soFar() }))
  yield* until(`${count} mirrors`, both, ({ names }) => names.length === count)
  return running
})

const end = Effect.fnUntraced(function* (of: Sandbox, mac: string) {
  const { sharedDir } = yield* CniNode
  return { name: of.containerId.slice(0, 12), socket: socketOf(sharedDir, of), mode: "server" as const, mac }
})

onMachine(["root", "executable", "ovs", "testpmd", "tcpdump"], CniNode.layer)("captures", (test) => {
  test("have testpmd's packets, with the pod's directions; a second one is refused; SIGTERM ends them", () =>
    Effect.gen(function* () {
      const { directory, ovs, portMarked, stateDir, vsctl } = yield* CniNode
      const [from, to] = [yield* added, yield* added]
      const [tx, rx] = [yield* end(from, "02:00:00:00:00:01"), yield* end(to, "02:00:00:00:00:02")]
      const receiver = yield* Testpmd.run(rx.name, directory, Testpmd.receiverArguments(rx))
      yield* vsctl("wait-until", "Interface", yield* portMarked(to.containerId), "link_state=up")
      const file = `${directory}/sent.pcapng`
      const sent = yield* capturing(from, 2, "-w", file)
      const received = yield* capturing(to, 4, "--filter", "udp and ether host 02:00:00:00:00:01", "-w", "-")
      const before = yield* mirrors
      const second = yield* run(executable, yield* words(from, "-w", file))
      assert.strictEqual(second.status, 1)
      assert.match(second.stderr, /port of net1 is being captured already/)
      assert.deepStrictEqual(yield* mirrors, before)
      const sender = yield* Testpmd.run(tx.name, directory, Testpmd.senderArguments(tx, rx.mac))
      yield* Testpmd.receivedAtLeast(receiver.log, Testpmd.burst)
      yield* Testpmd.stop(sender)
      yield* sent.signal("SIGTERM")
      yield* received.signal("SIGINT")
      const [one, two] = [yield* ended(sent), yield* ended(received)]
      assert.deepStrictEqual([one.status, two.status], [0, 0])
      assert.match(one.stderr, /\nCaptured 32 packets: 0 inbound to the pod, 32 outbound from it; 0 were dropped/)
      assert.match(two.stderr, /\nCaptured 32 packets: 32 inbound to the pod, 0 outbound from it; 0 were dropped/)
      const all = packets(readFileSync(file))
      assert.strictEqual(all.length, Testpmd.burst)
      assert.isTrue(all.every(({ direction, frame }) => direction === "outbound" && frame.length === 64))
      // The same packets, as tcpdump reads them.
      const read = yield* succeed("tcpdump", ["-n", "-r", file, "udp"])
      assert.strictEqual(read.trim().split("\n").length, Testpmd.burst)
      assert.deepStrictEqual(yield* mirrors, [])
      const ports = yield* vsctl("list-ports", "br-e2e")
      assert.deepStrictEqual(ports.trim().split("\n").length, 2)
      assert.include(yield* succeed(executable, ["list", "--state-dir", stateDir]), "net1")
      assert.isString(ovs.socket)
    }))

  test("go on after the DEL of others, and end with their own", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const [one, other] = [yield* added, yield* added]
      const running = yield* capturing(one, 2, "-w", "/dev/null")
      well(yield* node.call("DEL", other, node.network))
      assert.strictEqual((yield* mirrors).length, 2)
      well(yield* node.call("DEL", one, node.network))
      const { status, stderr } = yield* ended(running)
      assert.strictEqual(status, 0)
      assert.include(stderr, "The port was removed from the switch.")
      assert.deepStrictEqual(yield* mirrors, [])
      // It was the plugin's, and the capture's ports were its last.
      assert.notInclude(yield* node.vsctl("list-br"), "br-e2e")
    }))

  test("killed by SIGKILL are left by commands that look, and removed by GC, and by the agent within a minute", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const { stateDir, vsctl } = node
      const sandbox = yield* added
      const first = yield* capturing(sandbox, 2, "-w", "/dev/null")
      yield* first.signal("SIGKILL")
      yield* first.outcome
      assert.strictEqual((yield* mirrors).length, 2)
      for (const words of [["list"], ["check"], ["gc", "--by-sandbox", "--dry-run"]]) {
        yield* succeed(executable, [...words, "--state-dir", stateDir])
      }
      assert.strictEqual((yield* mirrors).length, 2)
      yield* succeed(executable, ["gc", "--by-sandbox", "--state-dir", stateDir])
      assert.deepStrictEqual(yield* mirrors, [])
      // It looks every two seconds, not twenty.
      yield* hurried(node)
      const second = yield* capturing(sandbox, 2, "-w", "/dev/null")
      yield* second.signal("SIGKILL")
      yield* until("no mirror", mirrors, ({ length }) => length === 0)
      const ports = yield* vsctl("list-ports", "br-e2e")
      assert.notInclude(ports, "usc")
    }))

  test("end when their reader goes away, and when the disk is full", () =>
    Effect.gen(function* () {
      const sandbox = yield* added
      const line = [executable, ...(yield* words(sandbox, "-w", "-"))].join(" ")
      const piped = yield* run("bash", ["-c", `set -o pipefail; ${line} | head -c 1 >/dev/null; echo $?`])
      assert.strictEqual(piped.stdout, "0\n")
      assert.include(piped.stderr, "Nobody reads the output any more.")
      const full = yield* run(executable, yield* words(sandbox, "-w", "/dev/full"))
      assert.deepStrictEqual([full.status, full.stdout], [1, ""])
      assert.include(full.stderr, "/dev/full: ENOSPC")
      assert.deepStrictEqual(yield* mirrors, [])
    }))

  test("are refused to another user, whom doctor tells what it could not see", () =>
    Effect.gen(function* () {
      const sandbox = yield* added
      const as = ["--reuid=65534", "--regid=65534", "--clear-groups"]
      const refused = yield* run("setpriv", [...as, executable, ...(yield* words(sandbox, "-w", "-"))])
      assert.strictEqual(refused.status, 1)
      assert.include(refused.stderr, "capture needs the rights of the node")
      const { stateDir } = yield* CniNode
      const seen = yield* run("setpriv", [...as, executable, "doctor", "--state-dir", stateDir])
      // It has no findings of what only it may not do.
      assert.notInclude(seen.stdout, "state-directory-not-writable")
      assert.notStrictEqual(seen.status, 0)
      assert.match(
        seen.stdout,
        /permissions: this process has uid 65534, and not everything can be seen: run it as root/
      )
    }))
})
