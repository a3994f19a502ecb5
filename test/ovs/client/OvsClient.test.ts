/** Connections to a database that one process keeps for many calls. */
import { assert, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { OvsDeadlines, openDatabase, type Transact } from "../../../src/ovs/client/JsonRpc.ts"
import * as NodeSockets from "../../platform/support/node/NodeSockets.ts"
import { untilTrue } from "../../support/Until.ts"
import { type Peer, peer, reply } from "../support/OvsdbPeer.ts"

const short = {
  connect: Duration.seconds(5),
  reply: Duration.millis(50),
  apply: Duration.seconds(1),
  withdraw: Duration.seconds(1)
}

const closed = (server: Peer) => untilTrue("no connection", () => server.open() === 0)

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
        yield* closed(server)
        yield* transact([])
        yield* Effect.all([transact([]), transact([])], { concurrency: 2 })
        assert.strictEqual(server.open(), 1)
      })
    )
    yield* closed(server)
  }).pipe(Effect.scoped)
)
