/**
 * Calls over one connection to ovsdb-server, or to the control socket of ovs-vswitchd, and transactions over
 * connections that are made again when one is lost. Calls are concurrent and matched to replies by id; `echo` is
 * answered. When a connection ends, all its pending and later calls fail with its reason. RFC 7047, section 4.
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { type Connection, type SocketError, Sockets, within } from "../../platform/Sockets.ts"
import { spanned } from "../../program/Trace.ts"
import { ConnectionLost, Malformed, NoAnswer, OvsdbError, type Reason, Unreachable } from "./OvsdbError.ts"
import type { Operation } from "./OvsdbMessages.ts"
import * as OvsdbMessages from "./OvsdbMessages.ts"

/**
 * Deadlines of each operation. A reference, so that tests can shorten them. They are for hangs, not for slowness: with
 * a hundred calls on two processors, a process can be without CPU for seconds, and a short deadline would expire
 * although the answer has arrived.
 */
export interface Deadlines {
  /** For connecting to the database's socket. */
  readonly connect: Duration.Duration
  /** From a call to its reply. */
  readonly reply: Duration.Duration
  /** For progress of ovs-vswitchd: tens of milliseconds, more right after its start. */
  readonly apply: Duration.Duration
  /** For the rollback of a failed plug, all calls together. */
  readonly withdraw: Duration.Duration
}

export const OvsDeadlines = Context.Reference<Deadlines>("userspace-cni/OvsDeadlines", {
  defaultValue: () => ({
    connect: Duration.seconds(10),
    reply: Duration.seconds(15),
    apply: Duration.seconds(10),
    withdraw: Duration.seconds(12)
  })
})

/** Receives notifications, such as updates of a monitor. */
export type Hears = (method: string, params: unknown) => void

/** In bytes. A reply to `list` with a thousand ports has about a megabyte. */
const messageLimit = 16 * 1024 * 1024

export const make = Effect.fnUntraced(function* (
  connection: Connection,
  limit: number = messageLimit,
  hears: Hears = () => {}
) {
  const waiting = new Map<number, Deferred.Deferred<unknown, Reason>>()
  let last = 0
  const ending = Deferred.makeUnsafe<Reason>()
  let end: Reason | undefined

  const send = (message: unknown) => connection.write(Buffer.from(JSON.stringify(message)))

  const receive = Effect.fnUntraced(function* (text: string) {
    const message = yield* Effect.fromResult(OvsdbMessages.decode(text))
    if (message.method === "echo") {
      return yield* send({ id: message.id, result: message.params, error: null })
    }
    if (message.method !== undefined) return hears(message.method, message.params)
    // A reply without a waiting call is late.
    const waiter = Predicate.isNumber(message.id) ? waiting.get(message.id) : undefined
    if (waiter !== undefined) {
      Deferred.doneUnsafe(waiter, Effect.fromResult(OvsdbMessages.answer(message)))
    }
  })

  const receiving = Effect.gen(function* () {
    let splitter = OvsdbMessages.newSplitter(limit)
    while (true) {
      const split = OvsdbMessages.split(splitter, yield* connection.read)
      if (Result.isFailure(split))
        return yield* new Malformed({ detail: OvsdbMessages.splitFailureInWords(split.failure) })
      splitter = split.success.splitter
      for (const text of split.success.texts) yield* receive(text)
    }
  })

  const finish = (reason: Reason) => {
    end = reason
    Deferred.doneUnsafe(ending, Effect.succeed(reason))
    for (const waiter of waiting.values()) Deferred.doneUnsafe(waiter, Effect.fail(reason))
  }

  yield* receiving.pipe(
    Effect.catch((cause: SocketError | Malformed) => Effect.sync(() => finish(lost(cause)))),
    // The scope was closed, or the code has a defect.
    Effect.onError(() => Effect.sync(() => finish(new ConnectionLost({ code: "Closed" })))),
    Effect.forkScoped
  )

  /** Returns the `result` of the reply. */
  const call = Effect.fnUntraced(function* (
    method: string,
    params: ReadonlyArray<unknown>,
    deadline: Duration.Duration
  ) {
    if (end !== undefined) return yield* Effect.fail(end)
    const id = last++
    const waiter = Deferred.makeUnsafe<unknown, Reason>()
    waiting.set(id, waiter)
    return yield* send({ id, method, params }).pipe(
      Effect.mapError(lost),
      Effect.andThen(Deferred.await(waiter)),
      within({ duration: deadline, orElse: () => Effect.fail(noAnswer(Duration.toMillis(deadline))) }),
      Effect.ensuring(Effect.sync(() => waiting.delete(id)))
    )
  })

  return {
    call,
    /** The reason why the connection ended; undefined while it is open. */
    ended: () => end,
    /** Resumes with that reason. */
    end: Deferred.await(ending)
  }
})

export type JsonRpc = Effect.Success<ReturnType<typeof make>>

const noAnswer = (millis: number): Reason => new NoAnswer({ millis })

/** Connects; the end of the scope disconnects. `late`: the reason when that does not succeed in time. */
export const dial = Effect.fnUntraced(function* (
  sockets: Sockets["Service"],
  path: string,
  late: (millis: number) => Reason = noAnswer,
  hears?: Hears
) {
  const { connect } = yield* OvsDeadlines
  const connection = yield* sockets.connect(path).pipe(
    Effect.mapError(({ code }): Reason => new Unreachable({ code })),
    within({ duration: connect, orElse: () => Effect.fail(late(Duration.toMillis(connect))) })
  )
  return yield* make(connection, messageLimit, hears)
})

const lost = (cause: SocketError | Malformed): Reason =>
  cause._tag === "SocketError" ? new ConnectionLost({ code: cause.code }) : cause

/** Applies all of the operations or none. Waits among them extend the deadline. */
export type Transact = (operations: ReadonlyArray<Operation>) => Effect.Effect<OvsdbMessages.TransactResult, OvsdbError>

interface Dialled {
  readonly rpc: JsonRpc
  readonly scope: Scope.Closeable
  /** Number of calls that wait for a reply. */
  users: number
}

/** Connects on first use; the scope closes the connection. */
export const openDatabase = Effect.fnUntraced(function* (
  path: string
): Effect.fn.Return<Transact, never, Sockets | Scope.Scope> {
  const sockets = yield* Sockets
  const scope = yield* Effect.scope
  const mutex = yield* Semaphore.make(1)
  let current: Dialled | undefined

  /** The last waiting call closes a connection that is no longer used. */
  const leave = (dialled: Dialled) =>
    Effect.suspend(() => {
      dialled.users--
      return dialled === current || dialled.users > 0 ? Effect.void : Scope.close(dialled.scope, Exit.void)
    })

  const connected = Effect.gen(function* () {
    if (current !== undefined && current.rpc.ended() === undefined) return current
    if (current !== undefined && current.users === 0) yield* Scope.close(current.scope, Exit.void)
    current = undefined
    const own = yield* Scope.fork(scope)
    const rpc = yield* spanned(dial(sockets, path), "Sockets.connect").pipe(
      Scope.provide(own),
      Effect.onError(() => Scope.close(own, Exit.void))
    )
    current = { rpc, scope: own, users: 0 }
    return current
  }).pipe(mutex.withPermit, Effect.mapError(failed("connect")))

  const transact: Transact = Effect.fnUntraced(function* (operations) {
    const { reply } = yield* OvsDeadlines
    const dialled = yield* connected
    const deadline = Duration.sum(reply, waits(operations))
    let waited = false
    const call = Effect.suspend(() => {
      waited = true
      dialled.users++
      return dialled.rpc.call("transact", ["Open_vSwitch", ...operations], deadline)
    })
    return yield* call.pipe(
      // Pending replies may never arrive: the next call, possibly a rollback, reconnects.
      Effect.tapError(({ _tag }) =>
        Effect.sync(() => {
          if (_tag === "NoAnswer" && current === dialled) current = undefined
        })
      ),
      Effect.ensuring(Effect.suspend(() => (waited ? leave(dialled) : Effect.void))),
      Effect.flatMap((result) => Effect.fromResult(OvsdbMessages.judge(operations, result))),
      Effect.mapError(failed("transact"))
    )
  })
  return (operations) => spanned(transact(operations), "Ovsdb.transact")

  function failed(operation: string) {
    return (reason: Reason) => new OvsdbError({ peer: path, operation, reason })
  }
})

const waits = (operations: ReadonlyArray<Operation>): Duration.Duration =>
  Duration.millis(operations.reduce((sum, operation) => sum + (operation.op === "wait" ? operation.timeout : 0), 0))
