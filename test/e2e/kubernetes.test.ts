/**
 * The executable with a kubeconfig, called as Multus calls it, on a real Open vSwitch and the API server of the tests:
 * what the pod gets to know, what it costs, what is left when the API server fails, and after DEL nothing.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Context, Effect, Layer, Schema } from "effect"
import type { Pod } from "../../src/attachment/Attachment.ts"
import { type ApiServer, apiServer } from "../kubernetes/support/ApiServer.ts"
import { kubeconfigText } from "../kubernetes/support/KubeconfigText.ts"
import { at, encode, type Json } from "../kubernetes/support/PodStore.ts"
import { podOn, withEverything } from "../kubernetes/support/ServerUnderTest.ts"
import { podJson, type Shape } from "../kubernetes/support/TestPod.ts"
import { CniNode, type Sandbox } from "./support/CniNode.ts"
import * as Multus from "./support/Multus.ts"
import { errorOf, resultOf } from "./support/Plugin.ts"
import { onMachine } from "./support/Suite.ts"
import { filesIn, look, returnsTo } from "./support/World.ts"

class Cluster extends Context.Service<Cluster, { readonly server: ApiServer; readonly kubeconfig: string }>()(
  "userspace-cni/test/Cluster"
) {
  static readonly layer = Layer.effect(
    Cluster,
    Effect.gen(function* () {
      const { directory } = yield* CniNode
      const server = withEverything(yield* apiServer())
      const kubeconfig = `${directory}/multus.kubeconfig`
      writeFileSync(kubeconfig, kubeconfigText({ server: server.url, token: "letmein" }), { mode: 0o600 })
      return { server, kubeconfig }
    })
  ).pipe(Layer.provideMerge(CniNode.layer))
}

const Elements = Schema.decodeUnknownSync(
  Schema.fromJsonString(
    Schema.Array(
      Schema.Struct({
        containerId: Schema.String,
        ifName: Schema.String,
        name: Schema.String,
        config: Schema.Struct({
          engine: Schema.String,
          iftype: Schema.String,
          netType: Schema.String,
          vhost: Schema.Struct({ mode: Schema.String, socketfile: Schema.String })
        }),
        ipResult: Schema.Struct({
          ips: Schema.Array(Schema.Struct({ version: Schema.String, address: Schema.String, interface: Schema.Int }))
        })
      })
    )
  )
)

/** A pod with a volume on the host, as its author wrote it, and a sandbox for it. */
const setting = Effect.fnUntraced(function* (shape: Shape = {}) {
  const node = yield* CniNode
  const { kubeconfig, server } = yield* Cluster
  const sandbox = yield* node.sandbox
  const volume = `${node.directory}/volumes/${sandbox.containerId.slice(0, 8)}`
  mkdirSync(volume, { recursive: true })
  const hostPath = { name: "shared-dir", hostPath: { path: volume, type: "DirectoryOrCreate" } }
  const pod = podOn(
    server,
    "default",
    `pod-${sandbox.containerId.slice(0, 8)}`,
    podJson({ annotations: { color: "blue" }, volumes: [hostPath], ...shape })
  )
  const { sharedDir: _, ...network } = node.network
  const definition = {
    ...network,
    kubeconfig,
    capabilities: { CNIDeviceInfoFile: true, deviceID: true, mac: true, ips: true, bandwidth: true }
  }
  const asked = server.asked.length
  return {
    node,
    server,
    sandbox,
    pod,
    volume,
    definition,
    watched: { ...node.watched, directories: [...node.watched.directories, volume, `${node.directory}/devinfo`] },
    whole: () => encode({ ...server.pods.get(pod.namespace, pod.name), metadata: metadataOf(server, pod) }),
    annotations: () => at(at(server.pods.get(pod.namespace, pod.name), "metadata"), "annotations"),
    asked: () => server.asked.slice(asked).map(({ method, status }) => `${method} ${status}`)
  }
})

/** Every write makes a new version. */
const metadataOf = (server: ApiServer, { name, namespace }: Pod): Json => {
  const { resourceVersion: _, ...rest } = at(server.pods.get(namespace, name), "metadata")
  return rest
}

const replay = (verb: "ADD" | "DEL" | "CHECK", sandbox: Sandbox, pod: Pod, stdin: string) =>
  Effect.flatMap(CniNode, ({ call }) =>
    call(verb, sandbox, {}, { stdin, environment: { CNI_ARGS: Multus.cniArgs(sandbox, pod) } })
  )

const succeeded = ({
  status,
  stderr,
  stdout
}: {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}) => assert.strictEqual(status, 0, stdout + stderr)

onMachine(["root", "executable", "ovs", "hostLocal"], Cluster.layer)("called as Multus calls it", (test) => {
  test("ADD, CHECK, DEL and DEL again: annotations, device information, two requests each", () =>
    Effect.gen(function* () {
      const { annotations, asked, definition, node, pod, sandbox, server, volume, watched, whole } = yield* setting()
      const before = { world: yield* look(watched), pod: whole() }
      const devinfo = `${node.directory}/devinfo/cni`
      const file = Multus.deviceInfoFile(devinfo, definition, sandbox)
      const selection = {
        deviceID: "any",
        mac: "02:00:00:00:00:07",
        bandwidth: { egressRate: 20_000_000, egressBurst: 4_000_000 },
        cniArgs: { OvnPort: "pod-7" }
      }
      const stdin = (prevResult?: unknown) => Multus.stdin(definition, selection, file, prevResult)
      // Multus writes its status at the same moment.
      server.beforeWrite(() => {
        const { resourceVersion: _, ...metadata } = at(server.pods.get(pod.namespace, pod.name), "metadata")
        const all = { ...at(metadata, "annotations"), "k8s.v1.cni.cncf.io/network-status": "[]" }
        const changed = { ...server.pods.get(pod.namespace, pod.name), metadata: { ...metadata, annotations: all } }
        server.pods.update(pod.namespace, pod.name, "status", changed)
      })

      const added = yield* replay("ADD", sandbox, pod, stdin())
      const { interfaces, ips } = yield* resultOf(added)
      assert.strictEqual(interfaces[0]?.mac, selection.mac)
      assert.strictEqual(interfaces[0]?.sandbox, sandbox.netns)
      assert.deepStrictEqual(asked(), ["GET 200", "PUT 409", "GET 200", "PUT 200"])
      const socketfile = `${sandbox.containerId.slice(0, 12)}-net1`
      const { "userspace/configuration-data": data, "userspace/mapped-dir": dir, ...others } = annotations()
      assert.strictEqual(dir, "/run/shared/")
      assert.deepStrictEqual(others, { color: "blue", "k8s.v1.cni.cncf.io/network-status": "[]" })
      assert.deepStrictEqual(Elements(data), [
        {
          containerId: sandbox.containerId,
          ifName: "net1",
          name: definition.name,
          config: {
            engine: "ovs-dpdk",
            iftype: "vhostuser",
            netType: "interface",
            vhost: { mode: "server", socketfile }
          },
          ipResult: { ips: [{ version: "4", address: ips[0]?.address ?? "", interface: 0 }] }
        }
      ])
      assert.deepStrictEqual(JSON.parse(readFileSync(file, "utf8")), {
        type: "vhost-user",
        version: "1.1.0",
        "vhost-user": { mode: "server", path: `/run/shared/${socketfile}` }
      })
      // Nothing but the application's socket has business in the volume.
      assert.deepStrictEqual(Object.keys(yield* filesIn([volume])), [volume])
      const row = yield* node.vsctl(
        "--columns=ingress_policing_rate,ingress_policing_burst,external_ids",
        "list",
        "Interface",
        yield* node.portMarked(sandbox.containerId)
      )
      assert.match(row, /ingress_policing_rate: 20000/)
      assert.match(row, /ingress_policing_burst: 4000/)
      assert.match(row, /iface-id=pod-7/)

      succeeded(yield* replay("CHECK", sandbox, pod, stdin(added.document)))
      succeeded(yield* replay("DEL", sandbox, pod, stdin(added.document)))
      yield* returnsTo(watched, before.world)
      assert.deepStrictEqual(asked().slice(4), ["GET 200", "GET 200", "PUT 200"])
      const status = annotations()["k8s.v1.cni.cncf.io/network-status"]
      assert.strictEqual(status, "[]")
      assert.deepStrictEqual(annotations(), { color: "blue", "k8s.v1.cni.cncf.io/network-status": status })
      // The second one of a sandbox that is gone: no namespace, no result.
      succeeded(yield* replay("DEL", { ...sandbox, netns: "" }, pod, stdin()))
      yield* returnsTo(watched, before.world)
    }))

  test("a quiet ADD is one read and one write, and so is a quiet DEL; of the pod nothing else changes", () =>
    Effect.gen(function* () {
      const { asked, definition, pod, sandbox, watched, whole } = yield* setting()
      const before = { world: yield* look(watched), pod: whole() }
      yield* resultOf(yield* replay("ADD", sandbox, pod, Multus.stdin(definition, {}, undefined)))
      assert.deepStrictEqual(asked(), ["GET 200", "PUT 200"])
      assert.notStrictEqual(whole(), before.pod)
      succeeded(yield* replay("DEL", sandbox, pod, Multus.stdin(definition, {}, undefined)))
      assert.deepStrictEqual(asked().slice(2), ["GET 200", "PUT 200"])
      assert.strictEqual(whole(), before.pod)
      yield* returnsTo(watched, before.world)
    }))

  test("two interfaces of one pod share annotations and volume, and leave one by one", () =>
    Effect.gen(function* () {
      const { annotations, definition, pod, sandbox, watched, whole } = yield* setting()
      const before = { world: yield* look(watched), pod: whole() }
      const second = { ...sandbox, ifName: "net10" }
      const stdin = Multus.stdin(definition, {}, undefined)
      yield* resultOf(yield* replay("ADD", sandbox, pod, stdin))
      yield* resultOf(yield* replay("ADD", second, pod, stdin))
      const names = () => Elements(annotations()["userspace/configuration-data"]).map(({ ifName }) => ifName)
      assert.deepStrictEqual(names(), ["net1", "net10"])
      succeeded(yield* replay("DEL", sandbox, pod, stdin))
      assert.deepStrictEqual(names(), ["net10"])
      succeeded(yield* replay("DEL", second, pod, stdin))
      assert.strictEqual(whole(), before.pod)
      yield* returnsTo(watched, before.world)
    }))

  test("a container that mounts an emptyDir reaches its socket through a short link", () =>
    Effect.gen(function* () {
      const { definition, node, pod, sandbox, watched } = yield* setting({
        volumes: [{ name: "shared-dir", emptyDir: {} }]
      })
      const before = yield* look(watched)
      const volume = `/var/lib/kubelet/pods/${pod.uid}/volumes/kubernetes.io~empty-dir/shared-dir`
      const within = yield* node.privateMounts(
        `mount -t tmpfs none /var/lib && mkdir -p ${volume} && chmod 777 ${volume}`
      )
      const environment = { CNI_ARGS: Multus.cniArgs(sandbox, pod) }
      const more = { within, environment, stdin: Multus.stdin(definition, {}, undefined) }
      yield* resultOf(yield* node.call("ADD", sandbox, {}, more))
      const row = yield* node.vsctl(
        "--columns=options",
        "list",
        "Interface",
        yield* node.portMarked(sandbox.containerId)
      )
      const [, path = ""] = /vhost-server-path="?([^"}]*)/.exec(row) ?? []
      assert.isAtMost(path.length, 107)
      assert.isTrue(path.startsWith(`${node.stateDir}/links/`), path)
      const link = path.replace(/\/[^/]*$/, "")
      assert.strictEqual((yield* filesIn([link]))[link], `link to ${volume}`)
      succeeded(yield* node.call("CHECK", sandbox, {}, more))
      succeeded(yield* node.call("DEL", sandbox, {}, more))
      yield* returnsTo(watched, before)
    }))

  test("an API server that is down at DEL keeps nothing else from going", () =>
    Effect.gen(function* () {
      const { annotations, definition, node, pod, sandbox, server, watched, whole } = yield* setting()
      const before = { world: yield* look(watched), pod: whole() }
      const stdin = Multus.stdin(definition, {}, undefined)
      yield* resultOf(yield* replay("ADD", sandbox, pod, stdin))
      server.fail({ does: { status: 503, message: "etcd has no leader" }, times: 1000 })
      const failed = yield* errorOf(yield* replay("DEL", sandbox, pod, stdin))
      server.fail.clear()
      assert.strictEqual(failed.code, 11)
      assert.match(failed.msg, /Kubernetes: read pod default\/pod-.*503: etcd has no leader/)
      // The record is what is left, for the DEL that follows.
      const records = Object.keys(yield* filesIn([`${node.stateDir}/attachments`])).filter((path) =>
        path.endsWith(".json")
      )
      assert.lengthOf(records, 1)
      const now = yield* look(watched)
      assert.deepStrictEqual({ ...now, files: before.world.files }, before.world)
      assert.isDefined(annotations()["userspace/configuration-data"])
      succeeded(yield* replay("DEL", { ...sandbox, netns: "" }, pod, stdin))
      assert.strictEqual(whole(), before.pod)
      yield* returnsTo(watched, before.world)
    }))

  test("a pod, a kubeconfig, or a pod's volume that is gone at DEL is no failure", () =>
    Effect.gen(function* () {
      const { definition, node, pod, sandbox, server, volume, watched } = yield* setting()
      const stdin = Multus.stdin(definition, {}, undefined)
      const before = yield* look({ ...watched, directories: node.watched.directories })
      const gone = [
        Effect.sync(() => server.pods.delete(pod.namespace, pod.name)),
        Effect.sync(() => void podOn(server, pod.namespace, pod.name, podJson())),
        Effect.sync(() => rmSync(volume, { recursive: true })),
        Effect.sync(() => rmSync(definition.kubeconfig))
      ]
      const kubeconfig = readFileSync(definition.kubeconfig)
      for (const go of gone) {
        server.pods.create(pod.namespace, pod.name, { ...podJson({ uid: pod.uid, volumes: [volumeAt(volume)] }) })
        mkdirSync(volume, { recursive: true })
        writeFileSync(definition.kubeconfig, kubeconfig)
        yield* resultOf(yield* replay("ADD", sandbox, pod, stdin))
        yield* go
        succeeded(yield* replay("DEL", sandbox, pod, stdin))
        yield* returnsTo({ ...watched, directories: node.watched.directories }, before)
      }
      writeFileSync(definition.kubeconfig, kubeconfig)
    }))

  const refused: ReadonlyArray<readonly [string, number, RegExp, (made: Made) => void]> = [
    [
      "a pod without a volume",
      7,
      /look at pod .*no volume named shared-dir/,
      ({ server, pod }) => remake(server, pod, { volumes: [] })
    ],
    [
      "a volume that kubelet has not made",
      5,
      /shared directory: use .*\/missing: ENOENT/,
      ({ server, pod, volume }) => remake(server, pod, { volumes: [volumeAt(`${volume}/missing`)] })
    ],
    [
      "another pod of that name",
      108,
      /has the UID .*, and the call is for /,
      ({ server, pod }) => remake(server, { ...pod, uid: "" }, {})
    ],
    [
      "a pod that is gone",
      108,
      /there is no such pod/,
      ({ server, pod }) => server.pods.delete(pod.namespace, pod.name)
    ],
    [
      "an API server that forbids the read",
      108,
      /403 Forbidden: .*cannot get/,
      ({ server }) => server.fail({ does: { status: 403, message: "cannot get" } })
    ],
    [
      "an API server that forbids the write",
      108,
      /annotate pod .*403 Forbidden: no/,
      ({ server }) => {
        server.fail({ method: "PUT", does: { status: 403, message: "no" }, times: 2 })
        server.fail({ method: "PATCH", does: { status: 403, message: "no" }, times: 2 })
      }
    ],
    [
      "a write that was done, though its answer is lost and nobody may look",
      108,
      /403/,
      ({ server }) => server.fail({ method: "PUT", does: "lost" }, { method: "GET", after: 1, does: { status: 403 } })
    ]
  ]
  for (const [name, code, msg, prepare] of refused) {
    test(`${name} fails the ADD and leaves everything as it was`, () =>
      Effect.gen(function* () {
        const made = yield* setting()
        const { definition, pod, sandbox, server, watched } = made
        prepare(made)
        const exists = server.pods.has(pod.namespace, pod.name)
        const before = { world: yield* look(watched), pod: exists ? made.whole() : "" }
        const file = Multus.deviceInfoFile(`${made.node.directory}/devinfo/cni`, definition, sandbox)
        const error = yield* errorOf(
          yield* replay("ADD", sandbox, pod, Multus.stdin(definition, { deviceID: "any" }, file))
        )
        server.fail.clear()
        assert.match(error.msg, msg)
        assert.strictEqual(error.code, code)
        assert.strictEqual(exists ? made.whole() : "", before.pod)
        yield* returnsTo(watched, before.world)
        succeeded(yield* replay("DEL", sandbox, pod, Multus.stdin(definition, { deviceID: "any" }, file)))
        yield* returnsTo(watched, before.world)
      }))
  }
})

type Made = Effect.Success<ReturnType<typeof setting>>

const volumeAt = (path: string) => ({ name: "shared-dir", hostPath: { path, type: "DirectoryOrCreate" } })

const remake = (server: ApiServer, { name, namespace, uid }: Pod, shape: Shape) => {
  server.pods.delete(namespace, name)
  podOn(server, namespace, name, podJson({ ...shape, ...(uid === "" ? {} : { uid }) }))
}
