/**
 * Child processes: the edge below IPAM delegation. Runs a program to its end with bounded output; interruption (a
 * deadline, SIGTERM) kills its process group and reaps it, so that no zombie and no orphan is left. Two layers share
 * one suite: Node's, and bun's own, which starts 4 ms faster.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"

export class ProcessError extends Data.TaggedError("ProcessError")<{
  readonly program: string
  /** `ENOENT`, `EACCES`, ...; `TOOBIG`: the output exceeded the limit, and the program was killed. */
  readonly code: string
}> {
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
  /** Limit of stdout and of stderr, in bytes. */
  readonly limit: number
  /** Receives stderr as it comes. What a killed program wrote before is in no {@link Ended}. */
  readonly onStderr?: (chunk: Uint8Array) => void
}

export interface Ended {
  /** Exit status, or the name of the signal. */
  readonly status: number | string
  readonly stdout: string
  readonly stderr: string
}

export class Processes extends Context.Service<
  Processes,
  { readonly run: (run: Run) => Effect.Effect<Ended, ProcessError> }
>()("userspace-cni/Processes") {}

/** Kills a child with its process group, which it leads. Succeeds when they are gone already. */
export const killGroup = (pid: number): void =>
  Effect.runSync(Effect.ignore(Effect.try({ try: () => process.kill(-pid, "SIGKILL"), catch: String })))
