/**
 * Pods that intel/userspace-cni-network-plugin attached, deleted by our executable after the upgrade. The original
 * plugin's state is created with its own commands, names, modes and files (its last commit, cniovs/ and cnivpp/): a
 * port without a mark, a state file, a socket, the container's configuration, a lease.
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { Cluster, replay, setting } from "./support/Cluster.ts"
import { CniNode, type Sandbox } from "./support/CniNode.ts"
import { attached, deleted, handleOf, type LegacyPod, leased, told } from "./support/LegacyPod.ts"
import * as Multus from "./support/Multus.ts"
import { well } from "./support/Plugin.ts"
import { run } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"
import { look, returnsTo } from "./support/World.ts"

/** addLocalNetworkBridge; it has no mark of ours, so it stays. */
const bridge = Effect.flatMap(CniNode, ({ network, ovs, vsctl }) => {
  const name = network.host.bridge.bridgeName
  return Effect.acquireRelease(
    Effect.andThen(
      vsctl("add-br", name, "--", "set", "bridge", name, "datapath_type=netdev"),
      ovs.ofctl("add-flow", `unix:${ovs.runDir}/${name}.mgmt`, "actions=NORMAL")
    ),
    () => Effect.ignore(vsctl("del-br", name))
  )
})

onMachine(["root", "executable", "ovs", "hostLocal"], CniNode.layer)(
  "the original plugin's ports on Open vSwitch",
  (test) => {
    const cases: ReadonlyArray<readonly [string, Omit<LegacyPod, "directory">]> = [
      ["client mode", { mode: "client" }],
      ["client mode, socketfile", { mode: "client", socketfile: "my.sock" }],
      ["server mode, its socket moved into the shared directory", { mode: "server" }],
      ["server mode, its socket still in the switch's directory", { mode: "server", moved: false }]
    ]
    for (const [name, how] of cases) {
      test(`${name}: one DEL leaves only the bridge, and another succeeds`, () =>
        Effect.gen(function* () {
          const { network, sandbox, sharedDir, watched } = yield* CniNode
          yield* bridge
          const pod = yield* sandbox
          const before = yield* look(watched)
          const directory = `${sharedDir}/${pod.containerId.slice(0, 12)}`
          mkdirSync(directory, { mode: 0o750 })
          yield* attached(pod, { ...how, directory })
          yield* leased(pod)
          told(pod, directory, network.name)
          yield* deleted(pod, how, before)
        }))
    }

    test("DEL of net1 leaves net2 and net10 of the same container", () =>
      Effect.gen(function* () {
        const { call, network, sandbox, sharedDir, stateDir, vsctl } = yield* CniNode
        yield* bridge
        const pod = yield* sandbox
        const directory = `${sharedDir}/${pod.containerId.slice(0, 12)}`
        mkdirSync(directory, { mode: 0o750 })
        const others = ["net2", "net10"].map((ifName) => ({ ...pod, ifName }))
        for (const one of [pod, ...others]) {
          yield* attached(one, { mode: "client", directory })
          told(one, directory, network.name)
        }
        well(yield* call("DEL", pod, network))
        const left = others.map(handleOf).sort()
        assert.deepStrictEqual(
          (yield* vsctl("list-ports", network.host.bridge.bridgeName)).trim().split("\n").sort(),
          left
        )
        // It has our mark now: the last attachment removes it, whatever becomes of the original plugin's state files.
        const files = [".userspace-cni", ...left.map((name) => `configData-${name}.json`)]
        assert.deepStrictEqual(readdirSync(directory).sort(), files.sort())
        assert.deepStrictEqual(readdirSync(`${stateDir}/data`).sort(), left.map((name) => `local-${name}.json`).sort())
        for (const one of others) well(yield* call("DEL", one, network))
        assert.isFalse(existsSync(directory))
      }))
  }
)

const base = "/var/lib/vhost_sockets"

/** getShortSharedDir and createSharedDir, in a mount namespace with a separate /var/lib. */
const emptyDir = Effect.fnUntraced(function* () {
  const made = yield* setting({ volumes: [{ name: "shared-dir", emptyDir: {} }] })
  const { node, pod } = made
  const volume = `/var/lib/kubelet/pods/${pod.uid}/volumes/kubernetes.io~empty-dir/shared-dir`
  const short = `${base}/${pod.uid}`
  const within = yield* node.privateMounts(
    [
      "mount -t tmpfs lib /var/lib",
      `mkdir -p ${volume}`,
      `mkdir -p -m 0750 ${short}`,
      `mount --bind ${volume} ${short}`
    ].join(" && ")
  )
  const there = (script: string) =>
    run("nsenter", [`--mount=/proc/${within}/ns/mnt`, "sh", "-c", script]).pipe(
      Effect.map(({ stdout }) => stdout.trim())
    )
  return { ...made, short, there, volume, within }
})

/** An application creates its socket, and is killed. */
const listening = (path: string): string =>
  `${process.execPath} -e 'require("net").createServer().listen("${path}", () => process.kill(process.pid, "SIGKILL"))'; true`

onMachine(["root", "executable", "ovs", "hostLocal"], Cluster.layer)(
  "the original plugin's mounts of emptyDirs",
  (test) => {
    test("are removed with the last interface of the pod, with their sockets", () =>
      Effect.gen(function* () {
        const { definition, node, pod, sandbox, short, there, volume, within } = yield* emptyDir()
        yield* bridge
        const before = yield* look(node.watched)
        const both = [sandbox, { ...sandbox, ifName: "net2" }]
        for (const one of both) {
          yield* attached(one, { mode: "client", directory: short })
          yield* leased(one)
          yield* there(listening(`${short}/${handleOf(one)}`))
        }
        assert.strictEqual(yield* there(`ls ${volume}`), both.map(handleOf).join("\n"))
        const stdin = Multus.stdin(definition, {}, undefined)
        const del = (one: Sandbox) =>
          node.call("DEL", one, {}, { stdin, within, environment: { CNI_ARGS: Multus.cniArgs(one, pod) } })
        well(yield* del({ ...sandbox, ifName: "net2", netns: "" }))
        assert.strictEqual(yield* there(`ls ${short}`), handleOf(sandbox))
        assert.include(yield* there("cat /proc/self/mountinfo"), short)
        well(yield* del({ ...sandbox, netns: "" }))
        assert.strictEqual(yield* there(`ls ${base}; ls ${volume}`), "")
        assert.notInclude(yield* there("cat /proc/self/mountinfo"), short)
        yield* returnsTo(node.watched, before)
      }))

    test("are found by the pod when the runtime does not pass its uid, and by the uid when the pod is gone", () =>
      Effect.gen(function* () {
        yield* bridge
        for (const known of ["pod", "uid"] as const) {
          const { definition, node, pod, sandbox, server, short, there, within } = yield* emptyDir()
          yield* attached(sandbox, { mode: "server", directory: short, moved: false })
          if (known === "uid") server.pods.delete(pod.namespace, pod.name)
          const args = Multus.cniArgs(sandbox, pod).replaceAll(/;K8S_POD_UID=[^;]*/g, known === "pod" ? "" : "$&")
          const stdin = Multus.stdin(definition, {}, undefined)
          well(yield* node.call("DEL", sandbox, {}, { stdin, within, environment: { CNI_ARGS: args } }))
          assert.strictEqual(yield* there(`ls ${base}`), "", known)
        }
      }))

    test("stay while another sandbox of the pod has a port through them", () =>
      Effect.gen(function* () {
        const { definition, node, pod, sandbox, short, there, within } = yield* emptyDir()
        yield* bridge
        const later = yield* node.sandbox
        for (const one of [sandbox, later]) {
          yield* attached(one, { mode: "client", directory: short })
          yield* there(listening(`${short}/${handleOf(one)}`))
        }
        const stdin = Multus.stdin(definition, {}, undefined)
        const del = (one: Sandbox) =>
          node.call("DEL", one, {}, { stdin, within, environment: { CNI_ARGS: Multus.cniArgs(one, pod) } })
        well(yield* del(sandbox))
        assert.strictEqual(yield* there(`ls ${short}`), handleOf(later))
        well(yield* del(later))
        assert.strictEqual(yield* there(`ls ${base}`), "")
      }))

    test("are in the plan of a dry run, which leaves them", () =>
      Effect.gen(function* () {
        const { definition, node, pod, sandbox, short, there, within } = yield* emptyDir()
        yield* bridge
        yield* attached(sandbox, { mode: "client", directory: short })
        const config = `${node.directory}/net.json`
        writeFileSync(config, Multus.stdin(definition, {}, undefined))
        const del = (...more: ReadonlyArray<string>) =>
          run("nsenter", [
            ...[`--mount=/proc/${within}/ns/mnt`, `${node.plugins}/userspace`, "del", "--config", config],
            ...["--container-id", sandbox.containerId, "--netns", sandbox.netns],
            ...["--args", Multus.cniArgs(sandbox, pod), "--cni-path", node.plugins, ...more]
          ])
        const planned = yield* del("--dry-run")
        well(planned)
        assert.match(planned.stdout, new RegExp(`run umount .*${short}\n`))
        assert.match(planned.stdout, new RegExp(`- directory +${short}\n`))
        assert.include(yield* there("cat /proc/self/mountinfo"), short)
        well(yield* del())
        assert.strictEqual(yield* there(`ls ${base}`), "")
        well(yield* replay("DEL", sandbox, pod, Multus.stdin(definition, {}, undefined)))
      }))
  }
)
