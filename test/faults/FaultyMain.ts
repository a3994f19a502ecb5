/**
 * The plugin with edges that go wrong where the campaign orders it: the same verbs, services and programs as in the
 * shipped executable, and another executable, which is built for the campaign only. The process of a call, or an agent.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Duration, Effect, Layer, Schema } from "effect"
import { agent } from "../../src/agent/Agent.ts"
import { run } from "../../src/app/CniProcess.ts"
import { defaultLogOptions } from "../../src/cni/network/LogOptions.ts"
import { KubernetesDeadlines } from "../../src/kubernetes/ApiServer.ts"
import { OvsDeadlines } from "../../src/ovs/client/JsonRpc.ts"
import * as AsyncFiles from "../../src/platform/async/AsyncFiles.ts"
import * as BunEdges from "../../src/platform/bun/BunEdges.ts"
import type { Edges } from "../../src/platform/Edges.ts"
import { Files } from "../../src/platform/Files.ts"
import { Https } from "../../src/platform/Https.ts"
import { Namespaces } from "../../src/platform/Namespaces.ts"
import { Processes } from "../../src/platform/Processes.ts"
import { Slots, Sockets } from "../../src/platform/Sockets.ts"
import * as Log from "../../src/program/Log.ts"
import { Deadlines } from "../../src/program/Step.ts"
import { VppDeadlines } from "../../src/vpp/client/Session.ts"
import * as FaultyFiles from "./process/FaultyFiles.ts"
import * as FaultyOthers from "./process/FaultyOthers.ts"
import * as FaultyProcesses from "./process/FaultyProcesses.ts"
import * as FaultySockets from "./process/FaultySockets.ts"
import { Order, Serving, variable } from "./process/Order.ts"
import * as Steps from "./process/Steps.ts"

const told = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Union([Order, Serving])))(process.env[variable])
// Programs that are run inherit the plugin's environment.
delete process.env[variable]

const step = "orders" in told ? Steps.ordered(told.orders) : Steps.make(told)

const faulty = Layer.mergeAll(
  Layer.effect(
    Files,
    Files.useSync((files) => FaultyFiles.over(files, step))
  ),
  Layer.effect(
    Sockets,
    Sockets.useSync((sockets) => FaultySockets.over(sockets, step))
  ),
  Layer.effect(
    Processes,
    Processes.useSync((processes) => FaultyProcesses.over(processes, step))
  ),
  Layer.effect(
    Https,
    Https.useSync((https) => FaultyOthers.https(https, step))
  ),
  Layer.effect(
    Slots,
    Slots.useSync((slots) => FaultyOthers.slots(slots, step))
  ),
  Layer.effect(
    Namespaces,
    Namespaces.useSync((namespaces) => FaultyOthers.namespaces(namespaces, step))
  )
)

/** In the same order as the real ones: the inner deadline is shorter than the outer one. */
const hurry = Layer.mergeAll(
  Layer.succeed(Deadlines, { ipam: 0.3, status: 0.3, undo: 2, total: 0.7 }),
  Layer.succeed(KubernetesDeadlines, { answer: 0.3, total: 0.5 }),
  Layer.succeed(OvsDeadlines, {
    connect: Duration.millis(200),
    reply: Duration.millis(300),
    apply: Duration.millis(400),
    withdraw: Duration.seconds(2)
  }),
  Layer.succeed(VppDeadlines, { turn: 400, answer: 300, goodbye: 100 })
)

const faultyOver = <E>(edges: Layer.Layer<Edges, E>) => {
  const all = Layer.provide(faulty, edges)
  return told.hurried ? Layer.merge(all, hurry) : all
}

/** As `userspace agent` does, but that it heals nothing: what is left shall be seen. */
const serve = ({ socket }: Serving) => {
  process.exitCode = 0
  return agent({ socket }).pipe(
    Effect.provide(
      faultyOver(BunEdges.layer.pipe(Layer.merge(AsyncFiles.layer()), Layer.merge(AsyncFiles.namespaces())))
    ),
    Effect.provide(Log.layer({ ...defaultLogOptions, level: "Info" }))
  )
}

if ("orders" in told) NodeRuntime.runMain(serve(told), { teardown: () => process.exit() })
else run(faultyOver(BunEdges.layer))
