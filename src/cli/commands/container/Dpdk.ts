/** `userspace container dpdk` and `container testpmd`: arguments on one line of stdout, and errors on stderr. */

import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { testpmdArguments, vdevArguments } from "../../../container/DpdkArguments.ts"
import * as Presence from "../../../container/Presence.ts"
import type { Interface } from "../../../container/read/Interface.ts"
import { Files, orElse } from "../../../platform/Files.ts"
import { jsonFlag, yes } from "../../input/Flags.ts"
import { CommandLineError } from "../../print/Printer.ts"
import { chosen, fromContainer, interfacesFlag, placeFlags, reportSkipped } from "./ContainerFlags.ts"

const dpdkFlags = {
  ...placeFlags,
  interfaces: interfacesFlag,
  json: jsonFlag,
  removeStale: yes(
    "remove-stale",
    "First remove stale sockets of a killed application: files that no process in this pod listens on"
  ),
  withSecrets: yes("with-secrets", "Include memif secrets. Every process of the pod can read a command line")
}

type DpdkOptions = Command.Command.Config.Infer<typeof dpdkFlags>

/** `complete`: adds arguments around the `--vdev` arguments. */
const printed = <O extends DpdkOptions>(
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

export const dpdk = Command.make(
  "dpdk",
  dpdkFlags,
  printed((vdevs) => vdevs)
).pipe(
  Command.withDescription("Print one --vdev argument for each interface, for any DPDK application"),
  Command.withExamples([
    {
      command: "my-application -l 0-1 $(userspace container dpdk) --",
      description: "Before the application's own arguments"
    }
  ])
)

export const testpmd = Command.make(
  "testpmd",
  { ...dpdkFlags, noHuge: yes("no-huge", "Run without hugepages, for containers that have none") },
  printed((vdevs, options) => testpmdArguments(vdevs, !options.noHuge))
).pipe(
  Command.withDescription("Print the arguments with which dpdk-testpmd opens the interfaces"),
  Command.withExamples([
    { command: "dpdk-testpmd $(userspace container testpmd) -- -i", description: "Try the interfaces by hand" },
    {
      command: "a=$(userspace container testpmd) && exec dpdk-testpmd $a -- --auto-start",
      description: "In a script, which then stops when there is nothing to open"
    }
  ])
)
