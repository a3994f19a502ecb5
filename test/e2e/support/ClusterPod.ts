/**
 * A pod with a directory of the node as its volume: its document in the API server, and kubelet's files on the node.
 * Runtime and plugin have not seen it yet.
 */
import { chmodSync, mkdirSync } from "node:fs"
import { Effect, Schema } from "effect"
import { at } from "../../kubernetes/support/PodStore.ts"
import { podOn } from "../../kubernetes/support/ServerUnderTest.ts"
import { podJson } from "../../kubernetes/support/TestPod.ts"
import { Cluster } from "./Cluster.ts"
import { CniNode } from "./CniNode.ts"
import * as DownwardApi from "./DownwardApi.ts"

const Annotations = Schema.decodeUnknownEffect(Schema.Record(Schema.String, Schema.String))

const PublishedFile = Schema.decodeUnknownEffect(
  Schema.fromJsonString(
    Schema.Tuple([
      Schema.Struct({
        containerId: Schema.String,
        config: Schema.Struct({ mac: Schema.String, vhost: Schema.Struct({ socketfile: Schema.String }) })
      })
    ])
  )
)

/** The name that `Containerd.runPod` uses. */
const namespace = "e2e"
const uidOf = (name: string) => `uid-${name}`

export const make = Effect.fn("ClusterPod.make")(function* (name: string, mountPath: string) {
  const { directory } = yield* CniNode
  const { server } = yield* Cluster
  const author = { color: "blue", note: `"${name}",\n\tby hand` }
  const path = `${directory}/volumes/${name}`
  mkdirSync(path, { recursive: true })
  // An application without root creates its socket there.
  chmodSync(path, 0o777)
  const volumes = [{ name: "shared-dir", hostPath: { path, type: "Directory" } }]
  const mounts = [{ name: "shared-dir", mountPath }]
  podOn(server, namespace, name, podJson({ uid: uidOf(name), annotations: author, volumes, mounts }))

  const podinfo = `${directory}/podinfo-${name}`
  const write = DownwardApi.volume(podinfo)
  const annotations = Effect.suspend(() =>
    Annotations(at(at(server.pods.get(namespace, name), "metadata"), "annotations"))
  )
  const refresh = Effect.map(annotations, write)
  yield* refresh
  return {
    name,
    /** Its volume on the node. */
    path,
    /** What its author wrote. */
    author,
    /** The current document of the API server. */
    annotations,
    /** kubelet's next update of the annotations file. */
    refresh,
    mounts: [
      { at: "/etc/podinfo", from: podinfo, readonly: true },
      { at: mountPath, from: path, readonly: false }
    ],
    /** The annotations' element of its only interface. */
    told: Effect.gen(function* () {
      const { "userspace/configuration-data": data, "userspace/mapped-dir": mappedDir } = yield* annotations
      const [{ config, containerId }] = yield* PublishedFile(data)
      return { containerId, mac: config.mac, socket: `${mappedDir}${config.vhost.socketfile}` }
    })
  }
})

export type ClusterPod = Effect.Success<ReturnType<typeof make>>
