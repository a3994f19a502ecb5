/**
 * A gRPC server on a unix socket, over `node:http2`: unary methods and streams of answers, without compression. Which
 * services there are says its caller. gRPC over HTTP2 (doc/PROTOCOL-HTTP2.md of gRPC).
 */
import * as Fs from "node:fs"
import * as Http2 from "node:http2"
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import { codeOf } from "../platform/Sockets.ts"
import { decode, encode, type Message, type Partly, type Value } from "./Protobuf.ts"

/** What a method answers: `send` may be called again and again by a stream, which ends with the effect. */
type Run = (request: Uint8Array, send: (answer: Buffer) => void) => Effect.Effect<void, Refused>

/** By path: `/v1beta1.DevicePlugin/Allocate`. */
export type Methods = Readonly<Record<string, Run>>

/** A failure that the client gets. */
export interface Refused {
  readonly status: Status
  readonly message: string
}

/** The status codes that are used here. */
export const Status = { ok: 0, invalidArgument: 3, unimplemented: 12, internal: 13 } as const
type Status = (typeof Status)[keyof typeof Status]

const decoded = <M extends Message>(message: M, bytes: Uint8Array): Effect.Effect<Value<M>, Refused> =>
  Effect.suspend(() => {
    const value = decode(message, bytes)
    return value === undefined
      ? Effect.fail({ status: Status.invalidArgument, message: "the request is not the message that is wanted" })
      : Effect.succeed(value)
  })

/** A method with one answer. */
export const unary =
  <Q extends Message, A extends Message>(
    request: Q,
    answer: A,
    self: (asked: Value<Q>) => Effect.Effect<Partly<A>, Refused>
  ): Run =>
  (bytes, send) =>
    Effect.map(Effect.flatMap(decoded(request, bytes), self), (value) => send(encode(answer, value)))

/** A method that answers until its client goes, or its effect ends. */
export const streaming =
  <Q extends Message, A extends Message>(
    request: Q,
    answer: A,
    self: (asked: Value<Q>, send: (value: Partly<A>) => void) => Effect.Effect<void, Refused>
  ): Run =>
  (bytes, send) =>
    Effect.flatMap(decoded(request, bytes), (asked) => self(asked, (value) => send(encode(answer, value))))

/** A length-prefixed message, not compressed. */
const framed = (content: Buffer): Buffer => {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(content.length, 1)
  return Buffer.concat([prefix, content])
}

/** Bytes: a domain of libvirt has some ten thousand. */
const longest = 4 << 20

/** Undefined: not one whole message without compression. */
const unframed = (bytes: Buffer): Buffer | undefined =>
  bytes.length >= 5 && bytes[0] === 0 && bytes.readUInt32BE(1) === bytes.length - 5 ? bytes.subarray(5) : undefined

const headers = { ":status": 200, "content-type": "application/grpc" }

const statusTrailers = ({ message, status }: { readonly status: number; readonly message: string }) => ({
  "grpc-status": String(status),
  ...(message === "" ? {} : { "grpc-message": encodeURIComponent(message) })
})

const respond = (methods: Methods, run: (self: Effect.Effect<void>) => () => void) => {
  const ends = (stream: Http2.ServerHttp2Stream, trailers: Http2.OutgoingHttpHeaders) => {
    stream.on("wantTrailers", () => stream.sendTrailers(trailers))
    stream.end()
  }
  return (stream: Http2.ServerHttp2Stream, { ":path": path = "" }: Http2.IncomingHttpHeaders) => {
    const chunks: Array<Buffer> = []
    let length = 0
    stream.on("error", () => {})
    stream.on("data", (chunk: Buffer) => {
      length += chunk.length
      if (length > longest) stream.close(Http2.constants.NGHTTP2_ENHANCE_YOUR_CALM)
      else chunks.push(chunk)
    })
    stream.on("end", () => {
      if (stream.destroyed) return
      stream.respond(headers, { waitForTrailers: true })
      const method = methods[path]
      const request = unframed(Buffer.concat(chunks))
      if (method === undefined) {
        return ends(stream, statusTrailers({ status: Status.unimplemented, message: `there is no method ${path}` }))
      }
      if (request === undefined) {
        return ends(stream, statusTrailers({ status: Status.invalidArgument, message: "not one message" }))
      }
      const send = (answer: Buffer) => void (stream.destroyed || stream.write(framed(answer)))
      const answered = Effect.map(Effect.exit(method(request, send)), (exit) => {
        if (stream.destroyed) return
        const failure = Exit.isFailure(exit) ? Exit.findErrorOption(exit) : undefined
        const refused: Refused | undefined =
          failure === undefined
            ? undefined
            : failure._tag === "Some"
              ? failure.value
              : { status: Status.internal, message: "an error of the plugin; its log has it" }
        ends(stream, statusTrailers(refused ?? { status: Status.ok, message: "" }))
      })
      const interrupt = run(answered)
      stream.on("close", interrupt)
    })
  }
}

const identityAt = (path: string): string | undefined => {
  const there = Fs.lstatSync(path, { throwIfNoEntry: false })
  return there === undefined ? undefined : `${there.dev}:${there.ino}`
}

/** Limits how long answers may take to leave at the end. */
const farewell = "200 millis"

/** Serves on a new socket until the scope ends, and gives the identity of its file. Fails with the system's error. */
const listen = Effect.fnUntraced(function* (path: string, methods: Methods, mode: number) {
  const fork = Effect.runForkWith(yield* Effect.context<never>())
  const server = Http2.createServer()
  const sessions = new Set<Http2.ServerHttp2Session>()
  server.on("session", (session) => {
    sessions.add(session)
    session.on("error", () => {})
    session.on("close", () => sessions.delete(session))
  })
  server.on(
    "stream",
    respond(methods, (self) => {
      const fiber = fork(self)
      return () => fiber.interruptUnsafe()
    })
  )
  yield* Effect.try({
    try: () => {
      Fs.mkdirSync(dirname(path), { recursive: true, mode: 0o750 })
      Fs.rmSync(path, { force: true })
    },
    catch: codeOf
  })
  let identity: string | undefined
  yield* Effect.acquireRelease(
    Effect.callback<void, string>((resume) => {
      server.once("error", (cause) => resume(Effect.fail(codeOf(cause))))
      server.listen({ path }, () => resume(Effect.void))
    }),
    () =>
      Effect.gen(function* () {
        if (identity !== undefined && identityAt(path) === identity) Fs.rmSync(path, { force: true })
        server.close()
        // An answer that is under way leaves before its connection does. A stream of answers has no end of its own.
        for (const session of sessions) session.close()
        yield* Effect.repeat(
          Effect.sync(() => sessions.size),
          { until: (size) => size === 0, schedule: Schedule.spaced("5 millis") }
        ).pipe(Effect.timeoutOption(farewell))
        for (const session of sessions) session.destroy()
      })
  )
  yield* Effect.try({ try: () => Fs.chmodSync(path, mode), catch: codeOf })
  identity = identityAt(path)
  return identity
})

/** The socket's file is looked at. */
const every = "1 second"

/**
 * Serves while the scope lasts. A socket that somebody removes, as kubelet does with sockets of plugins when it starts, is
 * made again; so is one that cannot be made yet.
 */
export const keepServing = Effect.fnUntraced(function* (path: string, methods: Methods, mode = 0o600) {
  const isGone = (identity: string | undefined) => Effect.sync(() => identityAt(path) !== identity)
  const once = Effect.gen(function* () {
    const identity = yield* listen(path, methods, mode)
    yield* Effect.repeat(isGone(identity), { until: (gone) => gone, schedule: Schedule.spaced(every) })
    yield* Effect.logWarning(`${path} is gone: creating it again`)
  }).pipe(
    Effect.scoped,
    Effect.catch((code) => Effect.logError(`cannot serve on ${path}: ${code}. Trying again every ${every}.`))
  )
  yield* Effect.forkScoped(Effect.repeat(once, Schedule.spaced(every)))
})
