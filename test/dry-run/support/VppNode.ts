/** A private directory with a VPP in TypeScript in it, real files and sockets, and calls on it: real, and rehearsed. */
import * as fs from "node:fs"
import { Effect, Layer, Logger } from "effect"
import { serve } from "../../../src/cni/Main.ts"
import { rehearse } from "../../../src/dry-run/Rehearsal.ts"
import { Files } from "../../../src/platform/Files.ts"
import { Https } from "../../../src/platform/Https.ts"
import { Namespaces } from "../../../src/platform/Namespaces.ts"
import * as NodeSlots from "../../../src/platform/NodeSlots.ts"
import * as NodeSockets from "../../../src/platform/NodeSockets.ts"
import { Processes } from "../../../src/platform/Processes.ts"
import type { Release } from "../../vpp/server/Release.ts"
import { start } from "../../vpp/server/VppServer.ts"
import { temporaryDirectory } from "../../vpp/support/TestVpp.ts"
import type { Conf, Verb } from "./Calls.ts"
import { variables } from "./Calls.ts"
import { netns } from "./MemoryNode.ts"

const edges = Layer.mergeAll(
  Files.layer,
  NodeSlots.layer,
  NodeSockets.layer,
  Layer.succeed(Https, Https.of({ send: ({ url }) => Effect.die(new Error(`${url} was asked`)) })),
  Layer.succeed(Namespaces, Namespaces.of({ judge: (path) => Effect.succeed(path === netns ? "sandbox" : "missing") })),
  Layer.succeed(Processes, Processes.of({ run: ({ program }) => Effect.die(new Error(`${program} was run`)) }))
)

export const make = Effect.fnUntraced(function* (release: Release = "26.06") {
  const directory = yield* temporaryDirectory
  const server = yield* start({ path: `${directory}/api.sock`, release })
  fs.writeFileSync(`${directory}/host-local`, "", { mode: 0o755 })
  const heard: Array<{ readonly name: string; readonly raw: Buffer }> = []
  server.intercept = (name, raw) => {
    if (!/dump|ping|show/.test(name)) heard.push({ name, raw: Buffer.from(raw) })
    return undefined
  }
  const environment = { ...variables, CNI_PATH: directory }
  const whole = (host: Conf, more: Conf) =>
    JSON.stringify({
      cniVersion: "1.1.0",
      name: "net-v",
      type: "userspace",
      sharedDir: `${directory}/shared`,
      stateDir: `${directory}/state`,
      host: { engine: "vpp", iftype: "memif", netType: "bridge", socket: server.path, ...host },
      ...more
    })
  const below = (path: string): ReadonlyArray<string> =>
    fs
      .readdirSync(path, { recursive: true, encoding: "utf8" })
      .filter((name) => !/attachments\/new/.test(name))
      .sort()
  return {
    directory,
    server,
    /** What VPP was asked to change. */
    heard,
    state: () => {
      const { domains, interfaces, routes, sockets } = server.state
      const rows = [...interfaces.values()].map(({ memif: _, vhost: __, ...row }) => row)
      const ids = [...sockets.values()].map(({ id, path }) => ({ id, path }))
      return JSON.stringify([rows, ids, [...domains.values()], [...routes.values()], below(directory)])
    },
    real: (verb: Verb, host: Conf = {}, more: Conf = {}) =>
      Effect.provide(serve(verb, environment, whole(host, more)), [edges, Logger.layer([])]),
    dry: (verb: Verb, host: Conf = {}, more: Conf = {}) =>
      Effect.provide(rehearse({ verb, variables: environment, text: whole(host, more), assumeSandbox: false }), edges)
  }
})

export type VppNode = Effect.Success<ReturnType<typeof make>>
