/**
 * The client in C (`src/client`), which a build carries that had a C compiler: on a node it has the plugin's name, and
 * the executable lies in a directory beside it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/** As `scripts/build.sh` embeds it. */
const name = "userspace-client.bin"

const isBun = "Bun" in globalThis

/** Undefined: this build carries none. */
export const CarriedClient = Context.Reference<Effect.Effect<Uint8Array | undefined>>("userspace-cni/CarriedClient", {
  defaultValue: () =>
    isBun
      ? Effect.flatMap(
          Effect.promise(() => import("../platform/bun/BunEmbedded.ts")),
          ({ embedded }) => embedded(name)
        )
      : Effect.succeed(undefined)
})

/** A directory, because a runtime takes none for a plugin. `scripts/client.sh` tells the client. */
export const directoryOfFull = ".userspace"
