/** On real files and sockets: what may be removed from a path, and what is in the way. */
import { lstatSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { PortPlan } from "../../../src/ovs/client/PortPlan.ts"
import * as SocketDirectory from "../../../src/ovs/ports/SocketDirectory.ts"
import { Files } from "../../../src/platform/Files.ts"
import { Sockets } from "../../../src/platform/Sockets.ts"
import * as NodeSockets from "../../platform/support/node/NodeSockets.ts"

const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(`${tmpdir()}/place-`)),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const place = Effect.gen(function* () {
  return SocketDirectory.make(yield* Files, yield* Sockets)
}).pipe(Effect.provide([Files.layer, NodeSockets.layer]))

const listening = (path: string) =>
  Effect.acquireRelease(
    Effect.callback<Net.Server>((resume) => {
      const server = Net.createServer((socket) => socket.destroy())
      server.listen(path, () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  )

/** What a killed process leaves: `close` would remove it. */
const left = Effect.fnUntraced(function* (path: string) {
  yield* Effect.scoped(
    Effect.andThen(
      listening(`${path}.live`),
      Effect.sync(() => renameSync(`${path}.live`, path))
    )
  )
})

const at = (socket: string, type: PortPlan["type"] = "dpdkvhostuser") => ({ socket, type })

describe("SocketDirectory", () => {
  it.live("removes a socket on which nobody listens, and nothing else", () =>
    Effect.gen(function* () {
      const root = yield* directory
      const { clear } = yield* place
      yield* left(`${root}/left`)
      assert.isTrue(yield* clear(`${root}/left`))
      assert.isFalse(yield* clear(`${root}/left`))
      yield* listening(`${root}/heard`)
      writeFileSync(`${root}/file`, "")
      mkdirSync(`${root}/directory`)
      yield* left(`${root}/target`)
      symlinkSync(`${root}/target`, `${root}/link`)
      for (const name of ["heard", "file", "directory", "link"]) {
        assert.isFalse(yield* clear(`${root}/${name}`), name)
        assert.isDefined(lstatSync(`${root}/${name}`, { throwIfNoEntry: false }), name)
      }
    })
  )

  it.live("accepts a directory, or a link to one", () =>
    Effect.gen(function* () {
      const root = yield* directory
      const { directoryProblem } = yield* place
      mkdirSync(`${root}/real`)
      writeFileSync(`${root}/file`, "")
      symlinkSync("real", `${root}/link`)
      symlinkSync("gone", `${root}/dangling`)
      symlinkSync(`${root}/link`, `${root}/again`)
      symlinkSync(`${root}/round`, `${root}/round`)
      assert.isDefined(yield* directoryProblem(at(`${root}/round/s`)))
      for (const name of ["real", "link", "again"])
        assert.isUndefined(yield* directoryProblem(at(`${root}/${name}/s`)), name)
      for (const name of ["gone", "file", "dangling", "file/below"]) {
        assert.isDefined(yield* directoryProblem(at(`${root}/${name}/s`)), name)
      }
    })
  )

  it.live("in server mode the socket must be at the expected path when the port is created", () =>
    Effect.gen(function* () {
      const root = yield* directory
      const { madeProblem } = yield* place
      yield* left(`${root}/made`)
      writeFileSync(`${root}/file`, "")
      assert.isUndefined(yield* madeProblem(at(`${root}/made`)))
      for (const name of ["file", "gone"]) {
        assert.include((yield* madeProblem(at(`${root}/${name}`)))?.cure, "Set OVS_SOCKDIR", name)
        assert.isUndefined(yield* madeProblem(at(`${root}/${name}`, "dpdkvhostuserclient")), name)
      }
    })
  )

  it.live("in server mode the path must be free or a socket; in client mode it is the application's", () =>
    Effect.gen(function* () {
      const root = yield* directory
      const { serverProblem } = yield* place
      yield* left(`${root}/left`)
      writeFileSync(`${root}/file`, "")
      symlinkSync("left", `${root}/link`)
      for (const name of ["free", "left"]) assert.isUndefined(yield* serverProblem(at(`${root}/${name}`)), name)
      for (const [name, kind] of [
        ["file", "file"],
        ["link", "symlink"],
        ["", "directory"]
      ]) {
        assert.include((yield* serverProblem(at(`${root}/${name}`)))?.answer, `a ${kind} exists at ${root}`)
      }
      assert.isUndefined(yield* serverProblem(at(`${root}/file`, "dpdkvhostuserclient")))
    })
  )
})
