/**
 * Watches VPP with a session that stays, and with periodic requests that detect a hanging one. It takes one of the
 * connection slots of `client/VppClient.ts`. A running VPP does not report changes of marked objects.
 */
import * as Effect from "effect/Effect"
import { Files } from "../platform/Files.ts"
import type { Watch } from "../vswitch/Watch.ts"
import { configured, VppClient } from "./client/VppClient.ts"
import { fromVpp, type VppError } from "./client/VppError.ts"
import { bridgeDomainOf } from "./interfaces/Mark.ts"
import { bridgeDomainDump } from "./messages/BridgeDomain.ts"
import { every } from "./messages/Control.ts"

/** Between two attempts to connect, and between two requests to a VPP that answers. */
const again = "200 millis"
const lookEvery = "10 seconds"

/**
 * State of the VPP that was there before; false: unknown. If it had only our bridge domains, there is no need to wait
 * for its startup file (`configured`).
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
      const lost = (cause: VppError) => {
        const error = fromVpp("watch")(cause)
        // Report each reason once, because the connection is retried continuously.
        if (said !== error.failed) tell({ _tag: "Lost", error, ended: cause.reason._tag === "ConnectionLost" })
        said = error.failed
      }
      return stay(path, seen, () => {
        said = undefined
        tell({ _tag: "Reached" })
      }).pipe(
        Effect.catch((error) => Effect.sync(() => lost(error))),
        Effect.andThen(Effect.sleep(again)),
        Effect.forever
      )
    })

/** Fails when the session is lost. */
const stay = Effect.fnUntraced(function* (path: string, seen: Seen, reached: () => void) {
  const files = yield* Files
  const session = yield* (yield* VppClient.make(path)).open
  // A dump ends with a ping.
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
