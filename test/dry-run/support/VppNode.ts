/** A private directory with a VPP in TypeScript, real files and sockets, and calls on it: real ones and dry runs. */

import * as fs from "node:fs"
import { Effect, Layer, Logger } from "effect"
import { serve } from "../../../src/app/CniCall.ts"
import { readRequest } from "../../../src/cni/Request.ts"
import { dryRun } from "../../../src/dry-run/DryRun.ts"
import { Files } from "../../../src/platform/Files.ts"
import { Https } from "../../../src/platform/Https.ts"
import { Namespaces } from "../../../src/platform/Namespaces.ts"
import { Processes } from "../../../src/platform/Processes.ts"
import * as NodeSlots from "../../platform/support/node/NodeSlots.ts"
import * as NodeSockets from "../../platform/support/node/NodeSockets.ts"
import { withPolicers } from "../../vpp/server/Policers.ts"
import type { Release } from "../../vpp/server/Release.ts"
import { start } from "../../vpp/server/VppServer.ts"
import { temporaryDirectory } from "../../vpp/support/TestVpp.ts"
import { type Conf, type Verb, variables } from "./Calls.ts"
import { asRoot, netns } from "./MemoryNode.ts"

export const edges = Layer.mergeAll(
  asRoot,
  Files.layer,
  NodeSlots.layer,
  NodeSockets.layer,
  Layer.succeed(Https, Https.of({ send: ({ url }) => Effect.die(new Error(`${url} was asked`)) })),
  Layer.succeed(Namespaces, Namespaces.of({ judge: (path) => Effect.succeed(path === netns ? "sandbox" : "missing") })),
  Layer.succeed(Processes, Processes.of({ run: ({ program }) => Effect.die(new Error(`${program} was run`)) }))
)

/** With records, files and an IPAM plugin's directory below a directory. */
export const callsOn = (directory: string, socket: string) => {
  fs.writeFileSync(`${directory}/host-local`, "", { mode: 0o755 })
  const environment = { ...variables, CNI_PATH: directory }
  const whole = (host: Conf, more: Conf) =>
    JSON.stringify({
      cniVersion: "1.1.0",
      name: "net-v",
      type: "userspace",
      sharedDir: `${directory}/shared`,
      stateDir: `${directory}/state`,
      host: { engine: "vpp", iftype: "memif", netType: "bridge", socket, ...host },
      ...more
    })
  return {
    real: (verb: Verb, host: Conf = {}, more: Conf = {}) =>
      Effect.provide(serve(readRequest({ ...environment, CNI_COMMAND: verb }, whole(host, more))), [
        edges,
        Logger.layer([])
      ]),
    dry: (verb: Verb, host: Conf = {}, more: Conf = {}) =>
      Effect.provide(dryRun({ verb, variables: environment, text: whole(host, more), assumeSandbox: false }), edges)
  }
}

export const make = Effect.fnUntraced(function* (release: Release = "26.06", policers = false) {
  const directory = yield* temporaryDirectory
  const server = yield* start({
    path: `${directory}/api.sock`,
    release,
    table: (names) => (policers ? withPolicers(names) : names)
  })
  const heard: Array<{ readonly name: string; readonly raw: Buffer }> = []
  server.intercept = (name, raw) => {
    if (!/dump|ping|show/.test(name)) heard.push({ name, raw: Buffer.from(raw) })
    return undefined
  }
  const below = (path: string): ReadonlyArray<string> =>
    fs.readdirSync(path, { recursive: true, encoding: "utf8" }).sort()
  return {
    ...callsOn(directory, server.path),
    directory,
    server,
    /** The changes that VPP received. */
    heard,
    state: () => {
      const { domains, interfaces, policers, routes, sockets } = server.model
      const rows = [...interfaces.values()].map(({ memif: _, vhost: __, ...one }) => one)
      const ids = [...sockets.values()].map(({ id, path }) => ({ id, path }))
      const others = [...domains.values(), ...routes.values(), ...policers.values()]
      return JSON.stringify([rows, ids, others, below(directory)])
    }
  }
})

export type VppNode = Effect.Success<ReturnType<typeof make>>

const bridge = (more: Conf = {}) => ({ memif: { role: "master" }, bridge: { bridgeName: "4", ...more } })

/** The options of the host's end. */
export const hosts: ReadonlyArray<readonly [string, Conf]> = [
  ["memif in a bridge domain", bridge()],
  ["memif in a VLAN, with an MTU", { ...bridge({ vlanId: 7 }), mtu: 1500 }],
  [
    "memif with all that can be said",
    {
      ...bridge(),
      mac: "02:aa:00:00:00:01",
      memif: {
        role: "slave",
        rxQueues: 2,
        txQueues: 2,
        ringSize: 512,
        bufferSize: 4096,
        secret: "hush",
        noZeroCopy: true
      }
    }
  ],
  ["memif in mode ip, alone", { netType: "none", mtu: 1400, memif: { role: "master", mode: "ip" } }],
  [
    "vhost-user, server",
    { iftype: "vhostuser", vhost: { mode: "server", enableGso: true }, bridge: { bridgeName: "4" } }
  ],
  ["vhost-user, client, with an MTU", { iftype: "vhostuser", netType: "none", mtu: 1500, vhost: { mode: "client" } }]
]
