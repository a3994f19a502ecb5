/**
 * A node with the VPP of the tests, which serves the binary API on a socket: the real programs connect to it. For root
 * it is the first of `VPP_PREFIX`. Files and sockets are real ones below a temporary directory, which stands for `/`.
 */
import * as fs from "node:fs"
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Files } from "../../src/platform/Files.ts"
import { Sockets } from "../../src/platform/Sockets.ts"
import type { Session } from "../../src/vpp/client/Session.ts"
import { VppClient } from "../../src/vpp/client/VppClient.ts"
import * as Interfaces from "../../src/vpp/interfaces/Interfaces.ts"
import { bridgeDomainDump } from "../../src/vpp/messages/BridgeDomain.ts"
import { every } from "../../src/vpp/messages/Control.ts"
import { adminUp } from "../../src/vpp/messages/Interface.ts"
import { memifDump } from "../../src/vpp/messages/Ports.ts"
import { missing, vppPrefixes } from "../../test/e2e/support/Machine.ts"
import { instance } from "../../test/e2e/support/VppInstance.ts"
import * as IpamMemory from "../../test/ipam/support/IpamMemory.ts"
import * as NodeSlots from "../../test/platform/support/node/NodeSlots.ts"
import * as NodeSockets from "../../test/platform/support/node/NodeSockets.ts"
import { start } from "../../test/vpp/server/VppServer.ts"
import type { Tree } from "./Show.ts"
import { caller, othersOver, type World } from "./World.ts"

const apiSocket = "/run/vpp/api.sock"

const [prefix] = missing(["root", "vpp"]).length === 0 ? vppPrefixes : []

export const which =
  prefix === undefined ? "one in TypeScript with the real API on a socket (no root needed)" : `that of ${prefix}`

/**
 * A real one sees the directory of the sockets where the plugin does. A hard link, because the plugin would follow another
 * one below `root`.
 */
const vpp = (root: string) =>
  prefix === undefined
    ? start({ path: `${root}${apiSocket}`, root })
    : Effect.map(
        instance(prefix, undefined, [
          ...["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /var/run && exec "$@"', `${root}/var/run`]
        ]),
        ({ api }) => fs.linkSync(api, `${root}${apiSocket}`)
      )

export const make = Effect.gen(function* () {
  const root = yield* Effect.acquireRelease(
    Effect.sync(() => fs.mkdtempSync("/tmp/demo-")),
    (path) => Effect.sync(() => fs.rmSync(path, { recursive: true, force: true }))
  )
  for (const directory of ["run/vpp", "var/run", "var/lib/cni"])
    fs.mkdirSync(`${root}/${directory}`, { recursive: true })
  yield* vpp(root)
  fs.mkdirSync(`${root}${dirname(IpamMemory.program)}`, { recursive: true })
  fs.writeFileSync(`${root}${IpamMemory.program}`, "", { mode: 0o755 })
  const leases = new IpamMemory.MemoryLeases()
  const below = Layer.mergeAll(
    Layer.provide(filesBelow(root), Files.layer),
    Layer.provide(socketsBelow(root), NodeSockets.layer)
  )
  const edges = Layer.mergeAll(othersOver(leases), NodeSlots.layer, below)
  const client = Layer.provide(VppClient.layer(apiSocket), edges)
  const files = tree(root)
  const switchLines = Effect.flatMap(VppClient, ({ open }) => Effect.scoped(Effect.flatMap(open, lines))).pipe(
    Effect.provide(client)
  )
  const world: World = {
    ...caller(edges),
    files,
    // The empty directory for unfinished records comes and goes.
    state: Effect.map(switchLines, (shown) => {
      const kept = fs
        .readdirSync(root, { recursive: true, encoding: "utf8" })
        .filter((name) => !/attachments\/new/.test(name))
      return JSON.stringify([shown, kept.sort(), leases.dump()])
    }),
    switchLines
  }
  return world
})

export const filesBelow = (root: string) =>
  Layer.effect(
    Files,
    Effect.map(Files, (real) =>
      Files.of({
        pin: (directory) => real.pin(root + directory),
        hold: (path) => real.hold(root + path),
        lstat: (path) => real.lstat(root + path),
        read: (path, limit) => real.read(root + path, limit),
        list: (path) => real.list(root + path),
        writable: (path) => real.writable(root + path),
        makeDirectory: (path, mode) => real.makeDirectory(root + path, mode),
        removeDirectory: (path) => real.removeDirectory(root + path),
        create: (path, content, mode, gid) => real.create(root + path, content, mode, gid),
        sync: (path) => real.sync(root + path),
        rename: (from, to) => real.rename(root + from, root + to),
        link: (from, to) => real.link(root + from, root + to),
        symlink: (target, path) => real.symlink(target, root + path),
        readLink: (path) => real.readLink(root + path),
        unlink: (path) => real.unlink(root + path),
        change: (path, kind, change) => real.change(root + path, kind, change)
      })
    )
  )

export const socketsBelow = (root: string) =>
  Layer.effect(
    Sockets,
    Effect.map(Sockets, (real) => Sockets.of({ connect: (path) => real.connect(root + path) }))
  )

const tree = (root: string): Tree => ({
  get: (path) => {
    const stats = fs.lstatSync(root + path, { throwIfNoEntry: false })
    if (stats === undefined) return undefined
    const kind = stats.isDirectory() ? "directory" : stats.isSocket() ? "socket" : "file"
    return { kind, mode: stats.mode & 0o7777, content: kind === "file" ? fs.readFileSync(root + path, "utf8") : "" }
  },
  names: (path) => (fs.lstatSync(root + path).isDirectory() ? fs.readdirSync(root + path).sort() : [])
})

/** Everything except VPP's own `local0` and socket: `vppctl show interface`, `show memif`, `show bridge-domain`. */
const lines = Effect.fnUntraced(function* (session: Session) {
  const interfaces = yield* Interfaces.all(session)
  const sockets = yield* Interfaces.memifSockets(session)
  const memifs = yield* session.dump(memifDump, {})
  const domains = yield* session.dump(bridgeDomainDump, { bd_id: every, sw_if_index: every })
  const nameOf = (index: number) => interfaces.find((one) => one.sw_if_index === index)?.interface_name ?? `${index}`
  return [
    ...interfaces
      .filter(({ sw_if_index }) => sw_if_index !== 0)
      .flatMap(({ flags, interface_name, mtu, sw_if_index, tag }) => [
        `interface ${interface_name} ${(flags & adminUp) === 0 ? "down" : "up"}, mtu ${mtu[0]}`,
        `    tag: ${tag}`,
        ...memifs
          .filter((memif) => memif.sw_if_index === sw_if_index)
          .map(({ mode, role, socket_id }) => `    memif: ${role}, mode ${mode}, socket-id ${socket_id}`)
      ]),
    ...[...sockets].filter(([id]) => id !== 0).map(([id, path]) => `memif socket ${id} ${path}`),
    ...domains
      .filter(({ bd_id }) => bd_id !== 0)
      .flatMap(({ bd_id, bd_tag, sw_if_details }) => [
        `bridge-domain ${bd_id}`,
        `    tag: ${bd_tag}`,
        ...sw_if_details.map(({ sw_if_index }) => `    member: ${nameOf(sw_if_index)}`)
      ])
  ]
})
