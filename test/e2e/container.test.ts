/**
 * The container's end, by the executable that created the port: `container wait` before the application, and testpmd
 * with the words of `container testpmd`. Exactly 32 packets pass, between processes and between containers; in a
 * cluster through the API server and the downward API's file.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename } from "node:path"
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { valuesOf } from "../container/support/Pod.ts"
import { Cluster } from "./support/Cluster.ts"
import * as ClusterPod from "./support/ClusterPod.ts"
import { CniNode, type NetworkConfiguration, type Sandbox } from "./support/CniNode.ts"
import { Containerd, type Pod } from "./support/Containerd.ts"
import * as DownwardApi from "./support/DownwardApi.ts"
import { executable } from "./support/Machine.ts"
import { resultOf } from "./support/Plugin.ts"
import * as PodTestpmd from "./support/PodTestpmd.ts"
import { run, start, succeed } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"
import * as Testpmd from "./support/Testpmd.ts"
import { look, returnsTo } from "./support/World.ts"

const placesOf = Effect.fnUntraced(function* ({ containerId }: Pick<Sandbox, "containerId">) {
  const { directory, sharedDir } = yield* CniNode
  const dir = `${sharedDir}/${containerId.slice(0, 12)}`
  // The tests themselves may run in a pod of a cluster.
  return ["--annotations", `${directory}/absent`, "--dir", dir, "--container-id", containerId]
})

const container = (...words: ReadonlyArray<string>) => succeed(executable, ["container", ...words])

const attach = Effect.fnUntraced(function* (network: object) {
  const node = yield* CniNode
  const sandbox = yield* node.sandbox
  const result = yield* resultOf(yield* node.call("ADD", sandbox, network))
  return { sandbox, mac: result.interfaces[0]?.mac ?? "", places: yield* placesOf(sandbox) }
})

const detach = ({ sandbox }: { readonly sandbox: Sandbox }, network: object) =>
  Effect.flatMap(CniNode, (node) => node.call("DEL", sandbox, network))

/** Splits words as a shell splits `$(...)`. */
const wordsOf = (line: string): ReadonlyArray<string> => line.trim().split(/\s+/)

onMachine(["root", "executable", "ovs", "testpmd", "hostLocal"], CniNode.layer)(
  "the container's end of a port on Open vSwitch",
  (test) => {
    for (const mode of ["client", "server"] as const) {
      test(`32 packets pass between two testpmd with printed words, the switch in ${mode} mode`, () =>
        Effect.gen(function* () {
          const node = yield* CniNode
          const network = { ...node.network, host: { ...node.network.host, vhost: { mode } } }
          const logs = `${node.directory}/logs`
          const rx = yield* attach(network)
          const tx = yield* attach(network)
          yield* Effect.addFinalizer(() => Effect.ignore(Effect.andThen(detach(tx, network), detach(rx, network))))

          assert.strictEqual(yield* container("wait", ...rx.places, "--timeout", "60s"), "Ready: net1\n")
          const shown = yield* container("show", ...rx.places)
          assert.include(shown, mode === "client" ? "application" : "switch")
          assert.include(shown, rx.mac)
          assert.match(shown, /10\.56\.0\.\d+\/24 +10\.56\.0\.1/)

          const words = (end: typeof rx) => Effect.map(container("testpmd", "--no-huge", ...end.places), wordsOf)
          const receiver = yield* Testpmd.run(`rx-${mode}`, logs, Testpmd.receiver(`crx${mode}`, yield* words(rx)))
          const port = yield* node.portMarked(rx.sandbox.containerId)
          yield* node.vsctl("wait-until", "Interface", port, "link_state=up")
          if (mode === "client") assert.include(yield* container("show", ...rx.places), "the application listens")
          const sender = yield* Testpmd.run(`tx-${mode}`, logs, Testpmd.sender(`ctx${mode}`, yield* words(tx), rx.mac))
          yield* Testpmd.receivedAtLeast(receiver.log, Testpmd.burst)
          yield* Testpmd.stop(sender)
          yield* Testpmd.stop(receiver)
          assert.strictEqual(yield* Testpmd.received(receiver.log), Testpmd.burst)
        }))
    }

    test("a wait that begins before ADD ends with it", () =>
      Effect.gen(function* () {
        const node = yield* CniNode
        const sandbox = yield* node.sandbox
        const words = ["container", "wait", ...(yield* placesOf(sandbox)), "--interfaces", "net1", "--timeout", "60s"]
        const waiting = yield* start(executable, words)
        yield* resultOf(yield* node.call("ADD", sandbox, node.network))
        const { status, stderr, stdout } = yield* waiting.outcome
        assert.deepStrictEqual([status, stdout, stderr], [0, "Ready: net1\n", ""])
        yield* node.call("DEL", sandbox, node.network)
      }))

    test("a killed application starts again once its socket is removed", () =>
      Effect.gen(function* () {
        const node = yield* CniNode
        const end = yield* attach(node.network)
        const words = ["container", "testpmd", "--no-huge", ...end.places]
        const opening = wordsOf(yield* succeed(executable, words))
        const killed = yield* Testpmd.run("killed", `${node.directory}/logs`, Testpmd.receiver("ckilled", opening))
        const port = yield* node.portMarked(end.sandbox.containerId)
        yield* node.vsctl("wait-until", "Interface", port, "link_state=up")
        yield* killed.signal("SIGKILL")
        yield* killed.outcome
        yield* node.vsctl("wait-until", "Interface", port, "link_state=down")

        assert.include(yield* container("show", ...end.places), "Address already in use")
        const { stderr, stdout } = yield* run(executable, [...words, "--remove-stale"])
        assert.include(stderr, "Removed")
        const again = yield* Testpmd.run("again", `${node.directory}/logs`, Testpmd.receiver("cagain", wordsOf(stdout)))
        yield* node.vsctl("wait-until", "Interface", port, "link_state=up")
        yield* Testpmd.stop(again)
        yield* detach(end, node.network)
      }))
  }
)

/** An element as ADD on VPP writes it; here both ends of the link are applications. */
const memif = (role: "master" | "slave", memif: object) =>
  JSON.stringify({
    containerId: `${role}-end`,
    ifName: "net1",
    name: "e2e",
    config: { engine: "vpp", iftype: "memif", mac: macs[role], memif: { role, mode: "ethernet", ...memif } },
    ipResult: {}
  })

const macs = { master: "02:00:00:00:00:0a", slave: "02:00:00:00:00:0b" } as const

onMachine(["root", "executable", "testpmd", "memif"], Layer.empty)("the container's end of a memif", (test) => {
  for (const [what, config] of [
    ["a file", { socketfile: "m.sock", ringSize: 512, bufferSize: 2048 }],
    ["an abstract socket", { socketfile: `userspace-e2e-${process.pid}`, socket: "abstract" }],
    ["a file and a secret", { socketfile: "s.sock", secret: "hush" }]
  ] as const) {
    test(`32 packets pass between two testpmd with printed words, over ${what}`, () =>
      Effect.gen(function* () {
        const directory = yield* Effect.acquireRelease(
          Effect.sync(() => mkdtempSync(`${tmpdir()}/memif-`)),
          (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
        )
        for (const role of ["master", "slave"] as const) {
          writeFileSync(`${directory}/configData-${role}.json`, memif(role, config))
        }
        const places = ["--annotations", `${directory}/absent`, "--dir", directory]
        const words = (role: "master" | "slave") =>
          Effect.map(container("testpmd", "--no-huge", "--with-secrets", "--container-id", role, ...places), wordsOf)
        const receiver = yield* Testpmd.run("master", directory, Testpmd.receiver("memifm", yield* words("master")))
        yield* container("wait", ...places, "--container-id", "slave", "--timeout", "60s")
        const opening = yield* words("slave")
        const sender = yield* Testpmd.run("slave", directory, Testpmd.sender("memifs", opening, macs.master))
        assert.strictEqual(
          yield* Testpmd.receivedAtLeast(receiver.log, Testpmd.burst),
          Testpmd.burst,
          readFileSync(receiver.log, "utf8") + readFileSync(sender.log, "utf8")
        )
      }))
  }
})

const nobody = 65534

type Plugin = Omit<NetworkConfiguration, "cniVersion" | "name">

const containerdWith = (change: (plugin: Plugin) => object) =>
  Layer.unwrap(
    Effect.map(CniNode, ({ directory, network, plugins }) => {
      mkdirSync(`${directory}/containerd`)
      const { cniVersion, name, ...plugin } = network
      return Containerd.layer({
        directory: `${directory}/containerd`,
        plugins,
        network: { cniVersion, name, plugins: [change(plugin)] }
      })
    })
  )

const withGroup = containerdWith(({ host, ...plugin }) => ({
  ...plugin,
  host: { ...host, vhost: { ...host.vhost, group: "nogroup" } }
}))

/** The MAC address that ADD wrote for the pod. */
const writtenFor = Effect.fnUntraced(function* (pod: Pod) {
  const { sharedDir } = yield* CniNode
  const directory = `${sharedDir}/${pod.id.slice(0, 12)}`
  const [file = ""] = readdirSync(directory).filter((name) => name.startsWith("configData-"))
  return /"mac":"([^"]+)"/.exec(readFileSync(`${directory}/${file}`, "utf8"))?.[1] ?? ""
})

const needs = ["root", "executable", "ovs", "testpmd", "hostLocal", "containerd"] as const

onMachine(needs, Layer.provideMerge(withGroup, CniNode.layer))("the container's end in a pod", (test) => {
  test("32 packets pass between two containers that open what they find, one in its directory and without root, one among others' data", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const runtime = yield* Containerd
      const rx = yield* runtime.runPod("rx")
      const tx = yield* runtime.runPod("tx")
      const log = yield* PodTestpmd.run(rx, {
        mounts: [{ at: "/vhost", from: `${node.sharedDir}/${rx.id.slice(0, 12)}`, readonly: false }],
        user: nobody,
        environment: { USERSPACE_DIR: "/vhost" },
        args: Testpmd.receiver(rx.id, [])
      })
      const port = yield* node.portMarked(rx.id)
      yield* node.vsctl("wait-until", "Interface", port, "link_state=up")
      // Of all elements, its own is the one of its sandbox.
      yield* PodTestpmd.run(tx, {
        mounts: [{ at: "/shared", from: node.sharedDir, readonly: false }],
        user: 0,
        environment: { USERSPACE_DIR: "/shared" },
        args: Testpmd.sender(tx.id, [], yield* writtenFor(rx))
      })
      assert.strictEqual(yield* Testpmd.receivedAtLeast(log, Testpmd.burst), Testpmd.burst, readFileSync(log, "utf8"))
      assert.include(readFileSync(log, "utf8"), "start the application as vhost-user server")
      yield* runtime.stopPod(tx)
      yield* runtime.stopPod(rx)
    }))
})

const withKubeconfig = Layer.unwrap(
  Effect.map(Cluster, ({ kubeconfig }) => containerdWith(({ sharedDir: _, ...plugin }) => ({ ...plugin, kubeconfig })))
)

onMachine(needs, Layer.provideMerge(withKubeconfig, Cluster.layer))(
  "the container's end in a pod of a cluster",
  (test) => {
    test("the file of annotations equals the one that kubelet wrote", () =>
      Effect.sync(() => {
        const fixtures = "test/container/fixtures/annotations"
        const values = valuesOf(readFileSync(`${fixtures}.json`, "utf8"))
        assert.strictEqual(DownwardApi.fileOf(values), readFileSync(`${fixtures}.txt`, "utf8"))
      }))

    test("32 packets pass between two containers that open what ADD told the API server, and removed pods leave nothing", () =>
      Effect.gen(function* () {
        const node = yield* CniNode
        const runtime = yield* Containerd
        const rx = yield* ClusterPod.make("rx", "/vhost")
        const tx = yield* ClusterPod.make("tx", "/run/shared")
        const watched = { ...node.watched, directories: [...node.watched.directories, rx.path, tx.path] }
        const before = yield* look(watched)

        const open = Effect.fnUntraced(function* (
          pod: ClusterPod.ClusterPod,
          user: number,
          args: (prefix: string) => ReadonlyArray<string>
        ) {
          const sandbox = yield* runtime.runPod(pod.name)
          // kubelet writes changed annotations with a delay: the container waits.
          const log = yield* PodTestpmd.run(sandbox, { mounts: pod.mounts, user, args: args(sandbox.id) })
          yield* pod.refresh
          const port = yield* node.portMarked(sandbox.id)
          yield* node.vsctl("wait-until", "Interface", port, "link_state=up")
          const told = yield* pod.told
          assert.strictEqual(told.containerId, sandbox.id)
          const vdev = `--vdev=net_virtio_user0,path=${told.socket},mac=${told.mac},server=1`
          const opening = ["--no-pci", "--no-huge", vdev]
          const words = yield* PodTestpmd.wordsOf(`--file-prefix=${sandbox.id}`)
          assert.deepStrictEqual(words.slice(0, words.indexOf("--")).slice(-opening.length), opening)
          // A file beside the socket has the same content, for containers whose annotations come too late.
          const file = `configData-${sandbox.id.slice(0, 12)}-eth0.json`
          assert.sameMembers(readdirSync(pod.path), [basename(told.socket), file])
          return { sandbox, log, mac: told.mac }
        })
        const receiver = yield* open(rx, nobody, (prefix) => Testpmd.receiver(prefix, []))
        const sender = yield* open(tx, 0, (prefix) => Testpmd.sender(prefix, [], receiver.mac))
        const received = yield* Testpmd.receivedAtLeast(receiver.log, Testpmd.burst)
        assert.strictEqual(received, Testpmd.burst, readFileSync(receiver.log, "utf8"))

        yield* runtime.stopPod(sender.sandbox)
        assert.strictEqual(yield* Testpmd.received(receiver.log), Testpmd.burst)
        yield* runtime.stopPod(receiver.sandbox)
        for (const pod of [rx, tx]) assert.deepStrictEqual(yield* pod.annotations, pod.author)
        yield* returnsTo(watched, before)
      }))
  }
)
