/**
 * The executable with a kubeconfig, called as Multus calls it, on a real Open vSwitch and the API server of the tests:
 * what the pod gets, how many requests it takes, what is left when the API server fails, and after DEL nothing.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { allRights } from "../kubernetes/support/ApiServer.ts"
import * as Manifests from "../kubernetes/support/Manifests.ts"
import { at } from "../kubernetes/support/PodStore.ts"
import { podOn } from "../kubernetes/support/ServerUnderTest.ts"
import { podJson } from "../kubernetes/support/TestPod.ts"
import { Cluster, replay, setting, succeeded, volumeAt } from "./support/Cluster.ts"
import * as Multus from "./support/Multus.ts"
import { resultOf } from "./support/Plugin.ts"
import { onMachine } from "./support/Suite.ts"
import { filesIn, look, returnsTo } from "./support/World.ts"

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
      // The pod's volume has the same before its container starts, which may see the annotation a minute later.
      const config = `${volume}/configData-${socketfile}.json`
      assert.deepStrictEqual(Object.keys(yield* filesIn([volume])), [volume, config])
      assert.deepStrictEqual(Elements(`[${readFileSync(config, "utf8")}]`), Elements(data))
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
      // A second DEL after the sandbox is gone: no namespace, no result.
      succeeded(yield* replay("DEL", { ...sandbox, netns: "" }, pod, stdin()))
      yield* returnsTo(watched, before.world)
    }))

  test("an ADD is one read and one write, and so is a DEL; nothing else of the pod changes", () =>
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

  test("two interfaces of one pod share annotations and volume, and are deleted separately", () =>
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

  for (const [what, does] of [
    ["is down", { status: 503, message: "etcd has no leader" }],
    ["refuses the credentials", { status: 403, message: "no" }]
  ] as const) {
    test(`an API server that ${what} at DEL stops neither DEL nor the rest of its work`, () =>
      Effect.gen(function* () {
        const { annotations, definition, node, pod, sandbox, server, watched, whole } = yield* setting()
        const before = { world: yield* look(watched), pod: whole() }
        const stdin = Multus.stdin(definition, {}, undefined)
        yield* resultOf(yield* replay("ADD", sandbox, pod, stdin))
        server.fail({ does, times: 1000 })
        const done = yield* replay("DEL", sandbox, pod, stdin)
        server.fail.clear()
        succeeded(done)
        assert.match(done.stderr, new RegExp(`Kubernetes: read pod default/pod-.*${does.status}.*${does.message}`))
        assert.include(done.stderr, "the pod's annotations were not changed")
        yield* returnsTo(watched, before.world)
        assert.isDefined(annotations()["userspace/configuration-data"])
        // The pod lives on, and its next sandbox has another id: its ADD replaces what the old one's DEL left.
        const next = { ...(yield* node.sandbox), ifName: sandbox.ifName }
        yield* resultOf(yield* replay("ADD", next, pod, stdin))
        assert.deepStrictEqual(
          Elements(annotations()["userspace/configuration-data"]).map(({ containerId }) => containerId),
          [next.containerId]
        )
        succeeded(yield* replay("DEL", next, pod, stdin))
        assert.strictEqual(whole(), before.pod)
        yield* returnsTo(watched, before.world)
      }))
  }

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

  test("the documented network and pod: Multus' device-info is as on the page", () =>
    Effect.gen(function* () {
      const [selection] = Manifests.selections
      assert.isDefined(selection)
      const { metadata, spec } = Manifests.pod
      const { definition, node, pod, sandbox, server, watched } = yield* setting()
      server.pods.delete(pod.namespace, pod.name)
      server.pods.create(pod.namespace, pod.name, { metadata: { ...metadata, uid: pod.uid }, spec })
      server.roles.set(
        "plugin",
        allRights.filter((right) => Manifests.rights.includes(right))
      )
      const before = yield* look(watched)
      const documented = { ...definition, ...Manifests.definition, kubeconfig: definition.kubeconfig }
      const network = { ...documented, host: { ...documented.host, socket: node.ovs.socket }, ipam: definition.ipam }
      const file = Multus.deviceInfoFile(`${node.directory}/devinfo/cni`, network, sandbox)
      const volume = `/var/lib/kubelet/pods/${pod.uid}/volumes/kubernetes.io~empty-dir/shared-dir`
      const within = yield* node.privateMounts(`mount -t tmpfs none /var/lib && mkdir -p ${volume}`)
      const environment = { CNI_ARGS: Multus.cniArgs(sandbox, pod) }
      const more = { within, environment, stdin: Multus.stdin(network, selection, file) }
      const { interfaces } = yield* resultOf(yield* node.call("ADD", sandbox, {}, more))
      assert.strictEqual(interfaces[0]?.mac, selection.mac)
      const [, shown = ""] =
        /<!-- tested: device information -->\n\n```json\n([\s\S]*?)```/.exec(readFileSync("docs/multus.md", "utf8")) ??
        []
      const expected = shown.replaceAll("3f1c9a0b2d4e", sandbox.containerId.slice(0, 12))
      assert.deepStrictEqual(JSON.parse(readFileSync(file, "utf8")), JSON.parse(expected))
      succeeded(yield* node.call("DEL", sandbox, {}, more))
      server.roles.set("plugin", allRights)
      yield* returnsTo(watched, before)
    }))
})
