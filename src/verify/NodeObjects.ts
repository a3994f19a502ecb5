/** What the objects of nodes say during a run: attachments of its networks, its bridge, versions. Reads only. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { decodeNode, type FleetNode, pathOf } from "../kubernetes/UserspaceNode.ts"
import { Cluster, VerifyError } from "./Cluster.ts"
import { isOurs, ownBridge } from "./Objects.ts"

const read = Effect.fnUntraced(function* (name: string) {
  const cluster = yield* Cluster
  return yield* cluster.get(
    { operation: `read the userspacenode ${name}`, right: "get userspacenodes of userspace-cni.io" },
    pathOf(name),
    decodeNode
  )
})

/** Attachments of the networks; undefined: the object has more networks than it names, or nothing. */
const attached = ({ status }: FleetNode, isWanted: (network: string) => boolean): number | undefined => {
  if (status === undefined || status.attachments.some(({ network }) => network.startsWith("("))) return undefined
  return status.attachments.filter(({ network }) => isWanted(network)).reduce((sum, { total }) => sum + total, 0)
}

/** An agent looks at most once in ten seconds, and writes what it sees. */
const patience = 60

/** Until then an object may be older than the last change on its node, and what is left not in it. */
export const settled = Effect.sleep("15 seconds")

const until = Effect.fnUntraced(function* (
  node: string,
  isSo: (seen: FleetNode) => boolean,
  wrong: (seen: FleetNode) => VerifyError
) {
  const end = (yield* Clock.currentTimeMillis) + patience * 1000
  while (true) {
    const seen = yield* read(node)
    if (isSo(seen)) return
    if ((yield* Clock.currentTimeMillis) >= end) return yield* wrong(seen)
    yield* Effect.sleep("1 seconds")
  }
})

export const untilShown = (node: string, network: string, count: number) =>
  until(
    node,
    (seen) => (attached(seen, (one) => one === network) ?? count) === count,
    (seen) =>
      new VerifyError({
        failed: `the object of the node does not show ${count === 0 ? "that the attachment is gone" : "the attachment"}`,
        answer: `userspacenode ${node} has ${attached(seen, (one) => one === network)} of ${network} after ${patience} s`,
        cure: `Read the log of the agent there, and on the node: userspace list.`
      })
  )

const leftOn = (seen: FleetNode): ReadonlyArray<string> => [
  ...(seen.status?.attachments ?? [])
    .filter(({ network }) => isOurs(network))
    .map(({ network, total }) => `node ${seen.name}: ${total} of network ${network}`),
  ...(seen.status?.switches ?? [])
    .filter(({ bridges }) => bridges.some(({ name }) => name === ownBridge))
    .map(({ engine }) => `node ${seen.name}: bridge ${ownBridge} of ${engine}`)
]

/** What of the run is still on the node, after the time that an agent may take to see it. */
export const leftovers = Effect.fnUntraced(function* (node: string) {
  let left: ReadonlyArray<string> = []
  const isNothing = (seen: FleetNode) => {
    left = leftOn(seen)
    return left.length === 0
  }
  const failure = new VerifyError({ failed: "something is left", answer: node, cure: "" })
  return yield* Effect.match(
    until(node, isNothing, () => failure),
    {
      onSuccess: (): ReadonlyArray<string> => [],
      onFailure: (error) => (error === failure ? left : [`node ${node}: not known: ${error.message}`])
    }
  )
})

const Version = Schema.fromJsonString(Schema.Struct({ gitVersion: Schema.String }))
const NodeInfo = Schema.fromJsonString(
  Schema.Struct({
    status: Schema.Struct({
      nodeInfo: Schema.Struct({
        kubeletVersion: Schema.String,
        containerRuntimeVersion: Schema.String,
        kernelVersion: Schema.String,
        osImage: Schema.String
      })
    })
  })
)
const decodeVersion = Schema.decodeUnknownOption(Version)
const decodeInfo = Schema.decodeUnknownOption(NodeInfo)

/** What runs there, as far as it may be read. */
export const versionsOf = Effect.fnUntraced(function* (nodes: ReadonlyArray<FleetNode>) {
  const cluster = yield* Cluster
  const kubernetes = yield* cluster
    .get({ operation: "read the version", right: "get /version" }, "/version", decodeVersion)
    .pipe(
      Effect.map(({ gitVersion }) => gitVersion),
      Effect.orElseSucceed(() => "unknown")
    )
  const ofNodes = yield* Effect.forEach(nodes, ({ name, status }) =>
    cluster.get({ operation: `read the node ${name}`, right: "get nodes" }, `/api/v1/nodes/${name}`, decodeInfo).pipe(
      Effect.map(({ status: { nodeInfo } }) => ({
        kubelet: nodeInfo.kubeletVersion,
        runtime: nodeInfo.containerRuntimeVersion,
        kernel: nodeInfo.kernelVersion,
        system: nodeInfo.osImage
      })),
      Effect.orElseSucceed(() => ({ kubelet: "unknown", runtime: "unknown", kernel: "unknown", system: "unknown" })),
      Effect.map((info) => ({
        node: name,
        plugin: status?.version ?? "unknown",
        switches: (status?.switches ?? []).map(({ engine, version }) => `${engine} ${version || "unknown"}`),
        ...info
      }))
    )
  )
  return { kubernetes, nodes: ofNodes }
})
