/**
 * The process of the command line: loaded when CNI_COMMAND is absent. Without arguments it prints its version and exits
 * with 0, as Go's skeleton for CNI plugins does. Exit status 0 or 1, 2 of a doctor that
 * could not look, or what a command says (`CommandLineError.ts`).
 */
import { existsSync } from "node:fs"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { writeText } from "../app/Stdio.ts"
import * as BunEdges from "../platform/bun/BunEdges.ts"
import { codeOf } from "../platform/process/StandardStreams.ts"
import { callerDirectory, processDirectory, relativePaths, unknownDirectory } from "./CallerDirectory.ts"
import { commandLine } from "./CommandLine.ts"
import { CommandLineError, commandLineErrorText, statusOf } from "./print/Printer.ts"
import { about } from "./Userspace.ts"

const services = Layer.merge(BunEdges.layer, NodeServices.layer)

/** Changes to the caller's directory, for the kernel to resolve relative paths. A command without any runs anywhere. */
const whereItWasCalled = Effect.fnUntraced(function* (args: ReadonlyArray<string>) {
  const relative = relativePaths(args, process.env)
  if (relative.length === 0) return
  yield* callerDirectory(process.env, processDirectory(process.ppid)).pipe(
    Effect.flatMap((directory) =>
      Effect.try({
        try: () => process.chdir(directory),
        catch: (cause) => `${directory} cannot be entered: ${codeOf(cause)}`
      })
    ),
    Effect.mapError((reason) => unknownDirectory(relative, reason)),
    Effect.tapError((commandLineError) => Console.error(commandLineErrorText(commandLineError)))
  )
})

/** A stdout that cannot be written makes the command fail; a closed reader (`| head -1`) is not reported. */
const checked = (console: Console.Console): Console.Console => {
  let failed = false
  const fail = (code: string) => {
    if (!failed && code !== "EPIPE") console.error(commandLineErrorText(untaken(code)))
    failed = true
    process.exitCode = 1
  }
  return Object.assign(Object.create(console), {
    log: (...words: ReadonlyArray<unknown>) =>
      Effect.runSync(
        Effect.match(writeText(`${words.map(String).join(" ")}\n`), { onFailure: fail, onSuccess: () => undefined })
      )
  })
}

const untaken = (code: string) =>
  new CommandLineError({
    failed: "the output is not complete",
    answer: `stdout cannot be written: ${code}`,
    cure: "What the command was to do is done; `userspace list` shows it. Give it a stdout that is open and has room."
  })

/** KubeVirt starts the image of a sidecar without arguments, and gives it this directory. */
const hooks = "/var/run/kubevirt-hooks"

export const run = (): void => {
  const given = process.argv.slice(2)
  const args = given.length === 0 && existsSync(hooks) ? ["kubevirt-hook"] : given
  const program: Effect.Effect<void, unknown> =
    args.length === 0
      ? Console.error(about)
      : Effect.andThen(whereItWasCalled(args), commandLine(args, process.env)).pipe(
          Effect.updateService(Console.Console, checked),
          Effect.provide(services)
        )
  NodeRuntime.runMain(program, {
    // The error has been reported in three parts.
    disableErrorReporting: true,
    // A command that is meant to be stopped sets its exit code.
    teardown: (exit) => process.exit(process.exitCode ?? (Exit.isSuccess(exit) ? 0 : statusOf(exit.cause, args)))
  })
}
