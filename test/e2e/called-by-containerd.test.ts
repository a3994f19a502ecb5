/**
 * The calls for a real pod: kubelet's to containerd's CRI, containerd's to the executable as the pod's only network,
 * with real host-local. Two containers without privileges, one of them without root, exchange exactly 32 packets.
 */
import { mkdirSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { CniNode, socketOf } from "./support/CniNode.ts"
import { Containerd, type Pod } from "./support/Containerd.ts"
import { cleanEnvironment } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"
import * as Testpmd from "./support/Testpmd.ts"
import { look, returnsTo } from "./support/World.ts"

/** `nobody` and its group exist on every Debian with this number. */
const nobody = 65534

const containerd = Layer.unwrap(
  Effect.map(CniNode, ({ directory, network, plugins }) => {
    mkdirSync(`${directory}/containerd`)
    const { cniVersion, name, ...plugin } = network
    const host = { ...plugin.host, vhost: { ...plugin.host.vhost, group: "nogroup" } }
    return Containerd.layer({
      directory: `${directory}/containerd`,
      plugins,
      network: { cniVersion, name, plugins: [{ ...plugin, host }] }
    })
  })
)

const macs = { rx: "02:00:00:00:00:02", tx: "02:00:00:00:00:01" } as const

const application = Effect.fnUntraced(function* (pod: Pod, name: keyof typeof macs, user: number) {
  const node = yield* CniNode
  const runtime = yield* Containerd
  const sandbox = { containerId: pod.id, ifName: "eth0", netns: "" }
  const end: Testpmd.End = {
    name: `pod${name}`,
    socket: socketOf("/vhost", { ...sandbox }).replace(`/${pod.id.slice(0, 12)}/`, "/"),
    mode: "server",
    mac: macs[name]
  }
  return yield* runtime.runContainer(pod, {
    name,
    command: "/usr/bin/dpdk-testpmd",
    args: name === "rx" ? Testpmd.receiverArguments(end) : Testpmd.senderArguments(end, macs.rx),
    environment: { ...cleanEnvironment, RUNTIME_DIRECTORY: "/tmp" },
    mounts: [
      { at: "/usr", from: "/usr", readonly: true },
      { at: "/vhost", from: `${node.sharedDir}/${pod.id.slice(0, 12)}`, readonly: false }
    ],
    user
  })
})

onMachine(
  ["root", "executable", "ovs", "testpmd", "hostLocal", "containerd"],
  Layer.provideMerge(containerd, CniNode.layer)
)("called by containerd for kubelet", (test) => {
  test("32 packets pass between two unprivileged containers, and removed pods leave nothing", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const runtime = yield* Containerd
      const before = yield* look(node.watched)

      const rx = yield* runtime.runPod("rx")
      const tx = yield* runtime.runPod("tx")
      const addresses = [yield* runtime.address(rx), yield* runtime.address(tx)]
      assert.strictEqual(new Set(addresses).size, 2)
      for (const address of addresses) assert.match(address, /^10\.56\.0\.\d+$/)

      const log = yield* application(rx, "rx", nobody)
      const port = yield* node.portMarked(rx.id)
      yield* node.vsctl("wait-until", "Interface", port, "link_state=up")
      yield* application(tx, "tx", 0)
      assert.strictEqual(yield* Testpmd.receivedAtLeast(log, Testpmd.burst), Testpmd.burst)

      // kubelet may stop a pod repeatedly; each time is a DEL, the later ones without a network namespace.
      yield* runtime.stopPod(tx)
      yield* runtime.stopPod(tx)
      yield* runtime.removePod(tx)
      assert.strictEqual(yield* Testpmd.received(log), Testpmd.burst)
      yield* runtime.stopPod(rx)
      yield* runtime.stopPod(rx)
      yield* runtime.removePod(rx)
      yield* returnsTo(node.watched, before)
    }))

  test("a pod whose network fails shows the plugin's message, and leaves nothing", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const runtime = yield* Containerd
      const name = node.network.host.bridge.bridgeName
      yield* Effect.acquireRelease(node.vsctl("--no-wait", "add-br", name), () =>
        Effect.ignore(node.vsctl("--no-wait", "--if-exists", "del-br", name))
      )
      const before = yield* look(node.watched)
      const error = yield* Effect.flip(runtime.runPod("refused"))
      assert.include(error.answer, "netdev")
      yield* returnsTo(node.watched, before)
    }))
})
