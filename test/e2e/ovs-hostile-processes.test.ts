/** Processes of a pod that do not keep to vhost-user: what becomes of ovs-vswitchd, in both modes. */
import { spawnSync } from "node:child_process"
import { Effect, Layer } from "effect"
import { CniNode, socketOf } from "./support/CniNode.ts"
import { meets } from "./support/HostileOutcomes.ts"
import type { Ground } from "./support/HostileProcess.ts"
import { well } from "./support/Plugin.ts"

const installed = spawnSync("ovs-vswitchd", ["--version"], { encoding: "utf8" }).stdout ?? ""
const [, version = "?"] = /(\d+\.\d+)\.\d+$/m.exec(installed) ?? []

const ground = (mode: "server" | "client") =>
  Effect.gen(function* () {
    const node = yield* Effect.service(CniNode)
    const { ovs, sharedDir } = node
    const network = { ...node.network, host: { ...node.network.host, vhost: { mode } } }
    const pods = [yield* node.sandbox, yield* node.sandbox] as const
    for (const pod of pods) well(yield* node.call("ADD", pod, network))
    const [hostile, neighbour] = pods
    return {
      signal: ovs.vswitchdSignal,
      answers: ovs.vswitchdAnswers,
      directory: node.directory,
      hostile: socketOf(sharedDir, hostile),
      neighbour: socketOf(sharedDir, neighbour)
    } satisfies Ground
  })

const inScope = (mode: "server" | "client") =>
  Effect.gen(function* () {
    const context = yield* Layer.build(CniNode.layerWith({ foreground: true }))
    return yield* Effect.provide(ground(mode), context)
  })

for (const mode of ["server", "client"] as const) {
  meets({
    needs: ["root", "executable", "ovs", "hostLocal"],
    engine: "Open vSwitch",
    version,
    role: `vhost-${mode}`,
    ground: inScope(mode),
    fresh: false
  })
}
