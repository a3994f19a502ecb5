/** The command line on the given edges: parses, runs, and reports failures in three parts on stderr. */

import * as Console from "effect/Console"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as Effect from "effect/Effect"
import { version } from "../app/Version.ts"
import type { Variables } from "../cni/types/Environment.ts"
import { oneLine } from "../cni/types/Secrets.ts"
import {
  type CommandLineError,
  commandLineErrorText,
  InvocationContext,
  misused,
  plain,
  type Style
} from "./print/Printer.ts"
import { userspace } from "./Userspace.ts"

const onTerminal: Style = { strong: (text) => `\x1b[1m${text}\x1b[0m`, faint: (text) => `\x1b[2m${text}\x1b[0m` }

/** Escapes text of others: of databases, containers' files and servers. Only the two styles of the plugin pass. */
const readable = (text: unknown): unknown =>
  typeof text === "string"
    ? text
        .split(asItIs)
        .map((part, index) => (index % 2 === 0 ? oneLine(part) : part))
        .join("")
    : text

const asItIs = new RegExp(`(\n|${String.fromCharCode(0x1b)}\\[[012]m)`)

const printing = (console: Console.Console): Console.Console =>
  Object.assign(Object.create(console), {
    log: (...words: ReadonlyArray<unknown>) => console.log(...words.map(readable)),
    error: (...words: ReadonlyArray<unknown>) => console.error(...words.map(readable))
  })

/** Fails when the command failed, after reporting it. */
export const commandLine = Effect.fnUntraced(function* (args: ReadonlyArray<string>, variables: Variables) {
  const { canColor } = yield* TerminalCapabilities.TerminalCapabilities
  const style = canColor ? onTerminal : plain
  const tell = (commandLineError: CommandLineError) =>
    Console.error(commandLineErrorText(commandLineError, style.strong))
  const isCompletion = args.some((argument) => argument.startsWith("--completions"))
  const command = yield* userspace((name) => isCompletion || args.includes(name))
  return yield* Command.runWith(command, { version })(args).pipe(
    Effect.provideService(InvocationContext, { variables, style }),
    Effect.provideService(CliConfig.CliConfig, {
      builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions]
    }),
    Effect.provideService(CliOutput.Presenter, presenter(tell)),
    Effect.tapError((error) => (error._tag === "CommandLineError" ? tell(error) : Effect.void)),
    Effect.catchIf(
      (error) => CliError.isCliError(error) && error._tag === "ShowHelp" && error.errors.length === 0,
      () => Effect.void
    ),
    Effect.updateService(Console.Console, printing)
  )
})

/** Reports a mistake in the arguments like every other error, without the page of help before it. */
const presenter = (tell: (commandLineError: CommandLineError) => Effect.Effect<void>): CliOutput.Presenter => ({
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? tell(misused(mistakes(event.errors).join("\n"), `Run \`${event.commandPath.join(" ")} --help\` for usage.`))
      : CliOutput.defaultPresenter.present(event)
})

/** Flags of an unknown command are unknown too, and not reported. */
const mistakes = (errors: ReadonlyArray<CliError.CliError>): ReadonlyArray<string> => {
  const commands = errors.filter(({ _tag }) => _tag === "UnknownSubcommand")
  return (commands.length > 0 ? commands : errors).map(({ message }) =>
    message.replace(
      /\s+Did you mean this\?\s+(.+)$/s,
      (_, names: string) => `. Did you mean ${names.split(/\s+/).join(" or ")}?`
    )
  )
}
