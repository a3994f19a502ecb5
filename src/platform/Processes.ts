/**
 * Child processes: the edge under IPAM delegation. Runs a program to its end with bounded output; interruption (a
 * deadline, SIGTERM) kills and reaps it, so that no zombie and no orphan stays. Two layers keep one suite: Node's, and
 * bun's own, which starts 4 ms faster.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

export class ProcessError extends Schema.TaggedError<ProcessError>()("ProcessError", {
  program: Schema.String,
  /** `ENOENT`, `EACCES`, ...; `TOOBIG`: more output than allowed, and the program was killed. */
  code: Schema.String
}) {
  override get message(): string {
    return `run ${this.program}: ${this.code}`
  }
}

export interface Run {
  readonly program: string
  readonly args: ReadonlyArray<string>
  /** The whole environment of the child. */
  readonly env: Readonly<Record<string, string>>
  readonly stdin: string
  /** Bytes of stdout, and of stderr. */
  readonly limit: number
}

export interface Ended {
  /** Exit status, or the signal's name. */
  readonly status: number | string
  readonly stdout: string
  readonly stderr: string
}

export class Processes extends Context.Service<
  Processes,
  { readonly run: (run: Run) => Effect.Effect<Ended, ProcessError> }
>()("userspace-cni/Processes") {}
