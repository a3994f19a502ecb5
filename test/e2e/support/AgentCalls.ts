/** What the tests of calls that are cut off do with a node: hold its switch still, watch for a port, call the agent. */
import { createServer, type RequestListener } from "node:http"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { until } from "../../support/Until.ts"
import { type Agent, agent, handedTo } from "./Agent.ts"
import { busyBridge } from "./BusyBridge.ts"
import { CniNode, type Sandbox } from "./CniNode.ts"
import * as Plugin from "./Plugin.ts"
import { look, lookOnce, returnsTo, type World } from "./World.ts"

export { busyBridge }

/** On the node, while its switch may be stopped. */
export const untilThere = (what: string, there: (world: World) => boolean) =>
  Effect.flatMap(CniNode, ({ watched }) => until(what, lookOnce(watched), there, { every: "10 millis" }))

export const portOf = (containerId: string) => (world: World) =>
  Object.values(world.tables).some((columns) => JSON.stringify(columns).includes(containerId))

/** ovs-vswitchd continues when the scope ends. */
export const stopped = Effect.gen(function* () {
  const { ovs } = yield* CniNode
  const pid = yield* ovs.vswitchdPid
  yield* Effect.acquireRelease(
    Effect.sync(() => process.kill(pid, "SIGSTOP")),
    () => Effect.sync(() => process.kill(pid, "SIGCONT"))
  )
})

export const socketOf = Effect.map(CniNode, ({ directory }) => `${directory}/agent/agent.sock`)
export const started = Effect.flatMap(socketOf, (socket) => agent(socket))

export const callBy = (socket: string) => {
  const more = { environment: handedTo(socket) }
  return {
    call: (verb: Plugin.Verb, of: Sandbox, network?: object) =>
      Effect.flatMap(CniNode, (node) => node.call(verb, of, network ?? node.network, more)),
    begin: (verb: Plugin.Verb, of: Sandbox, network?: object) =>
      Effect.flatMap(CniNode, (node) => Plugin.begin(node.called(verb, of, network ?? node.network, more)))
  }
}

/** An ADD through the agent that waits for the switch until `meanwhile` is over. */
export const addDuring = <A, E, R>(served: Agent, sandbox: Sandbox, meanwhile: Effect.Effect<A, E, R>) =>
  Effect.scoped(
    Effect.gen(function* () {
      yield* stopped
      const add = yield* Effect.forkChild(callBy(served.socket).call("ADD", sandbox), { startImmediately: true })
      yield* untilThere("port", portOf(sandbox.containerId))
      yield* meanwhile
      return add
    })
  )

/** Another server on the agent's socket, or answers of an agent of another release. */
export const impostor = (socket: string, listener: RequestListener) =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = createServer().on("checkContinue", listener).on("request", listener)
      server.listen(socket, () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.sync(() => {
        server.closeAllConnections()
        server.close()
      })
  )

export const wholeLife = Effect.fnUntraced(function* (socket: string) {
  const node = yield* CniNode
  const { call } = callBy(socket)
  const sandbox = yield* node.sandbox
  const before = yield* look(node.watched)
  const result = yield* Plugin.resultOf(yield* call("ADD", sandbox))
  assert.strictEqual(result.interfaces[0]?.sandbox, sandbox.netns)
  Plugin.well(yield* call("CHECK", sandbox, { ...node.network, prevResult: result }))
  Plugin.well(yield* call("DEL", sandbox))
  yield* returnsTo(node.watched, before)
})
