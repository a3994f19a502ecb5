/**
 * Names come from configurations, runtimes and pods. None becomes a path, a word of a command or a part of a URL
 * unchecked: a call with an odd name is refused before any change, or works inside the configured directories, as with
 * any other name.
 */
import { spawnSync } from "node:child_process"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Option } from "effect"
import { dryRun } from "../../../src/dry-run/DryRun.ts"
import { vsctlLine } from "../../../src/dry-run/ovs/OperationText.ts"
import type { Plan } from "../../../src/dry-run/plan/Plan.ts"
import { shellWord } from "../../../src/platform/text/ShellWord.ts"
import { hostileTexts } from "../../fuzz/support/Inputs.ts"
import {
  call,
  directoriesOf,
  judged,
  lifeOf,
  network,
  state,
  variables,
  watchedNode,
  within
} from "../../fuzz/support/Watched.ts"

type Json = Readonly<Record<string, unknown>>

const host = (more: Json): Json => ({ ...network, host: { ...network.host, ...more } })

/** The places of a name in a configuration. */
const places: Readonly<Record<string, (name: string) => Json>> = {
  name: (name) => ({ ...network, name }),
  "ipam.type": (type) => ({ ...network, ipam: { type } }),
  sharedDir: (sharedDir) => ({ ...network, sharedDir }),
  "sharedDir, below a directory": (name) => ({ ...network, sharedDir: `/run/userspace/${name}` }),
  stateDir: (stateDir) => ({ ...network, stateDir }),
  "vhost.socketfile": (socketfile) => host({ vhost: { mode: "client", socketfile } }),
  "vhost.socketfile, made by the switch": (socketfile) => host({ vhost: { mode: "server", socketfile } }),
  "vhost.group": (group) => host({ vhost: { mode: "client", group } }),
  "bridge.bridgeName": (bridgeName) => host({ bridge: { bridgeName } }),
  "bridge.bridgeName of VPP": (bridgeName) =>
    host({ engine: "vpp", iftype: "memif", memif: { role: "slave" }, vhost: {}, bridge: { bridgeName } }),
  "host.socket": (socket) => host({ socket }),
  deviceID: (deviceID) => ({ ...network, deviceID, runtimeConfig: { deviceID } }),
  CNIDeviceInfoFile: (CNIDeviceInfoFile) => ({ ...network, runtimeConfig: { CNIDeviceInfoFile } }),
  "CNIDeviceInfoFile, below a directory": (name) => ({
    ...network,
    runtimeConfig: { CNIDeviceInfoFile: `/run/devinfo/${name}` }
  }),
  OvnPort: (OvnPort) => ({ ...network, args: { cni: { OvnPort } } }),
  "container.memif.socketfile": (socketfile) => ({ ...network, container: { vhost: { socketfile } } })
}

/** Anywhere else it would be another's file, host or program. */
const stayedInside = (node: ReturnType<typeof watchedNode>) => {
  for (const { args, program } of node.runs) {
    assert.deepStrictEqual(args, [])
    assert.match(program, /^\/opt\/cni\/bin\/[A-Za-z0-9_][A-Za-z0-9_.-]*$/)
  }
}

describe.each(Object.entries(places))("%s", (_, conf) => {
  it.live.each(hostileTexts)("%j", (name) =>
    Effect.gen(function* () {
      const node = watchedNode()
      yield* lifeOf(JSON.stringify(conf(name)), {}, node)
      stayedInside(node)
    })
  )
})

describe.each(["CNI_CONTAINERID", "CNI_IFNAME", "CNI_NETNS", "CNI_PATH"])("%s", (variable) => {
  it.live.each(hostileTexts)("%j", (value) =>
    Effect.gen(function* () {
      const node = watchedNode()
      yield* lifeOf(JSON.stringify(network), { [variable]: value }, node)
      stayedInside(node)
    })
  )
})

const uid = "0c8d1fa4-8a9f-4c25-9c5e-1d2f3a4b5c6d"
const pod = { K8S_POD_NAMESPACE: "default", K8S_POD_NAME: "web-0", K8S_POD_UID: uid }
const text = JSON.stringify({ ...network, kubeconfig: "/etc/kubeconfig" })

const kubeconfig = JSON.stringify({
  "current-context": "a",
  contexts: [{ name: "a", context: { cluster: "c", user: "u" } }],
  clusters: [{ name: "c", cluster: { server: "https://10.0.0.1:6443" } }],
  users: [{ name: "u", user: { token: "t" } }]
})

const volume = (one: Json) => ({ volumes: [{ name: "shared-dir", ...one }] })

/** A node whose API server returns the pod for any name. */
const clustered = (metadata: Json, spec: Json) => {
  const node = watchedNode()
  node.files.put("/etc/kubeconfig", "file", kubeconfig, 0o600)
  const body = JSON.stringify({
    kind: "Pod",
    metadata: { name: "web-0", namespace: "default", uid, resourceVersion: "1", annotations: {}, ...metadata },
    spec: { containers: [], ...spec }
  })
  node.api = () => ({ status: 200, retryAfter: undefined, body })
  return node
}

const args = (names: Json) =>
  Object.entries(names)
    .map(([key, value]) => `${key}=${value}`)
    .join(";")

describe.each(Object.keys(pod))("%s", (key) => {
  // A `;` ends a value.
  it.live.each(hostileTexts.filter((name) => !name.includes(";") && name !== "" && !/^[a-zA-Z]+$/.test(name)))(
    "%j",
    (name) =>
      Effect.gen(function* () {
        // The author of a pod can give it this annotation, by which a static pod's UID is known.
        const node = clustered({ annotations: { "kubernetes.io/config.hash": name } }, volume({ emptyDir: {} }))
        const before = state(node)
        // No pod has that name, so none is requested.
        yield* lifeOf(text, { CNI_ARGS: args({ ...pod, [key]: name }) }, node)
        assert.deepStrictEqual(node.requests, [])
        assert.deepStrictEqual(state(node), before)
      })
  )
})

describe("a pod's volume", () => {
  it.live.each(hostileTexts)("hostPath %j", (path) =>
    Effect.gen(function* () {
      for (const hostPath of [path, `/srv/${path}`]) {
        const node = clustered({}, volume({ hostPath: { path: hostPath, type: "Directory" } }))
        const directories = [...directoriesOf(text), ...(hostPath.includes("..") ? [] : [hostPath])]
        for (const verb of ["ADD", "DEL"] as const) {
          yield* within(node, directories, call(node, verb, text, { CNI_ARGS: args(pod) }))
        }
      }
    })
  )

  it.live.each(hostileTexts)("emptyDir of a pod whose UID the API server says is %j", (name) =>
    Effect.gen(function* () {
      const node = clustered({ uid: name }, volume({ emptyDir: {} }))
      const { K8S_POD_UID: _, ...unknown } = pod
      yield* within(node, [], call(node, "ADD", text, { CNI_ARGS: args(unknown) }))
      yield* within(node, [], call(node, "DEL", text, { CNI_ARGS: args(unknown) }))
    })
  )
})

/** The words that a shell makes of a line. */
const words = (line: string): ReadonlyArray<string> => {
  const { stderr, stdout } = spawnSync("/bin/sh", ["-c", `program() { printf '%s\\0' "$@"; }; program ${line}`], {
    encoding: "utf8",
    env: {}
  })
  assert.strictEqual(stderr, "")
  return stdout.split("\0").slice(0, -1)
}

describe("commands to copy", () => {
  const speakable = hostileTexts.filter((text) => !text.includes("\0") && text !== "\ud800")

  it.each(speakable)("%j stays one word", (text) => {
    assert.deepStrictEqual(words(`a ${shellWord(text)} b`), ["a", text, "b"])
  })

  it.each(speakable.filter((text) => text !== ""))("a bridge that is called %j", (name) => {
    const line = vsctlLine([{ op: "insert", table: "Bridge", row: { name, datapath_type: "netdev" } }], (id) => id)
    assert.deepStrictEqual(words(line), [
      "ovs-vsctl",
      "add-br",
      name,
      "--",
      "set",
      "Bridge",
      name,
      "datapath_type=netdev"
    ])
  })

  it.live("of a plan, for a bridge whose name a shell would run", () =>
    Effect.gen(function* () {
      const node = watchedNode()
      const conf = JSON.stringify(host({ bridge: { bridgeName: "$(id);`id`'\"" } }))
      const asked = { verb: "ADD", variables, text: conf, assumeSandbox: false } as const
      const plan: Plan = yield* Effect.provide(dryRun(asked), node.edges)
      assert.isNull(plan.error)
      const lines = plan.steps.flatMap(({ changes }) =>
        changes.flatMap((change) => (change.kind === "ovsdb" ? [change.ovsVsctl] : []))
      )
      assert.include(words(lines[0] ?? ""), "$(id);`id`'\"")
    })
  )
})

describe("device information", () => {
  const asking = (path: string) => JSON.stringify({ ...network, runtimeConfig: { CNIDeviceInfoFile: path } })

  it.live("neither replaces nor removes a file with other content", () =>
    Effect.gen(function* () {
      const node = watchedNode()
      const before = state(node)
      const exit = yield* call(node, "ADD", asking("/etc/passwd"))
      judged(exit)
      const error = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.findErrorOption(exit.cause)) : undefined
      assert.include(error?.msg, "/etc/passwd: EEXIST")
      assert.deepStrictEqual(state(node), before)
      assert.isTrue(Exit.isSuccess(yield* call(node, "DEL", asking("/etc/passwd"))))
      assert.deepStrictEqual(state(node), before)
    })
  )

  it.live("replaces that of a device plugin, and an empty file", () =>
    Effect.gen(function* () {
      for (const there of ['{"type":"pci","version":"1.1.0","pci":{}}', ""]) {
        const node = watchedNode()
        node.files.put("/run/devinfo/a.json", "file", there)
        assert.isTrue(Exit.isSuccess(yield* call(node, "ADD", asking("/run/devinfo/a.json"))))
        assert.include(node.files.get("/run/devinfo/a.json")?.content, '"type":"vhost-user"')
        assert.isTrue(Exit.isSuccess(yield* call(node, "DEL", asking("/run/devinfo/a.json"))))
        assert.isUndefined(node.files.get("/run/devinfo/a.json"))
      }
    })
  )
})
