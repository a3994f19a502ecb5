/**
 * VPP, watched: a session that stays, and a look every so often for one that hangs. It has one of the turns that
 * `client/ConnectionLimit.ts` counts. What goes on a VPP that runs, it does not tell by our mark.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Explained } from "../cni/spec/CniError.ts"
import { Files } from "../platform/Files.ts"
import type { Watch } from "../vswitch/Watch.ts"
import { VppClient } from "./client/VppClient.ts"
import { bridgeDomainOf } from "./interfaces/Mark.ts"
import { fromVpp } from "./interfaces/PortError.ts"
import { bridgeDomainDump } from "./messages/BridgeDomain.ts"
import { every } from "./messages/Control.ts"

/** Between two tries, and between two looks at one that answers. */
const again = "200 millis"
const lookEvery = "10 seconds"

/**
 * VPP reads the commands of `unix { exec FILE }` two seconds after its start (src/vlib/unix/main.c,
 * startup_config_process), and serves its API before. A bridge domain that they make has to be there before a port joins it:
 * else the port makes it, and the file fails at that line. Nobody has to wait for a VPP that had no bridge domain but ours
 * when it was last seen.
 */
export const untilConfigured = 2_500

/** Of the VPP that was there last; false: not known. */
interface Seen {
  onlyOurs: boolean
}

export const watch =
  (path: string): Watch =>
  (tell) =>
    Effect.suspend(() => {
      let said: string | undefined
      const seen: Seen = { onlyOurs: false }
      const lost = (error: Explained) => {
        // Once for each reason: it is tried again and again.
        if (said !== error.failed) tell({ _tag: "Lost", error })
        said = error.failed
      }
      return stay(path, seen, () => {
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
const stay = Effect.fnUntraced(function* (path: string, seen: Seen, reached: () => void) {
  const session = yield* (yield* VppClient.make(path)).open
  // Ends with a ping.
  const look = Effect.map(session.dump(bridgeDomainDump, { bd_id: every, sw_if_index: every }), (domains) => {
    seen.onlyOurs = domains.every(({ bd_tag }) => bridgeDomainOf(bd_tag) !== undefined)
  })
  const looks = Effect.gen(function* () {
    if (!seen.onlyOurs) yield* configured(path)
    reached()
    yield* configured(path)
    return yield* Effect.forever(Effect.andThen(look, Effect.sleep(lookEvery)))
  })
  return yield* Effect.raceFirst(session.end, looks)
}, Effect.scoped)

/** Its socket is as old as it is. */
const configured = Effect.fnUntraced(function* (path: string) {
  const files = yield* Files
  const there = yield* Effect.orElseSucceed(files.lstat(path), () => undefined)
  const age = (yield* Clock.currentTimeMillis) - (there?.modified ?? 0)
  if (age < untilConfigured) yield* Effect.sleep(Math.min(untilConfigured, untilConfigured - age))
})
