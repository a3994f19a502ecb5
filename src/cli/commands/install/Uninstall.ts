/** `userspace uninstall`: removes what `userspace install` has put into a directory of plugins. */
import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { uninstallExecutable } from "../../../install/Executable.ts"
import { textOr } from "../../input/Flags.ts"
import { CommandLineError } from "../../print/Printer.ts"

const usual = "/opt/cni/bin"

export const command = Command.make(
  "uninstall",
  {
    binDir: textOr("cni-bin-dir", "DIR", `The directory of plugins that it was installed in (default: ${usual})`, usual)
  },
  Effect.fnUntraced(function* ({ binDir }) {
    const removed = yield* Effect.mapError(
      uninstallExecutable(binDir),
      ({ cure, details, operation }) => new CommandLineError({ failed: operation, answer: details, cure })
    )
    for (const path of removed) yield* Console.log(`Removed ${path}`)
    if (removed.length === 0) yield* Console.log(`Nothing of the plugin is in ${binDir}`)
  })
).pipe(
  Command.withDescription("Remove the plugin from a node: drain it first, because every DEL needs the plugin"),
  Command.withExamples([
    { command: "userspace uninstall --cni-bin-dir /opt/cni/bin", description: "By hand, on a node without pods of it" }
  ])
)
