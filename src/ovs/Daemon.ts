/**
 * Whether ovs-vswitchd lives. The database cannot tell: what a dead one wrote stays there. Its control socket can
 * (ovs-vswitchd(8), --unixctl; the same JSON-RPC as the database). Found by the pidfile beside the database's socket;
 * where there is none, because the run directory is somewhere else, nothing is claimed.
 */
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import { ErrorCodes } from "../cni/ErrorCodes.ts"
import { type Files, orElse } from "../platform/Files.ts"
import type { Sockets } from "../platform/Sockets.ts"
import * as JsonRpc from "./JsonRpc.ts"
import { OvsDeadlines } from "./OvsDeadlines.ts"
import type { Refusal } from "./Refusal.ts"

/** Undefined: it answers, or there is no way to ask it. */
export type Daemon = Effect.Effect<Refusal | undefined>

export const make = (files: Files["Service"], sockets: Sockets["Service"], database: string): Daemon => {
  const directory = dirname(database)

  const control = Effect.gen(function* () {
    const written = (yield* orElse("ENOENT", "")(files.read(`${directory}/ovs-vswitchd.pid`, 32))).trim()
    const own = /^\d+$/.test(written) ? [`${directory}/ovs-vswitchd.${written}.ctl`] : []
    for (const path of [...own, `${directory}/ovs-vswitchd.ctl`]) {
      const found = yield* files.lstat(path)
      if (found?.kind === "socket") return path
    }
    return undefined
  })

  const ask = Effect.fnUntraced(function* (path: string) {
    const deadlines = yield* OvsDeadlines
    const connection = yield* Effect.timeout(sockets.connect(path), deadlines.connect)
    const rpc = yield* JsonRpc.make(connection)
    yield* rpc.call("version", [], deadlines.reply)
  }, Effect.scoped)

  return Effect.gen(function* () {
    const path = yield* Effect.catch(control, () => Effect.succeed(undefined))
    if (path === undefined) return undefined
    return yield* ask(path).pipe(
      Effect.as(undefined),
      Effect.catch((error) => Effect.succeed(silent(path, "code" in error ? error.code : error._tag)))
    )
  })
}

const silent = (path: string, why: string): Refusal => ({
  code: ErrorCodes.TryAgainLater,
  answer: `ovs-vswitchd does not answer on ${path} (${why})`,
  cure: "Start ovs-vswitchd on this node; its log says why it ended."
})
