/**
 * VPP, watched: a session that stays, and a look every so often for one that hangs. It has one of the turns that
 * `client/ConnectionLimit.ts` counts. What goes on a VPP that runs, it does not tell by our mark.
 */
import * as Effect from "effect/Effect"
import type { Explained } from "../cni/spec/CniError.ts"
import { Files } from "../platform/Files.ts"
import type { Watch } from "../vswitch/Watch.ts"
import { configured } from "./client/Startup.ts"
import { VppClient } from "./client/VppClient.ts"
import { bridgeDomainOf } from "./interfaces/Mark.ts"
import { fromVpp } from "./interfaces/PortError.ts"
import { bridgeDomainDump } from "./messages/BridgeDomain.ts"
import { every } from "./messages/Control.ts"

/** Between two tries, and between two looks at one that answers. */
const again = "200 millis"
const lookEvery = "10 seconds"

/**
 * Of the VPP that was there last; false: not known. Nobody has to wait for what makes other bridge domains (`Startup.ts`)
 * when it had none but ours.
 */
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
  const files = yield* Files
  const session = yield* (yield* VppClient.make(path)).open
  // Ends with a ping.
  const look = Effect.map(session.dump(bridgeDomainDump, { bd_id: every, sw_if_index: every }), (domains) => {
    seen.onlyOurs = domains.every(({ bd_tag }) => bridgeDomainOf(bd_tag) !== undefined)
  })
  const looks = Effect.gen(function* () {
    if (!seen.onlyOurs) yield* configured(files, path)
    reached()
    yield* configured(files, path)
    return yield* Effect.forever(Effect.andThen(look, Effect.sleep(lookEvery)))
  })
  return yield* Effect.raceFirst(session.end, looks)
}, Effect.scoped)
