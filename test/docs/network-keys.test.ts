/**
 * The keys of the whole network, verified with whole calls on a node in memory: a key for the plugin changes a call,
 * one for the runtime does not, and an absent one means what the table says.
 */

import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Logger, Result } from "effect"
import { keyNotes } from "../../scripts/docs/KeyNotes.ts"
import { keys } from "../../scripts/docs/NetConfSchema.ts"
import { serve } from "../../src/app/CniCall.ts"
import { readEnvelope } from "../../src/cni/network/Configuration.ts"
import { levelNames, logOptions } from "../../src/cni/network/LogOptions.ts"
import { readRequest } from "../../src/cni/Request.ts"
import { account } from "../../src/kubernetes/Origin.ts"
import { baseFor } from "../../src/shared-dir/SocketPaths.ts"
import { make, type Node, netns } from "../dry-run/support/MemoryNode.ts"
import { accept } from "./support/Accept.ts"
import { at, bases, type Json, put, without } from "./support/Networks.ts"

const subnet = "10.9.8.0/24"
const base: Json = { ...bases["ovs-dpdk"], ipam: { type: "host-local", subnet } }

const uid = "0c8d1fa4-8a9f-4c25-9c5e-1d2f3a4b5c6d"
const volume = "/srv/shared"
const pod = {
  kind: "Pod",
  metadata: { name: "web-0", namespace: "default", uid, resourceVersion: "1", annotations: {} },
  spec: { volumes: [{ name: "shared-dir", hostPath: { path: volume, type: "Directory" } }], containers: [] }
}

const kubeconfig = JSON.stringify({
  "current-context": "a",
  contexts: [{ name: "a", context: { cluster: "c", user: "u" } }],
  clusters: [{ name: "c", cluster: { server: "https://10.0.0.1:6443" } }],
  users: [{ name: "u", user: { token: "named" } }]
})

/** With a pod in a cluster, whose credentials are where the example says. */
const nodeWith = (): Node => {
  const node = make()
  node.files.put(String(keyNotes["kubeconfig"]?.example), "file", kubeconfig, 0o600)
  node.files.put(volume, "directory", "", 0o777)
  node.files.put("/var/lib/cni/usrspcni/devices/br-dpdk-3.k2", "directory", "", 0o777)
  node.files.put("/var/lib/cni/usrspcni/devices/br-dpdk-3", "symlink", "br-dpdk-3.k2", 0o777)
  node.api = () => ({ status: 200, retryAfter: undefined, body: JSON.stringify(pod) })
  return node
}

const variables = {
  CNI_CONTAINERID: "c0ffee0123456789",
  CNI_NETNS: netns,
  CNI_IFNAME: "net1",
  CNI_PATH: "/opt/cni/bin",
  CNI_ARGS: `K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0;K8S_POD_UID=${uid}`
}

interface Seen {
  readonly node: Node
  readonly document: unknown
  readonly error: string
}

const add = Effect.fnUntraced(function* (
  conf: Json,
  more: Readonly<Record<string, string>> = {},
  node: Node = nodeWith()
) {
  const log: Array<string> = []
  const exit = yield* serve(readRequest({ ...variables, ...more, CNI_COMMAND: "ADD" }, JSON.stringify(conf))).pipe(
    Effect.provide(node.edges),
    Effect.provide(Logger.layer([Logger.make(({ message }) => void log.push(String(message)))])),
    Effect.exit
  )
  const seen: Seen = Exit.match(exit, {
    onSuccess: (document) => ({ node, document, error: "" }),
    onFailure: (cause) => ({ node, document: undefined, error: Cause.pretty(cause) })
  })
  return { ...seen, log }
})

/** Of a record, only the text that the ADD received: the rest follows from what else is compared. */
const kept = (line: string): string => line.replace(/^(.*\/attachments\/\S+\.json file \S+ \S+) .*/, "$1")

/**
 * All effects of an ADD, and its log. The input of the IPAM plugin is excluded, because it gets the whole
 * configuration.
 */
const done = (conf: Json) =>
  Effect.map(add(conf), ({ document, error, log, node }) => {
    const options = Result.match(readEnvelope(JSON.stringify(conf)), {
      onFailure: () => undefined,
      onSuccess: ({ value }) => logOptions(value)
    })
    const lines = [...node.files.dump().map(kept), ...node.ovs.dump()].map(withoutIds).sort()
    const asked = node.requests.map(({ method, url }) => `${method} ${url}`)
    const runs = node.runs.map(({ env, program }) => `${program} ${env["CNI_COMMAND"]}`)
    return { document, error: withoutIds(error.split("\n")[0] ?? ""), log, options, lines, asked, runs }
  })

const withoutIds = (line: string): string => line.replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}/g, "<uuid>")

const optionsOf = (conf: Json) => logOptions(Result.getOrThrow(readEnvelope(JSON.stringify(conf))).value)

/** The table's texts about absent keys. */
const meant: Readonly<Record<string, (path: string) => Effect.Effect<void>>> = {
  required: (path) => Effect.map(add(without(base, path)), ({ error }) => assert.include(error, `${path}: `)),
  // Other plugins may refuse a network without it; this plugin does not.
  "required by runtimes": (path) => Effect.map(add(without(base, path)), ({ error }) => assert.strictEqual(error, "")),
  "no addresses": (path) =>
    Effect.map(add(without(base, path)), ({ document, node }) => {
      assert.isUndefined(at(document, "ips"))
      assert.isEmpty(node.runs)
    }),
  "`/usr/local/var/run/openvswitch` for ovs-dpdk, `/var/run/vpp` for vpp; with credentials for Kubernetes a pod needs a volume":
    () =>
      Effect.gen(function* () {
        for (const [name, base] of Object.entries(bases)) {
          const { netConf, port } = Result.getOrThrow(accept(base))
          const wanted = name === "ovs-dpdk" ? "/usr/local/var/run/openvswitch" : "/var/run/vpp"
          assert.strictEqual(baseFor(port, netConf.sharedDir), wanted)
        }
        const { node } = yield* add(base)
        assert.strictEqual(node.files.get("/usr/local/var/run/openvswitch/c0ffee012345")?.kind, "directory")
        const inPod = put(base, "kubeconfig", keyNotes["kubeconfig"]?.example)
        const without = nodeWith()
        without.api = () => ({ status: 200, retryAfter: undefined, body: JSON.stringify({ ...pod, spec: {} }) })
        assert.include((yield* add(inPod, {}, without)).error, "has no volume named shared-dir")
        assert.strictEqual((yield* add(put(inPod, "sharedDir", "/run/s"), {}, without)).error, "")
      }),
  "the service account of the plugin's own pod, if it has one; otherwise the API server is not used": () =>
    Effect.gen(function* () {
      const inPod = { KUBERNETES_SERVICE_HOST: "10.96.0.1", KUBERNETES_SERVICE_PORT: "443" }
      assert.isEmpty((yield* add(base)).node.requests)
      // Multus' thick plugin passes the variables to plugins where no service account is mounted.
      assert.isEmpty((yield* add(base, inPod)).node.requests)
      const node = nodeWith()
      node.files.put(`${account}/token`, "file", "own", 0o600)
      node.files.put(`${account}/ca.crt`, "file", "-----BEGIN CERTIFICATE-----", 0o600)
      const asked = (yield* add(base, inPod, node)).node.requests
      assert.match(asked[0]?.url ?? "", /^https:\/\/10\.96\.0\.1(:443)?\//)
      assert.include(JSON.stringify(asked[0]?.headers), "own")
    }),
  "stderr only": (path) => Effect.sync(() => assert.isUndefined(optionsOf(without(base, path)).file)),
  "what the IPAM plugin returns, if anything": (path) =>
    Effect.gen(function* () {
      const node = nodeWith()
      const theirs = { nameservers: ["10.0.0.1"] }
      const answer = { cniVersion: "1.0.0", ips: [{ address: "10.9.8.2/24" }], dns: theirs }
      const program = "/opt/cni/bin/with-dns"
      node.files.put(program, "file", "", 0o755)
      node.programs.set(program, () => Effect.succeed({ status: 0, stdout: JSON.stringify(answer), stderr: "" }))
      const conf = { ...without(base, path), ipam: { type: "with-dns" } }
      assert.deepStrictEqual(at((yield* add(conf, {}, node)).document, "dns"), theirs)
    }),
  // Neither its absence nor an empty one changes anything.
  "set by the runtime": (path) => saysNothing(path),
  "set by the caller": (path) => saysNothing(path),
  "no device is needed": (path) => Effect.map(add(without(base, path)), ({ error }) => assert.strictEqual(error, "")),
  "Multus passes it": (path) =>
    Effect.map(add(put(without(base, path), "resourceName", keyNotes["resourceName"]?.example)), ({ error }) =>
      assert.include(error, "the call has none")
    )
}

const saysNothing = (path: string) =>
  Effect.gen(function* () {
    const bare = yield* done(without(base, path))
    assert.strictEqual(bare.error, "")
    assert.deepStrictEqual(yield* done(put(base, path, {})), bare)
  })

const network = Object.entries(keyNotes).filter(([path]) => !path.includes("."))

describe("the network in docs/configuration.md", () => {
  it.effect.each(network)("%s changes a call if it is for the plugin", ([path, { example, for: whom }]) =>
    Effect.gen(function* () {
      assert.include(["the plugin", "the runtime"], whom)
      // In another network, so that the requirements of others are met.
      const bare = yield* done(path === "name" ? base : without(base, path))
      const written = yield* done(
        put(base, path, path === "ipam" ? { type: "host-local", subnet, ...Object(example) } : example)
      )
      // It refuses a call without a device.
      if (path === "resourceName") return assert.include(written.error, "the call has none")
      if (whom === "the plugin") assert.notDeepEqual(written, bare)
      else assert.deepStrictEqual(written, bare)
      assert.strictEqual(written.error, "")
    })
  )

  it.effect.each(network)("%s, absent", ([path, { absent }]) =>
    Effect.gen(function* () {
      if ("value" in absent) {
        assert.deepStrictEqual(yield* done(put(base, path, absent.value)), yield* done(without(base, path)))
      } else {
        const look = meant[absent.words]
        if (look === undefined) assert.fail(`nobody has looked whether that is so: ${absent.words}`)
        yield* look(path)
      }
    })
  )
})

const meaningOf = (path: string): string => keys().find((key) => key.path === path)?.description ?? ""

/** `The plugin reads a, b and c.` */
const readBy = (path: string): ReadonlyArray<string> =>
  /The plugin reads (.*)\.$/.exec(meaningOf(path))?.[1]?.split(/, | and /) ?? []

describe("the table is correct about", () => {
  it.effect("capabilities: what the plugin reads of runtimeConfig, and nothing else", () =>
    Effect.gen(function* () {
      const known = {
        mac: "02:00:00:00:00:07",
        bandwidth: { egressRate: 8_000_000, egressBurst: 8_000_000 },
        CNIDeviceInfoFile: "/run/devinfo/a.json",
        ips: ["10.9.8.4/24"],
        ipRanges: [[{ subnet }]],
        portMappings: [{ hostPort: 80, containerPort: 80, protocol: "tcp" }],
        dns: { servers: ["10.0.0.53"] },
        aliases: ["a"],
        infinibandGUID: "c2:11:22:33:44:55:66:77",
        cgroupPath: "/kubelet",
        deviceID: "br-dpdk-3"
      }
      assert.deepStrictEqual(yield* read("runtimeConfig", known), readBy("capabilities").toSorted())
    })
  )

  it.effect("args: what the plugin reads of args.cni, and nothing else", () =>
    Effect.gen(function* () {
      const known = { mac: "02:00:00:00:00:07", OvnPort: "p", ips: ["10.9.8.4/24"], IP: "10.9.8.4", labels: [{}] }
      assert.deepStrictEqual(yield* read("args.cni", known), readBy("args").toSorted())
      assert.deepStrictEqual(yield* read("args", { mac: known.mac, OvnPort: "p" }), [])
    })
  )

  it.effect("dns: the IPAM plugin's has priority", () =>
    Effect.gen(function* () {
      assert.include(meaningOf("dns"), "when the IPAM plugin gives none")
      yield* meant["what the IPAM plugin returns, if anything"]?.("none") ?? Effect.die("none")
      const own = { nameservers: ["10.0.0.53"] }
      assert.deepStrictEqual(at((yield* add(put(base, "dns", own))).document, "dns"), own)
    })
  )

  it("logLevel: its values, and the default", () => {
    const [, names = ""] = /^(.*)\.$/.exec(meaningOf("logLevel")) ?? []
    assert.deepStrictEqual(
      names.replace(" (default)", "").split(/, | or /),
      levelNames.map(([name]) => name)
    )
    assert.include(names, `${String(Object(keyNotes["logLevel"]?.absent).value)} (default)`)
  })

  it("stateDir: its default", () => {
    assert.include(meaningOf("stateDir"), `Default ${String(Object(keyNotes["stateDir"]?.absent).value)}.`)
  })
})

/** The keys that change something, each alone. */
const read = Effect.fnUntraced(function* (section: string, known: Json) {
  const bare = JSON.stringify(yield* done(base))
  const found: Array<string> = []
  for (const [key, value] of Object.entries(known)) {
    if (JSON.stringify(yield* done(put(base, `${section}.${key}`, value))) !== bare) found.push(key)
  }
  return found.toSorted()
})
