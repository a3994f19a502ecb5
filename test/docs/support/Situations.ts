/**
 * The situations whose messages `docs/troubleshooting.md` quotes: each is created here, and the plugin or its command
 * in the container prints the message. The keys are the names on the page.
 */
import { chmodSync, linkSync } from "node:fs"
import { Duration, Effect, type Scope } from "effect"
import { CurrentUser } from "../../../src/container/index.ts"
import { OvsDeadlines } from "../../../src/ovs/client/JsonRpc.ts"
import { set } from "../../../src/ovs/client/OvsdbMessages.ts"
import { run } from "../../container/support/Command.ts"
import { configurationData, containerId, pod as directories, element, listening } from "../../container/support/Pod.ts"
import { exampleNode } from "../../kubernetes/support/ExampleNode.ts"
import { type ExamplePod, pods } from "../../kubernetes/support/ExamplePods.ts"

type Node = Effect.Success<ReturnType<typeof exampleNode>>

const named = (name: string): ExamplePod => {
  const found = pods.find((pod) => pod.name === name)
  if (found === undefined) throw new Error(`there is no pod ${name}`)
  return found
}
const onOvs = named("testpmd-rx")
const onVpp = named("vpp-1")

/** The message of an ADD or DEL that fails. */
const failed = (node: Node, pod: ExamplePod, verb: "ADD" | "DEL" = "ADD", more: object = {}) =>
  Effect.gen(function* () {
    const [selection] = pod.selections
    if (selection === undefined) return yield* Effect.die("the pod selects no network")
    const { msg } = yield* Effect.flip(node.call(verb, selection, undefined, more))
    return msg.replaceAll(node.root, "")
  })

const add = (pod: ExamplePod, prepare: (node: Node) => void, more: object = {}) =>
  Effect.gen(function* () {
    const node = yield* exampleNode(pod)
    prepare(node)
    return yield* failed(node, pod, "ADD", more)
  })

const status = (code: number, reason: string, message: string) => (node: Node) => {
  node.memory.api = () => ({
    status: code,
    retryAfter: undefined,
    body: JSON.stringify({ kind: "Status", status: "Failure", reason, message, code })
  })
}

/** Answers reads, and refuses writes. */
const writeRefused = (code: number, reason: string, message: string) => (node: Node) => {
  const read = node.memory.api
  const refuse = (request: Parameters<typeof read>[0]) => {
    status(code, reason, message)(node)
    const refused = node.memory.api(request)
    node.memory.api = answer
    return refused
  }
  const answer: typeof read = (request) => (request.method === "GET" ? read(request) : refuse(request))
  node.memory.api = answer
}

const refusing =
  (code: string) =>
  ({ memory }: Node) => {
    memory.refusal = code
  }

const userCannot = (verb: string, resource: string) =>
  `pods "testpmd-rx" is forbidden: User "system:serviceaccount:kube-system:userspace-cni" cannot ${verb} resource "${resource}" in API group "" in the namespace "default"`

const without = (unwanted: RegExp) => (names: ReadonlyMap<number, string>) =>
  new Map([...names].filter(([, name]) => !unwanted.test(name)))

const vppWithout = (unwanted: RegExp) =>
  Effect.flatMap(exampleNode(onVpp, { table: without(unwanted) }), (node) => failed(node, onVpp))

/** The message of `container show` about the socket, for an application without root unless specified. */
const shown = (
  prepare: (directory: string) => Effect.Effect<unknown, unknown, Scope.Scope>,
  config: object = {},
  who = { uid: 1000, gids: [1000] }
) =>
  Effect.gen(function* () {
    const there = yield* directories
    there.annotate(configurationData(element("net1", { ...config })))
    yield* prepare(there.directory)
    const { out } = yield* Effect.provideService(run(["show", ...there.flags]), CurrentUser, who)
    return (out.split("\n").at(-1) ?? "").trim().replaceAll(there.directory, "/var/lib/cni/usrspcni")
  })

const exhausted = Effect.gen(function* () {
  const node = yield* exampleNode(onOvs)
  const small = { ipam: { type: "host-local", ranges: [[{ subnet: "10.56.220.0/30" }]] } }
  const [selection] = onOvs.selections
  if (selection !== undefined) yield* node.call("ADD", selection, undefined, small)
  return yield* failed(node, { ...onOvs, selections: [{ name: "userspace-ovs", ifName: "net2" }] }, "ADD", small)
})

const attachedTwice = Effect.gen(function* () {
  const node = yield* exampleNode(onOvs)
  const [selection] = onOvs.selections
  if (selection !== undefined) yield* node.call("ADD", selection)
  return (yield* failed(node, onOvs)).replace(/since \S+/, "since 2026-11-23T23:24:13.722Z")
})

/** ADD succeeds, then the node changes, and DEL fails. */
const del = (pod: ExamplePod, change: (node: Node) => void) =>
  Effect.gen(function* () {
    const node = yield* exampleNode(pod)
    const [selection] = pod.selections
    if (selection !== undefined) yield* node.call("ADD", selection)
    change(node)
    return yield* failed(node, pod, "DEL")
  })

const waited = Effect.gen(function* () {
  const there = yield* directories
  const { err } = yield* run(["wait", ...there.flags, "--timeout", "10ms"])
  return err.replaceAll(there.root, "").replace("10ms", "1m")
})

const soon = Duration.millis(50)

export const situations: Readonly<Record<string, Effect.Effect<string, unknown, Scope.Scope>>> = {
  "no ovsdb-server": add(onOvs, refusing("ENOENT")),
  "no DPDK": add(onOvs, ({ memory }) => {
    memory.ovs.vswitchd.dpdk = false
    memory.ovs.look()
  }),
  "no ovs-vswitchd": Effect.provideService(
    add(onOvs, ({ memory }) => {
      memory.ovs.vswitchd.alive = false
    }),
    OvsDeadlines,
    { connect: soon, reply: soon, apply: soon, withdraw: soon }
  ).pipe(Effect.map((said) => said.replace("50 ms", "10000 ms"))),
  "a bridge of the kernel": Effect.gen(function* () {
    const node = yield* exampleNode(onOvs)
    yield* node.memory.ovs.transact([
      { op: "insert", table: "Bridge", "uuid-name": "b", row: { name: "br-userspace", datapath_type: "system" } },
      { op: "mutate", table: "Open_vSwitch", where: [], mutations: [["bridges", "insert", set([["named-uuid", "b"]])]] }
    ])
    return yield* failed(node, onOvs)
  }),
  "no VPP": Effect.flatMap(exampleNode(onVpp), (node) => {
    node.remove("/run/vpp/api.sock")
    return failed(node, onVpp)
  }),
  "VPP without memif": vppWithout(/^memif_/),
  "VPP without a message": vppWithout(/^sw_interface_tag_add_del_/),
  "no IPAM plugin": add(onOvs, ({ remove }) => remove("/opt/cni/bin/host-local")),
  "no address left": exhausted,
  "no volume": add({ ...onOvs, manifest: { ...onOvs.manifest, spec: { containers: [] } } }, () => {}),
  "an unknown key": add(onOvs, () => {}, {
    host: { engine: "ovs-dpdk", iftype: "vhostuser", bridge: { bridgename2: "br0" } }
  }),
  "attached already": attachedTwice,
  "may not read": add(onOvs, status(403, "Forbidden", userCannot("get", "pods"))),
  "may not write": add(onOvs, writeRefused(403, "Forbidden", userCannot("update", "pods/status"))),
  "a webhook": add(
    onOvs,
    writeRefused(400, "BadRequest", 'admission webhook "policy.example" denied the request: no annotations')
  ),
  "a token that has ended": add(onOvs, status(401, "Unauthorized", "Unauthorized")),
  "no kubeconfig": add(onOvs, ({ remove }) => remove("/etc/cni/net.d/userspace.kubeconfig")),
  "DEL without a switch": del(onOvs, refusing("ECONNREFUSED")),
  "the application may not make it": shown((directory) => Effect.sync(() => chmodSync(directory, 0o755))),
  "the application may not connect": shown(
    (directory) =>
      Effect.andThen(
        listening(`${directory}/of-the-switch`),
        Effect.sync(() => chmodSync(`${directory}/of-the-switch`, 0o660))
      ),
    { vhost: { mode: "client", socketfile: "of-the-switch" } }
  ),
  "the switch has made none": shown(() => Effect.void, { vhost: { mode: "client", socketfile: "of-the-switch" } }),
  "no application": shown(() => Effect.void, {}, { uid: 0, gids: [0] }),
  "a socket left over": shown((directory) =>
    Effect.andThen(
      listening(`${directory}/a`),
      Effect.sync(() => linkSync(`${directory}/a`, `${directory}/${containerId.slice(0, 12)}-net1`))
    )
  ),
  "nothing tells": waited
}
