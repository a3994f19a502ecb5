/**
 * A node whose edges are in memory: file system, sockets, programs, namespaces, API server. It shows the requests to
 * them.
 */
import { Effect, Layer } from "effect"
import { changes, type Operation } from "../../../src/ovs/client/OvsdbMessages.ts"
import type { Edges } from "../../../src/platform/Edges.ts"
import { Https, type HttpsRequest, type HttpsResponse } from "../../../src/platform/Https.ts"
import { Namespaces } from "../../../src/platform/Namespaces.ts"
import { type Ended, ProcessError, Processes, type Run } from "../../../src/platform/Processes.ts"
import { CurrentUser } from "../../../src/platform/process/CurrentUser.ts"
import { Slots, SocketError, Sockets } from "../../../src/platform/Sockets.ts"
import * as IpamMemory from "../../ipam/support/IpamMemory.ts"
import * as OvsMemory from "../../ovs/support/OvsMemory.ts"
import * as FilesMemory from "../../platform/support/FilesMemory.ts"

export const database = "/var/run/openvswitch/db.sock"
export const netns = "/var/run/netns/c1"

export interface Node {
  readonly edges: Layer.Layer<Edges>
  readonly files: FilesMemory.MemoryFiles
  readonly ovs: OvsMemory.MemorySwitch
  /** Paths of network namespaces. */
  readonly sandboxes: Set<string>
  /** Transactions received on the socket. */
  readonly transactions: Array<ReadonlyArray<Operation>>
  /** Those of them that changed the database. */
  readonly committed: Array<ReadonlyArray<Operation>>
  readonly runs: Array<Run>
  /** Programs besides host-local, by path. */
  readonly programs: Map<string, (run: Run) => Effect.Effect<Ended>>
  readonly requests: Array<HttpsRequest>
  /** Undefined: the database answers. Otherwise the error of a connection to it. */
  refusal: string | undefined
  /** How often. */
  refused: number
  api: (request: HttpsRequest) => HttpsResponse
  /** Everything that a call could have changed. */
  readonly state: () => unknown
}

/** The environment of a runtime, for any user of the tests. */
export const asRoot = Layer.succeed(CurrentUser, { uid: 0, gids: [0] })

export const make = (): Node => {
  const files = new FilesMemory.MemoryFiles(["/run", "/var/run/openvswitch", "/var/lib/cni"])
  files.put(IpamMemory.program, "file", "", 0o755)
  files.put("/etc/group", "file", "root:x:0:\nqemu:x:107:\n")
  const leases = new IpamMemory.MemoryLeases()
  const sandboxes = new Set([netns])
  const ovs = OvsMemory.make({
    peer: database,
    onSocket: (port, made) =>
      made ? files.put(`/var/run/openvswitch/${port}`, "socket") : files.remove(`/var/run/openvswitch/${port}`),
    onTransaction: (operations, done) => {
      node.transactions.push(operations)
      if (done && changes(operations)) node.committed.push(operations)
    }
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
      Layer.succeed(
        Sockets,
        Sockets.of({
          connect: (path) =>
            path === database && node.refusal !== undefined
              ? Effect.fail(new SocketError({ path, code: node.refusal, operation: "connect" })).pipe(
                  Effect.tapError(() => Effect.sync(() => node.refused++))
                )
              : ovs.connect(path)
        })
      ),
      Layer.succeed(
        Processes,
        Processes.of({
          run: (run) => {
            const { program } = run
            if (((files.get(program)?.mode ?? 0) & 0o111) === 0) {
              return Effect.fail(new ProcessError({ program, code: "EACCES" }))
            }
            node.runs.push(run)
            return (
              node.programs.get(program)?.(run) ??
              Effect.sync(() =>
                program === IpamMemory.program
                  ? IpamMemory.hostLocal(leases, run)
                  : { status: 127, stdout: "", stderr: program }
              )
            )
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
    refused: 0,
    api: () => ({ status: 404, retryAfter: undefined, body: "{}" }),
    state: () => [files.dump(), ovs.dump(), leases.dump()]
  }
  return node
}
