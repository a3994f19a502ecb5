/**
 * A node of which only the edges are in memory: file system, sockets, programs, namespaces, API server. The switch's
 * database is spoken to through its socket, host-local through its process, both by the real layers.
 */
import { Effect, Layer, Predicate, Queue, Result, Schema } from "effect"
import type { Edges } from "../../../src/attachment/Services.ts"
import { Ipam } from "../../../src/ipam/Ipam.ts"
import * as IpamMemory from "../../../src/ipam/IpamMemory.ts"
import { changes, type Operation } from "../../../src/ovs/Operation.ts"
import * as OvsMemory from "../../../src/ovs/OvsMemory.ts"
import * as Splitter from "../../../src/ovs/Splitter.ts"
import { CurrentUser } from "../../../src/platform/CurrentUser.ts"
import * as FilesMemory from "../../../src/platform/FilesMemory.ts"
import { Https, type HttpsRequest, type HttpsResponse } from "../../../src/platform/Https.ts"
import { Namespaces } from "../../../src/platform/Namespaces.ts"
import { type Ended, ProcessError, Processes, type Run } from "../../../src/platform/Processes.ts"
import { Slots } from "../../../src/platform/Slots.ts"
import { type Connection, SocketError, Sockets } from "../../../src/platform/Sockets.ts"

export const database = "/var/run/openvswitch/db.sock"
export const netns = "/var/run/netns/c1"

export interface Node {
  readonly edges: Layer.Layer<Edges>
  readonly files: FilesMemory.MemoryFiles
  readonly ovs: OvsMemory.MemorySwitch
  /** Paths of network namespaces. */
  readonly sandboxes: Set<string>
  /** Transactions that came in by the socket. */
  readonly transactions: Array<ReadonlyArray<Operation>>
  /** Those of them that changed the database. */
  readonly committed: Array<ReadonlyArray<Operation>>
  readonly runs: Array<Run>
  /** Beside host-local, by path. */
  readonly programs: Map<string, (run: Run) => Effect.Effect<Ended>>
  readonly requests: Array<HttpsRequest>
  /** Undefined: the database answers. Else what connecting to it gives. */
  refusal: string | undefined
  api: (request: HttpsRequest) => HttpsResponse
  /** All that a call could have changed. */
  readonly state: () => unknown
}

/** As runtimes are, whoever runs the tests. */
export const asRoot = Layer.succeed(CurrentUser, { uid: 0, gids: [0] })

export const make = (): Node => {
  const files = new FilesMemory.MemoryFiles(["/run", "/var/run/openvswitch", "/var/lib/cni"])
  files.put("/opt/cni/bin/host-local", "file", "", 0o755)
  files.put("/etc/group", "file", "root:x:0:\nqemu:x:107:\n")
  const leases = new IpamMemory.MemoryLeases()
  const sandboxes = new Set([netns])
  const ovs = OvsMemory.make({
    peer: database,
    onSocket: (port, made) =>
      made ? files.put(`/var/run/openvswitch/${port}`, "socket") : files.remove(`/var/run/openvswitch/${port}`)
  })
  const node: Node = {
    edges: Layer.mergeAll(
      asRoot,
      FilesMemory.layer(files),
      Layer.succeed(
        Namespaces,
        Namespaces.of({ judge: (path) => Effect.succeed(sandboxes.has(path) ? "sandbox" : "missing") })
      ),
      Layer.succeed(Slots, Slots.of({ hold: () => Effect.succeed(true), freed: () => Effect.void })),
      Layer.succeed(Sockets, Sockets.of({ connect: (path) => connect(node, path) })),
      Layer.succeed(
        Processes,
        Processes.of({
          run: (run) => {
            const { program } = run
            if (((files.get(program)?.mode ?? 0) & 0o111) === 0) {
              return Effect.fail(new ProcessError({ program, code: "EACCES" }))
            }
            node.runs.push(run)
            return node.programs.get(program)?.(run) ?? hostLocal(leases, run)
          }
        })
      ),
      Layer.succeed(
        Https,
        Https.of({
          send: (request) =>
            Effect.sync(() => {
              node.requests.push(request)
              return node.api(request)
            })
        })
      )
    ),
    files,
    ovs,
    sandboxes,
    transactions: [],
    committed: [],
    runs: [],
    programs: new Map(),
    requests: [],
    refusal: undefined,
    api: () => ({ status: 404, retryAfter: undefined, body: "{}" }),
    state: () => [files.dump(), ovs.dump(), leases.dump()]
  }
  return node
}

const Request = Schema.fromJsonString(
  Schema.Struct({ id: Schema.Json, method: Schema.String, params: Schema.Array(Schema.Unknown) })
)
const decodeRequest = Schema.decodeUnknownSync(Request)

const isOperation = (value: unknown): value is Operation => Predicate.hasProperty(value, "op")

const connect = Effect.fnUntraced(function* (node: Node, path: string) {
  const refused = path === database ? node.refusal : "ENOENT"
  if (refused !== undefined) return yield* new SocketError({ path, code: refused, operation: "connect" })
  const replies = yield* Queue.unbounded<Uint8Array>()
  let splitter = Splitter.empty(1 << 20)
  const connection: Connection = {
    read: Queue.take(replies),
    write: Effect.fnUntraced(function* (bytes) {
      const split = Result.getOrThrow(Splitter.push(splitter, bytes))
      splitter = split.splitter
      for (const text of split.texts) {
        const { id, params } = decodeRequest(text)
        const operations = params.filter(isOperation)
        node.transactions.push(operations)
        yield* Effect.forkDetach(
          Effect.flatMap(answer(node, operations), (result) =>
            Queue.offer(replies, Buffer.from(JSON.stringify({ id, result, error: null })))
          )
        )
      }
    })
  }
  return connection
})

/** As it stands on the wire: one result an operation, and a failure in the place of its own. */
const answer = (
  { committed, ovs }: Node,
  operations: ReadonlyArray<Operation>
): Effect.Effect<ReadonlyArray<unknown>> =>
  Effect.match(ovs.transact(operations), {
    onFailure: ({ reason }) =>
      reason._tag === "Rejected" && typeof reason.at === "number"
        ? operations.map((_, index) => (index === reason.at ? { error: reason.error, details: reason.details } : null))
        : [{ error: reason._tag }],
    onSuccess: (results) => {
      if (changes(operations)) committed.push(operations)
      return results.map(({ count, rows, uuid }) => ({
        ...(rows === undefined ? {} : { rows }),
        ...(uuid === undefined ? {} : { uuid: ["uuid", uuid] }),
        ...(count === undefined ? {} : { count })
      }))
    }
  })

const hostLocal = (leases: IpamMemory.MemoryLeases, { env, program, stdin }: Run): Effect.Effect<Ended> => {
  if (program !== "/opt/cni/bin/host-local") return Effect.succeed({ status: 127, stdout: "", stderr: program })
  const delegation = { plugin: "host-local", configuration: stdin, variables: env, path: [] }
  const done = (stdout: unknown): Ended => ({ status: 0, stdout: JSON.stringify(stdout), stderr: "" })
  return Effect.flatMap(Ipam, (ipam) => {
    if (env["CNI_COMMAND"] === "ADD") {
      return Effect.map(ipam.add(delegation), (result) => done({ cniVersion: "1.0.0", ...result }))
    }
    const { check, del, gc, status } = ipam
    const call = { DEL: del, CHECK: check, GC: gc, STATUS: status }[env["CNI_COMMAND"] ?? ""] ?? check
    return Effect.as(call(delegation), done({}))
  }).pipe(
    Effect.provide(IpamMemory.layer(leases)),
    Effect.catch(({ reason }) => Effect.succeed({ status: 1, stdout: JSON.stringify(reason), stderr: "" }))
  )
}
