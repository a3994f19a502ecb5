/**
 * Events of pods, for those who look at them with `kubectl`. Everything happens in fibers of its own: calls and rounds
 * of healing do not wait for it, and none fails or changes because of it.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type { End } from "../../attachment/heal/Ends.ts"
import type { Observer } from "../../attachment/heal/Keep.ts"
import type { Switches } from "../../attachment/node/Switches.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import * as Connections from "./Connections.ts"
import type { Count } from "./PodEvent.ts"
import * as Repairs from "./Repairs.ts"
import * as Sink from "./Sink.ts"

/** Connections are asked for. */
const every = "10 seconds"
/** Rounds that wait; more are dropped. */
const mostRounds = 64

/** Goes on until the scope ends. Returns what observes each round of healing, and each end. */
export const make = Effect.fnUntraced(function* (switches: Switches, variables: Variables, count: Count) {
  const sink = yield* Sink.make(count)
  const queue = yield* Queue.dropping<Repairs.Round>(mostRounds)
  const connections = Connections.make(switches, variables, sink, yield* Clock.currentTimeMillis)
  const ofRound = Repairs.ofRounds(variables, sink)
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Sink.lasting(connections), Effect.sleep(every))))
  yield* Effect.forkScoped(Effect.forever(Effect.flatMap(Queue.take(queue), (round) => Sink.lasting(ofRound(round)))))
  const ends = yield* Queue.dropping<End>(mostRounds)
  const ofEnd = Repairs.ofEnds(variables, sink)
  yield* Effect.forkScoped(Effect.forever(Effect.flatMap(Queue.take(ends), (end) => Sink.lasting(ofEnd(end)))))
  const observer: Required<Pick<Observer, "round" | "end">> = {
    round: (round, last) => void Queue.offerUnsafe(queue, { round, last }),
    end: (end) => void Queue.offerUnsafe(ends, end)
  }
  return observer
})
