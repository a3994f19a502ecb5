/**
 * A node on which the examples' pods are attached, by the real programs: edges are the file system below a temporary
 * directory, Open vSwitch in memory behind its socket's wire, the VPP in TypeScript on a real socket, an API server
 * with one pod, host-local and whereabouts as programs.
 */

import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { Effect, Layer, Logger, Option, Schema } from "effect"
import { filesBelow, socketsBelow } from "../../../scripts/demo/VppWorld.ts"
import { serve } from "../../../src/app/CniCall.ts"
import { readRequest } from "../../../src/cni/Request.ts"
import { readPod } from "../../../src/kubernetes/PodDocument.ts"
import { Files } from "../../../src/platform/Files.ts"
import type { Ended, Run } from "../../../src/platform/Processes.ts"
import { Sockets } from "../../../src/platform/Sockets.ts"
import * as MemoryNode from "../../dry-run/support/MemoryNode.ts"
import * as Multus from "../../e2e/support/Multus.ts"
import * as NodeSlots from "../../platform/support/node/NodeSlots.ts"
import * as NodeSockets from "../../platform/support/node/NodeSockets.ts"
import { type Options, start } from "../../vpp/server/VppServer.ts"
import { temporaryDirectory } from "../../vpp/support/TestVpp.ts"
import { type ExamplePod, networkNamed } from "./ExamplePods.ts"
import { kubeconfigText } from "./KubeconfigText.ts"
import { at } from "./PodStore.ts"

const uid = "0c8d1fa4-8a9f-4c25-9c5e-1d2f3a4b5c6d"
const containerId = "3f1c9a0b2d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8"
const deviceInfoFile = "/var/run/k8s.cni.cncf.io/devinfo/cni/example"

/** Targets of links are below the directory as well. */
const below = (root: string) =>
  Layer.effect(
    Files,
    Effect.map(Files, (files) =>
      Files.of({
        ...files,
        symlink: (target, path) => files.symlink(root + target, path),
        readLink: (path) => Effect.map(files.readLink(path), (target) => target.slice(root.length))
      })
    )
  ).pipe(Layer.provide(filesBelow(root)), Layer.provide(Files.layer))

const sockets = (root: string, memory: MemoryNode.Node) =>
  Layer.effect(
    Sockets,
    Effect.gen(function* () {
      const real = yield* Effect.provide(Sockets, Layer.provide(socketsBelow(root), NodeSockets.layer))
      const inMemory = yield* Effect.provide(Sockets, memory.edges)
      return Sockets.of({ connect: (path) => (path === MemoryNode.database ? inMemory : real).connect(path) })
    })
  )

const Whereabouts = Schema.decodeUnknownSync(
  Schema.fromJsonString(
    Schema.Struct({
      ipam: Schema.Struct({
        ipRanges: Schema.Array(
          Schema.Struct({
            range: Schema.String,
            range_start: Schema.optionalKey(Schema.String),
            exclude: Schema.optionalKey(Schema.Never)
          })
        ),
        gateway: Schema.optionalKey(Schema.String),
        routes: Schema.optionalKey(Schema.Array(Schema.Unknown))
      })
    })
  )
)

/**
 * The answers of whereabouts 0.9.2, by the recording in fixtures/whereabouts.json: of every range, `10.0.0.0/24` or
 * `fd00::/64`, the first address from `range_start` or else of the network; one gateway for all of them; routes
 * unchanged. It ignores the gateway of a range.
 */
export const whereabouts = ({ env, stdin }: Pick<Run, "env" | "stdin">): Effect.Effect<Ended> =>
  Effect.sync(() => {
    const { gateway, ipRanges, routes } = Whereabouts(stdin).ipam
    const ips = ipRanges.map(({ range, range_start }) => {
      const [network = "", prefix = ""] = range.split("/")
      const first = range_start ?? network.replace(/::$/, "::1").replace(/\.0$/, ".1")
      return { address: `${first}/${prefix}`, ...(gateway === undefined ? {} : { gateway }) }
    })
    const answer =
      env["CNI_COMMAND"] === "ADD" ? { cniVersion: "1.0.0", ips, ...(routes === undefined ? {} : { routes }) } : {}
    return { status: 0, stdout: JSON.stringify(answer), stderr: "" }
  })

const PublishedFile = Schema.Struct({
  metadata: Schema.Struct({ annotations: Schema.Record(Schema.String, Schema.String) })
})

export const exampleNode = Effect.fnUntraced(function* (
  { manifest, name }: Pick<ExamplePod, "manifest" | "name">,
  vpp: Pick<Options, "table"> = {}
) {
  const memory = MemoryNode.make()
  const root = yield* temporaryDirectory
  const put = (path: string, content: string, mode = 0o644) => {
    mkdirSync(dirname(root + path), { recursive: true })
    writeFileSync(root + path, content, { mode })
  }
  for (const program of ["host-local", "whereabouts"]) {
    put(`/opt/cni/bin/${program}`, "", 0o755)
    memory.files.put(`/opt/cni/bin/${program}`, "file", "", 0o755)
  }
  memory.programs.set("/opt/cni/bin/whereabouts", whereabouts)
  const directories = ["run/vpp", "var/run/openvswitch", "var/lib/cni"]
  const volume = `var/lib/kubelet/pods/${uid}/volumes/kubernetes.io~empty-dir/shared-dir`
  for (const directory of [...directories, volume]) mkdirSync(`${root}/${directory}`, { recursive: true })
  put(
    "/etc/cni/net.d/userspace.kubeconfig",
    kubeconfigText({ server: "https://10.0.0.1:6443", token: "t", cluster: [] })
  )
  const server = yield* start({ path: `${root}/run/vpp/api.sock`, root, ...vpp })

  const metadata = { ...at(manifest, "metadata"), namespace: "default", uid, resourceVersion: "1" }
  let stored = JSON.stringify({ ...manifest, metadata })
  memory.api = ({ body, method }) => {
    if (method !== "GET") stored = body ?? ""
    return { status: 200, retryAfter: undefined, body: stored }
  }

  const warnings: Array<string> = []
  const logger = Logger.layer([
    Logger.make(({ logLevel, message }) => {
      if (logLevel === "Warn") warnings.push(String(message))
    })
  ])
  const edges = Layer.mergeAll(memory.edges, below(root), sockets(root, memory), NodeSlots.layer, logger)

  const call = (
    verb: "ADD" | "CHECK" | "DEL",
    selection: ExamplePod["selections"][number],
    prevResult?: unknown,
    /** Changes to the network's definition. */
    more: object = {}
  ) => {
    const sandbox = { containerId, ifName: selection.ifName, netns: MemoryNode.netns }
    const variables = {
      CNI_CONTAINERID: containerId,
      CNI_IFNAME: selection.ifName,
      CNI_NETNS: MemoryNode.netns,
      CNI_PATH: "/opt/cni/bin",
      CNI_ARGS: Multus.cniArgs(sandbox, { namespace: "default", name, uid })
    }
    const definition = { ...networkNamed(selection.name), ...more }
    const stdin = Multus.stdin(definition, selection, deviceInfoFile, prevResult)
    return Effect.provide(serve(readRequest({ ...variables, CNI_COMMAND: verb }, stdin)), edges)
  }

  return {
    call,
    warnings,
    memory,
    server,
    /** The directory that stands for `/`. */
    root,
    put,
    remove: (path: string) => rmSync(root + path, { recursive: true, force: true }),
    annotations: () => Schema.decodeUnknownSync(Schema.fromJsonString(PublishedFile))(stored).metadata.annotations,
    document: () => Option.getOrThrow(readPod(stored)),
    /** The rows and interfaces of both switches. */
    switches: () => JSON.stringify([memory.ovs.dump(), [...server.model.interfaces.values()].map(({ row }) => row.tag)])
  }
})
