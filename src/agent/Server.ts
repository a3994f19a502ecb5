/**
 * HTTP/1.1 on a unix socket, by `node:http`: Effect's server does not support `100 Continue`. The socket is renamed to
 * its name when its permissions are set: whoever finds it can call.
 */
import * as Fs from "node:fs"
import * as Http from "node:http"
import { dirname } from "node:path"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { codeOf } from "../platform/Sockets.ts"

export class ListenError extends Data.TaggedError("ListenError")<{ readonly answer: string; readonly cure: string }> {}

/** `continues`: the caller waits for `100 Continue` before it sends the body. */
export type Handle = (request: Http.IncomingMessage, response: Http.ServerResponse, continues: boolean) => void

export interface Listening {
  /** Identity of the socket file. */
  readonly identity: string
  /** Accepts no new connections; existing ones stay. Removes the file if it is still this one. */
  readonly close: () => void
}

/** Undefined: nothing is there. */
export const identityAt = (path: string): string | undefined => {
  const there = Fs.lstatSync(path, { throwIfNoEntry: false })
  return there === undefined ? undefined : `${there.dev}:${there.ino}`
}

const failed = (what: string, cause: unknown, cure = "Run the agent as root, with a directory of its own.") =>
  new ListenError({ answer: `${what}: ${codeOf(cause)}`, cure })

const done = <A>(what: string, f: () => A, cure?: string) =>
  Effect.try({ try: f, catch: (cause) => failed(what, cause, cure) })

/** Excludes other users: whoever can create a socket there gets the node's calls. */
const prepare = Effect.fnUntraced(function* (directory: string) {
  yield* done(`make ${directory}`, () => Fs.mkdirSync(directory, { recursive: true, mode: 0o700 }))
  const { mode, uid } = yield* done(`inspect ${directory}`, () => Fs.statSync(directory))
  if ((mode & 0o022) !== 0 || uid !== process.geteuid?.()) {
    return yield* new ListenError({
      answer: `${directory} is a directory that other users can write to`,
      cure: "Put the socket into a directory that is root's, with mode 0700."
    })
  }
})

/** A container that mounts the socket while there is none makes an empty directory of it. */
const vacate = (path: string) =>
  Fs.lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true
    ? done(
        `remove the directory ${path}`,
        () => Fs.rmdirSync(path),
        `Move it away: ${path} has to be the agent's socket.`
      )
    : Effect.void

const started = (server: Http.Server, path: string) =>
  Effect.callback<void, ListenError>((resume) => {
    const cure = "Give a writable directory, and a path of at most 107 bytes."
    server.once("error", (cause) => resume(Effect.fail(failed(`listen on ${path}`, cause, cure))))
    server.listen({ path, backlog: 4096 }, () => resume(Effect.void))
  })

export const listen = Effect.fnUntraced(function* (
  path: string,
  handle: Handle
): Effect.fn.Return<Listening, ListenError> {
  yield* prepare(dirname(path))
  // In milliseconds. Both sides are on one machine.
  const server = Http.createServer({
    headersTimeout: 5_000,
    requestTimeout: 15_000,
    connectionsCheckingInterval: 1_000,
    keepAliveTimeout: 5_000
  })
  server.maxConnections = 2048
  server.on("request", (request, response) => handle(request, response, false))
  server.on("checkContinue", (request, response) => handle(request, response, true))
  server.on("clientError", (_, socket) => socket.destroy())
  const beside = `${dirname(path)}/.${process.pid}`
  yield* done(`remove ${beside}`, () => Fs.rmSync(beside, { force: true }))
  yield* started(server, beside)
  const move = done(`move ${beside} to ${path}`, () => {
    Fs.chmodSync(beside, 0o600)
    Fs.renameSync(beside, path)
  })
  yield* Effect.andThen(vacate(path), move).pipe(
    // The agent tries again every two seconds: nothing of a try may stay.
    Effect.tapError(() =>
      Effect.sync(() => {
        server.close()
        Fs.rmSync(beside, { force: true })
      })
    )
  )
  const identity = identityAt(path) ?? ""
  return {
    identity,
    close: () => {
      if (identityAt(path) === identity) Fs.rmSync(path, { force: true })
      server.close()
      server.closeIdleConnections()
    }
  }
})
