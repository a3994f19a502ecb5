/** Connections to a database that one process keeps for many calls. */
import { assert, it } from "@effect/vitest"
import { Duration, Effect, Schedule } from "effect"
import { OvsDeadlines, openDatabase, type Transact } from "../../../src/ovs/client/JsonRpc.ts"
import * as NodeSockets from "../../platform/support/node/NodeSockets.ts"
import { type Peer, peer, reply } from "../support/OvsdbPeer.ts"

const short = {
  connect: Duration.seconds(5),
  reply: Duration.millis(50),
  apply: Duration.seconds(1),
  withdraw: Duration.seconds(1)
}

const until = (there: () => boolean) =>
  Effect.repeat(Effect.sync(there), { until: (is) => is, schedule: Schedule.spaced("5 millis"), times: 1000 })

const over = <A, E>(server: Peer, use: (transact: Transact) => Effect.Effect<A, E>) =>
  Effect.flatMap(openDatabase(server.path), use).pipe(
    Effect.scoped,
    Effect.provideService(OvsDeadlines, short),
    Effect.provide(NodeSockets.layer)
  )

it.live("an idle connection that owes a reply is closed, and the next caller gets a new one", () =>
  Effect.gen(function* () {
    const server = yield* peer((request, socket, nth) => {
      if (nth > 0) reply(socket, request, [])
    })
    yield* over(server, (transact) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(transact([]))
        assert.strictEqual(error.reason._tag, "NoAnswer")
        assert.isTrue(yield* until(() => server.open() === 0))
        yield* transact([])
        yield* Effect.all([transact([]), transact([])], { concurrency: 2 })
        assert.strictEqual(server.open(), 1)
      })
    )
    assert.isTrue(yield* until(() => server.open() === 0))
  }).pipe(Effect.scoped)
)
