/** Common parts of `container dpdk` and `container testpmd`: they print arguments on one line, and errors on stderr. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { vdevArguments } from "../../../container/DpdkArguments.ts"
import * as Presence from "../../../container/Presence.ts"
import type { Interface } from "../../../container/told/Interface.ts"
import { Files, orElse } from "../../../platform/Files.ts"
import { fromContainer, interfacesFlag, jsonFlag, placeFlags } from "../../input/ContainerFlags.ts"
import { yes } from "../../input/Flags.ts"
import { CommandLineError } from "../../text/CommandLineError.ts"
import { type ChosenOptions, chosen, reportSkipped } from "./Chosen.ts"

export const dpdkFlags = {
  ...placeFlags,
  interfaces: interfacesFlag,
  json: jsonFlag,
  removeStale: yes(
    "remove-stale",
    "First remove stale sockets of a killed application: files that no process in this pod listens on"
  ),
  withSecrets: yes("with-secrets", "Include memif secrets. Every process of the pod can read a command line")
}

interface DpdkOptions extends ChosenOptions {
  readonly json: boolean
  readonly removeStale: boolean
  readonly withSecrets: boolean
}

/** `complete`: adds arguments around the `--vdev` arguments. */
export const printed = <O extends DpdkOptions>(
  complete: (vdevs: ReadonlyArray<string>, options: O) => ReadonlyArray<string>
) =>
  Effect.fnUntraced(function* (options: O) {
    const { found, interfaces } = yield* chosen(options)
    const secrets = options.withSecrets ? "on the command line" : "refused"
    const vdevs = yield* Effect.mapError(Effect.fromResult(vdevArguments(interfaces, { secrets })), fromContainer)
    yield* reportSkipped(found)
    if (options.removeStale) yield* Effect.forEach(interfaces, removeStale)
    const all = complete(vdevs, options)
    yield* Console.log(options.json ? JSON.stringify(all) : all.join(" "))
  })

const removeStale = Effect.fnUntraced(function* (one: Interface) {
  const { stale } = yield* Presence.look(one)
  if (!stale) return
  const files = yield* Files
  yield* files.unlink(one.socket).pipe(
    orElse("ENOENT", undefined),
    Effect.mapError(
      ({ code }) =>
        new CommandLineError({
          failed: `cannot remove ${one.socket}`,
          answer: code,
          cure: "Remove it by hand, or start the application as a user with write access to its directory."
        })
    )
  )
  yield* Console.error(`Removed ${one.socket}, left by an earlier application.`)
})
