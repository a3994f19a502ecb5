/**
 * VPP, watched: a session that stays, and a ping every so often for one that hangs. It has one of the turns that
 * `client/ConnectionLimit.ts` counts. What goes on a VPP that runs, it does not tell by our mark.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Explained } from "../cni/spec/CniError.ts"
import { Files } from "../platform/Files.ts"
import type { Watch } from "../vswitch/Watch.ts"
import { VppClient } from "./client/VppClient.ts"
import { fromVpp } from "./interfaces/PortError.ts"
import { controlPing } from "./messages/Control.ts"

/** Between two tries, and between two pings of one that answers. */
const again = "200 millis"
const pingEvery = "10 seconds"

/**
 * VPP reads the commands of `unix { exec FILE }` two seconds after its start (src/vlib/unix/main.c,
 * startup_config_process), and serves its API before. A bridge domain that they make has to be there before a port joins it:
 * else the port makes it, and the file fails at that line.
 */
export const untilConfigured = 2_500

export const watch =
  (path: string): Watch =>
  (tell) =>
    Effect.suspend(() => {
      let said: string | undefined
      const lost = (error: Explained) => {
        // Once for each reason: it is tried again and again.
        if (said !== error.failed) tell({ _tag: "Lost", error })
        said = error.failed
      }
      return stay(path, () => {
        said = undefined
        tell({ _tag: "Reached" })
      }).pipe(
        Effect.mapError(fromVpp("watch")),
        Effect.catch((error) => Effect.sync(() => lost(error))),
        Effect.andThen(Effect.sleep(again)),
        Effect.forever
      )
    })

/** Fails when it is lost. */
const stay = Effect.fnUntraced(function* (path: string, reached: () => void) {
  const session = yield* (yield* VppClient.make(path)).open
  const pings = Effect.gen(function* () {
    yield* configured(path)
    reached()
    return yield* Effect.forever(Effect.andThen(Effect.sleep(pingEvery), session.call(controlPing, {})))
  })
  return yield* Effect.raceFirst(session.end, pings)
}, Effect.scoped)

/** Its socket is as old as it is. */
const configured = Effect.fnUntraced(function* (path: string) {
  const files = yield* Files
  const there = yield* Effect.orElseSucceed(files.lstat(path), () => undefined)
  const age = (yield* Clock.currentTimeMillis) - (there?.modified ?? 0)
  if (age < untilConfigured) yield* Effect.sleep(Math.min(untilConfigured, untilConfigured - age))
})
