/**
 * A VPP in TypeScript on a node in memory: without a socket and without delay, so that a call takes the same steps each
 * time, also with the test's clock; its sockets are files of the node. An administrator has configured some of it.
 */
import { dirname } from "node:path"
import { Cause, Effect, Queue } from "effect"
import { type Connection, SocketError } from "../../../src/platform/Sockets.ts"
import type { MemoryFiles } from "../../platform/support/FilesMemory.ts"
import type { Disk } from "../model/VppModel.ts"
import { knowledge } from "../server/Knowledge.ts"
import type { Peer } from "../server/Peer.ts"
import { type Counted, ofModel } from "../server/StatsSegment.ts"
import { VppServer } from "../server/VppServer.ts"

/** A bridge domain that is an administrator's, with an interface of theirs in it. */
export const administered = 9

const administrate = ({ model }: VppServer): void => {
  const tag = "an administrator's"
  model.addDomain(administered, { bd_tag: tag })
  const row = { interface_name: `memif0/${administered}`, interface_dev_type: "memif", l2_address: "02:fe:00:00:00:09" }
  model.add({ ...row, tag }, { memif: { id: administered, role: "master" } }).domain = administered
}

export const make = (path: string, files: MemoryFiles) => {
  const listening = new Set<string>()
  const disk: Disk = {
    kind: (at) => {
      const there = files.get(at)
      return there === undefined ? undefined : there.kind === "socket" ? "socket" : "other"
    },
    makeDirectory: (at) => files.put(at, "directory"),
    remove: (at) => files.remove(at),
    listen: (at, mode) => {
      if (files.get(dirname(at))?.kind !== "directory") return undefined
      files.put(at, "socket", "", mode)
      listening.add(at)
      return { close: () => listening.delete(at) }
    },
    isListening: (at) => listening.has(at)
  }
  const server = new VppServer({ path, disk })
  // It started an hour before the test's clock, so it has read its startup file.
  files.put(path, "socket", "", 0o775, 0, -3_600_000)
  administrate(server)

  const counts = new Map<string, Counted>()
  return {
    path,
    server,
    /** What its interfaces have counted, by their names. */
    counts,
    /** Of its stats segment. */
    get stats() {
      return ofModel(server.model, counts)
    },
    isListening: disk.isListening,
    connect: Effect.acquireRelease(dial(server), ({ hangUp }) => hangUp),
    /** SIGKILL and a start: it has what the administrator wrote into its configuration. */
    restart: (): void => {
      server.forget()
      administrate(server)
    },
    /** Its whole state: equal dumps are equal VPPs. */
    dump: (): ReadonlyArray<string> => knowledge(server)
  }
}

export type MemoryVpp = ReturnType<typeof make>

interface Dialled extends Connection {
  readonly hangUp: Effect.Effect<void>
}

const dial = Effect.fnUntraced(function* (server: VppServer) {
  const { path } = server
  const heard = yield* Queue.unbounded<Uint8Array, SocketError>()
  const closed = Cause.fail(new SocketError({ path, code: "Closed", operation: "read" }))
  let destroyed = false
  const destroy = () => {
    if (destroyed) return
    destroyed = true
    says.gone()
    Queue.failCauseUnsafe(heard, closed)
  }
  const peer: Peer = {
    get destroyed() {
      return destroyed
    },
    write: (bytes) => Queue.offerUnsafe(heard, bytes),
    end: (bytes) => {
      Queue.offerUnsafe(heard, bytes)
      destroy()
    },
    destroy
  }
  const says = server.welcome(peer)
  const dialled: Dialled = {
    hangUp: Effect.sync(destroy),
    read: Queue.take(heard),
    write: (bytes) =>
      Effect.suspend(() => {
        if (destroyed) return Effect.fail(new SocketError({ path, code: "EPIPE", operation: "write" }))
        says.bytes(Buffer.from(bytes))
        return Effect.void
      })
  }
  return dialled
})
