/**
 * The command line of the executable, for which waiting takes a tenth of the time: a minute is six seconds. Dates are
 * real, and so are the deadlines of switches and of the API server, which other processes have to meet.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Clock, Duration, Effect, Layer } from "effect"
import { commandLine } from "../../../src/cli/CommandLine.ts"
import { KubernetesDeadlines } from "../../../src/kubernetes/ApiServer.ts"
import { OvsDeadlines } from "../../../src/ovs/client/JsonRpc.ts"
import * as BunEdges from "../../../src/platform/bun/BunEdges.ts"
import { Deadlines } from "../../../src/program/Step.ts"
import { VppDeadlines } from "../../../src/vpp/client/Session.ts"

const times = 10

const hurried = (real: Clock.Clock): Clock.Clock => ({
  currentTimeMillisUnsafe: () => real.currentTimeMillisUnsafe(),
  currentTimeMillis: real.currentTimeMillis,
  currentTimeNanosUnsafe: () => real.currentTimeNanosUnsafe(),
  currentTimeNanos: real.currentTimeNanos,
  monotonicTimeNanosUnsafe: () => real.monotonicTimeNanosUnsafe() * BigInt(times),
  monotonicTimeNanos: Effect.map(real.monotonicTimeNanos, (nanos) => nanos * BigInt(times)),
  sleep: (duration) => real.sleep(Duration.millis(Duration.toMillis(duration) / times))
})

const longer = (of: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(of).map(([name, wait]) => [name, wait * times]))

const commands = commandLine(process.argv.slice(2), process.env).pipe(
  Effect.updateService(KubernetesDeadlines, (waits) => ({ ...waits, ...longer({ ...waits }) })),
  Effect.updateService(Deadlines, (waits) => ({ ...waits, ...longer({ ...waits }) })),
  Effect.updateService(VppDeadlines, (waits) => ({ ...waits, ...longer({ ...waits }) })),
  Effect.updateService(OvsDeadlines, ({ apply, connect, reply, withdraw }) => ({
    apply: Duration.times(apply, times),
    connect: Duration.times(connect, times),
    reply: Duration.times(reply, times),
    withdraw: Duration.times(withdraw, times)
  })),
  Effect.updateService(Clock.Clock, hurried),
  Effect.provide(Layer.merge(BunEdges.layer, NodeServices.layer))
)

NodeRuntime.runMain(commands, {
  disableErrorReporting: true,
  teardown: (exit) => process.exit(process.exitCode ?? (exit._tag === "Success" ? 0 : 1))
})
