/**
 * Keeps the node's kubeconfig up to date: kubelet renews the token long before it expires, and the file may have been
 * removed or changed on the node. Runs until it is interrupted. A failed round is reported and repeated: an old token
 * is better than none.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { Variables } from "../cni/spec/Environment.ts"
import { Changes } from "../platform/Changes.ts"
import { Files } from "../platform/Files.ts"
import { type Account, readAccount, writeKubeconfig } from "./AccountKubeconfig.ts"
import type { InstallError } from "./InstallError.ts"

/** How long a change without an event can go unnoticed, and the pause after a failure. */
const interval: Duration.Input = "1 minute"

export const renew = Effect.fn("renew the kubeconfig")(function* <R>(
  path: string,
  account: Account,
  variables: Variables,
  tell: {
    readonly renewed: Effect.Effect<void, never, R>
    readonly failed: (error: InstallError) => Effect.Effect<void, never, R>
  }
) {
  const files = yield* Files
  const changes = yield* Changes
  const look = Effect.gen(function* () {
    const text = yield* readAccount(account, variables)
    // A file that cannot be read, such as a link, or that is longer, is replaced too.
    const there = yield* Effect.orElseSucceed(files.read(path, Buffer.byteLength(text)), () => undefined)
    if (text === there) return
    yield* writeKubeconfig(path, text)
    yield* tell.renewed
  })
  const round = Effect.gen(function* () {
    // Watch before the check, so that no change is missed in between.
    const changed = yield* changes.watch([account.directory])
    yield* Effect.catch(look, tell.failed)
    yield* Effect.raceFirst(changed, Effect.sleep(interval))
  })
  return yield* Effect.repeat(Effect.scoped(round), Schedule.forever)
})
