/**
 * Whether ovs-vswitchd is alive. The database cannot tell, because it keeps the state of a dead one. The control socket
 * can (ovs-vswitchd(8), --unixctl; the same JSON-RPC as the database). It is found by the pidfile beside the database's
 * socket; without a pidfile, because the run directory is elsewhere, nothing is reported.
 */
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import { ErrorCodes } from "../../cni/types/CniError.ts"
import { type FileStatus, type Files, orElse } from "../../platform/Files.ts"
import type { Sockets } from "../../platform/Sockets.ts"
import type { PortError } from "../../vswitch/Vswitch.ts"
import * as JsonRpc from "./JsonRpc.ts"
import { Unreachable } from "./OvsdbError.ts"

/** Returns the control socket beside the database's, or undefined. */
export const controlIn = (files: Files["Service"], directory: string) =>
  Effect.gen(function* () {
    const written = (yield* orElse("ENOENT", "")(files.read(`${directory}/ovs-vswitchd.pid`, 32))).trim()
    const own = /^\d+$/.test(written) ? [`${directory}/ovs-vswitchd.${written}.ctl`] : []
    for (const path of [...own, `${directory}/ovs-vswitchd.ctl`]) {
      const found = yield* files.lstat(path)
      if (found?.kind === "socket") return path
    }
    return undefined
  })

export const make = (files: Files["Service"], sockets: Sockets["Service"], database: string) => {
  const directory = dirname(database)

  const ask = Effect.fnUntraced(function* (path: string) {
    const { reply } = yield* JsonRpc.OvsDeadlines
    const rpc = yield* JsonRpc.dial(sockets, path, () => new Unreachable({ code: "TimeoutError" }))
    yield* rpc.call("version", [], reply)
  }, Effect.scoped)

  /** The node does not record when it ended. It was alive when it wrote its pidfile. */
  const started = Effect.map(
    Effect.orElseSucceed(files.lstat(`${directory}/ovs-vswitchd.pid`), () => undefined),
    (pidfile) => (pidfile === undefined ? "" : `; it was started at ${timeOf(pidfile)}`)
  )

  /** Undefined: it answers, or it cannot be asked. */
  const silent = Effect.gen(function* () {
    const path = yield* Effect.orElseSucceed(controlIn(files, directory), () => undefined)
    if (path === undefined) return undefined
    return yield* ask(path).pipe(
      Effect.as(undefined),
      Effect.catch((error) =>
        Effect.map(started, (since) =>
          refusal(`ovs-vswitchd does not answer on ${path} (${"code" in error ? error.code : error._tag})${since}`)
        )
      )
    )
  })

  const stopped = Effect.gen(function* () {
    const names = yield* Effect.orElseSucceed(files.list(directory), (): ReadonlyArray<string> => [])
    if (!names.includes("ovsdb-server.pid") || names.some((name) => /^ovs-vswitchd\b.*\.(pid|ctl)$/.test(name))) return
    // It removed its files when it ended. Later changes in the directory only make this time later.
    const there = yield* Effect.orElseSucceed(files.lstat(directory), () => undefined)
    const ended = there === undefined ? "" : `; it ended at ${timeOf(there)} or before`
    return refusal(
      `ovs-vswitchd is not running: ${directory} has a pidfile of ovsdb-server but none of ovs-vswitchd${ended}`
    )
  })

  /**
   * Also detects an orderly stop, which removes pidfile and control socket: ovsdb-server's pidfile shows that this is
   * the run directory of both. Only for reports, not for errors, because ovs-vswitchd may use other paths.
   */
  const absent = Effect.flatMap(silent, (found) => (found === undefined ? stopped : Effect.succeed(found)))
  return { silent, absent }
}

export type Daemon = ReturnType<typeof make>

const timeOf = ({ modified }: FileStatus): string => new Date(modified).toISOString()

const refusal = (answer: string): PortError => ({
  code: ErrorCodes.TryAgainLater,
  answer,
  cure: "Start ovs-vswitchd on this node; check its log for why it exited."
})
