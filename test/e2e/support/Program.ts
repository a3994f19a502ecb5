/**
 * Runs a real program as a container runtime does: exact environment, exact stdin, no shell, and its whole output. Its
 * scope ends it by pid. `node:child_process` rather than Effect's spawner, because these tests ask which signal ended a
 * program and give it closed or never-ending stdin.
 */
import * as ChildProcess from "node:child_process"
import { closeSync, openSync } from "node:fs"
import type { Readable } from "node:stream"
import { Deferred, type Duration, Effect, Schema, type Scope } from "effect"

export class ProgramError extends Schema.TaggedError<ProgramError>()("ProgramError", {
  program: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return `${this.program}: ${this.problem}`
  }
}

/** Text; nothing (`/dev/null`); no descriptor 0 at all; a pipe that nobody ever writes to or closes. */
export type Stdin = string | { readonly is: "empty" | "closed" | "silent" }

export interface Options {
  /** The whole environment; nothing is inherited. */
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: Stdin
  readonly cwd?: string
  /** The signal by which its scope stops it before it is killed. Default: it is killed at once. */
  readonly stop?: NodeJS.Signals
  /** stdout and stderr go here instead of into the outcome. */
  readonly log?: string
}

export interface Outcome {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  readonly millis: number
}

export interface Running {
  readonly pid: number
  readonly outcome: Effect.Effect<Outcome>
  /** What it has written so far. */
  readonly soFar: () => { readonly command: string } & Pick<Outcome, "stdout" | "stderr">
  readonly signal: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** To the stdin of a program that was started with a silent one. */
  readonly write: (text: string) => Effect.Effect<void>
}

/** The variables that a program needs to find Debian's tools, and no more. */
export const cleanEnvironment = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8" }

const text = (stream: Readable | null): (() => string) => {
  const chunks: Array<Buffer> = []
  stream?.on("data", (chunk: Buffer) => chunks.push(chunk))
  return () => Buffer.concat(chunks).toString("utf8")
}

export const start = Effect.fn("Program.start")(function* (
  program: string,
  args: ReadonlyArray<string>,
  options: Options = {}
): Effect.fn.Return<Running, ProgramError, Scope.Scope> {
  const done = yield* Deferred.make<Outcome>()
  const stdin = options.stdin ?? { is: "empty" }
  const closed = typeof stdin !== "string" && stdin.is === "closed"
  const piped = typeof stdin === "string" || stdin.is === "silent"

  let written = () => ({ stdout: "", stderr: "" })
  const spawn = Effect.callback<ChildProcess.ChildProcess, ProgramError>((resume) => {
    const began = performance.now()
    const log = options.log === undefined ? undefined : openSync(options.log, "a")
    const output = log ?? "pipe"
    const child = ChildProcess.spawn(
      closed ? "/bin/sh" : program,
      closed ? ["-c", 'exec "$0" "$@" <&-', program, ...args] : [...args],
      {
        env: { ...(options.env ?? cleanEnvironment) },
        cwd: options.cwd,
        stdio: [piped ? "pipe" : "ignore", output, output]
      }
    )
    if (log !== undefined) closeSync(log)
    const [stdout, stderr] = [text(child.stdout), text(child.stderr)]
    written = () => ({ stdout: stdout(), stderr: stderr() })
    child.on("error", (error) => resume(Effect.fail(new ProgramError({ program, problem: error.message }))))
    child.on("spawn", () => resume(Effect.succeed(child)))
    child.on("close", (status, signal) =>
      Deferred.doneUnsafe(done, Effect.succeed({ status, signal, ...written(), millis: performance.now() - began }))
    )
    // A program that does not read its stdin closes the pipe, which is allowed.
    child.stdin?.on("error", () => undefined)
    if (typeof stdin === "string") child.stdin?.end(stdin)
  })

  const end = (child: ChildProcess.ChildProcess) =>
    Effect.gen(function* () {
      if (child.exitCode === null && child.signalCode === null) {
        if (options.stop !== undefined) {
          child.kill(options.stop)
          yield* Effect.timeoutOption(Deferred.await(done), "5 seconds")
        }
        child.kill("SIGKILL")
      }
      child.stdin?.destroy()
      // A grandchild may keep the pipes open, so their end is not awaited.
      yield* Effect.timeoutOption(Deferred.await(done), "5 seconds")
    })

  const child = yield* Effect.acquireRelease(spawn, end)
  return {
    pid: child.pid ?? 0,
    outcome: Deferred.await(done),
    soFar: () => ({ command: [program, ...args].join(" "), ...written() }),
    signal: (signal) => Effect.sync(() => void child.kill(signal)),
    write: (text) => Effect.sync(() => void child.stdin?.write(text))
  }
})

/** Its end. The deadline is for a hang: a minute, unless it works for longer. */
export const ended = (running: Running, deadline: Duration.Input = "1 minute"): Effect.Effect<Outcome, ProgramError> =>
  Effect.timeoutOrElse(running.outcome, {
    duration: deadline,
    orElse: () =>
      Effect.suspend(() => {
        const { command, stderr, stdout } = running.soFar()
        const problem = `still running at its deadline; stdout: ${stdout}; stderr: ${stderr}`
        return new ProgramError({ program: command, problem })
      })
  })

/** Runs it to its end, but not longer than `deadline`. */
export const run = (
  program: string,
  args: ReadonlyArray<string>,
  options: Options & { readonly deadline?: Duration.Input } = {}
): Effect.Effect<Outcome, ProgramError> =>
  start(program, args, options).pipe(
    Effect.flatMap((running) => ended(running, options.deadline)),
    Effect.scoped
  )

/** Like {@link run}; any exit status but 0 is an error with the program's output. */
export const succeed = (
  program: string,
  args: ReadonlyArray<string>,
  options: Options & { readonly deadline?: Duration.Input } = {}
): Effect.Effect<string, ProgramError> =>
  Effect.flatMap(run(program, args, options), ({ signal, status, stderr, stdout }) =>
    status === 0
      ? Effect.succeed(stdout)
      : new ProgramError({
          program: [program, ...args].join(" "),
          problem: `exit status ${status ?? signal}: ${stderr || stdout}`
        })
  )
