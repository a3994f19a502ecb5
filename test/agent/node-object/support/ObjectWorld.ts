/** A node in memory whose agent writes its object to an API server on a real connection. */
import { Effect, Layer, Logger, Option } from "effect"
import { TestClock } from "effect/testing"
import * as NodeObject from "../../../../src/agent/node-object/NodeObject.ts"
import { engineFor, services } from "../../../../src/app/Composition.ts"
import * as Switches from "../../../../src/attachment/node/Switches.ts"
import { decodeNode } from "../../../../src/kubernetes/UserspaceNode.ts"
import { turn } from "../../../../src/platform/Sockets.ts"
import * as MemoryNode from "../../../dry-run/support/MemoryNode.ts"
import { apiServer, nodeRights } from "../../../kubernetes/support/ApiServer.ts"
import { countedHttps } from "../../../kubernetes/support/CountedHttps.ts"
import { kubeconfigText } from "../../../kubernetes/support/KubeconfigText.ts"
import { encode } from "../../../kubernetes/support/PodStore.ts"
import { untilTrue } from "../../../support/Until.ts"

export const kubeconfig = "/etc/kubeconfig"
const variables = { CNI_PATH: "/opt/cni/bin" }

interface Running extends Effect.Success<ReturnType<typeof NodeObject.make>> {
  /** Time passes, an even number of seconds, and what is begun meanwhile ends. */
  readonly pass: (seconds: number) => Effect.Effect<void>
  readonly looks: () => number
}

export const objectWorld = Effect.gen(function* () {
  const node = MemoryNode.make()
  const server = yield* apiServer()
  server.tokens.set("letmein", "plugin")
  server.roles.set("plugin", nodeRights)
  server.nodes.nodes.set("n1", "uid-of-n1")
  node.files.put(kubeconfig, "file", kubeconfigText({ server: server.url, token: "letmein" }), 0o600)
  const log: Array<string> = []
  const logger = Logger.layer([
    Logger.make(({ logLevel, message }) => void log.push(`${logLevel} ${[message].flat().map(String).join(" ")}`))
  ])
  /** The requests of the agent, to know when they have ended. */
  const https = countedHttps()
  const edges = Layer.mergeAll(node.edges, https.layer, logger)
  let looks = 0
  const devices = Effect.sync(() => {
    looks++
    return []
  })
  /** Lets looks and requests that have begun end. */
  const rest = Effect.suspend(() => {
    let before = ""
    let quiet = 0
    const isQuiet = () => {
      const { begun, running } = https.count
      const now = `${looks} ${begun} ${running}`
      quiet = before === now && running === 0 ? quiet + 1 : 0
      before = now
      return quiet > 50
    }
    return Effect.repeat(turn, { until: isQuiet })
  })
  /** In steps shorter than the deadline of a request, whose answer takes no time of this clock. */
  const pass = (seconds: number) =>
    Effect.asVoid(Effect.repeat(Effect.andThen(TestClock.adjust("2 seconds"), rest), { times: seconds / 2 - 1 }))
  return {
    node,
    server,
    edges,
    log,
    /** `GET /n1 200`, since it was last called. */
    requests: () =>
      server.asked
        .splice(0)
        .map(({ method, path, status }) => `${method} ${path.replace(/^.*userspacenodes/, "")} ${status}`),
    status: () => {
      const object = server.nodes.objects.get("n1")
      return object === undefined ? undefined : Option.getOrThrow(decodeNode(encode(object))).status
    },
    /** An agent, after its first look. */
    agent: <A, E>(self: (agent: Running) => Effect.Effect<A, E>) =>
      Effect.gen(function* () {
        const switches = yield* Switches.make(engineFor)
        const before = looks
        const made = yield* NodeObject.make({ name: "n1", kubeconfig, switches, variables, devices })
        // The first look loads what it needs, which no clock of a test waits for.
        yield* TestClock.withLive(untilTrue("the first look", () => looks > before, { every: "1 millis" }))
        yield* rest
        return yield* self({ ...made, pass, looks: () => looks })
      }).pipe(Effect.scoped, Effect.provide(services("/var/lib/cni/usrspcni")), Effect.provide(edges))
  }
})
