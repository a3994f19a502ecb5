/** {@link Processes} on `node:child_process`, for Node. */
import { type ChildProcess, spawn } from "node:child_process"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { type Ended, killGroup, ProcessError, Processes, type Run } from "../../../../src/platform/Processes.ts"

interface Started {
  readonly child: ChildProcess
  readonly ended: Deferred.Deferred<Ended, ProcessError>
}

const run = (wanted: Run): Effect.Effect<Ended, ProcessError> =>
  Effect.acquireUseRelease(
    start(wanted),
    ({ ended }) => Deferred.await(ended),
    ({ child }, exit) => (Exit.isSuccess(exit) ? Effect.void : kill(child))
  )

const failed = (program: string, cause: unknown) =>
  new ProcessError({ program, code: cause instanceof Error && "code" in cause ? String(cause.code) : String(cause) })

/** Listens from the first moment: Node drops output without a listener when the child ends. */
const start = ({ args, env, limit, onStderr, program, stdin }: Run): Effect.Effect<Started, ProcessError> =>
  Effect.try({
    try: () => {
      const ended = Deferred.makeUnsafe<Ended, ProcessError>()
      const child = spawn(program, args, { env, stdio: "pipe", detached: true })
      const overflow = () => Deferred.doneUnsafe(ended, Effect.fail(new ProcessError({ program, code: "TOOBIG" })))
      const stdout = collect(child, "stdout", limit, overflow)
      if (onStderr !== undefined) child.stderr.on("data", onStderr)
      const stderr = collect(child, "stderr", limit, overflow)
      child.on("error", (cause) => Deferred.doneUnsafe(ended, Effect.fail(failed(program, cause))))
      child.on("close", (code, signal) =>
        Deferred.doneUnsafe(ended, Effect.succeed({ status: code ?? signal ?? 0, stdout: stdout(), stderr: stderr() }))
      )
      // A child that ends without reading its input breaks the pipe; its exit status is sufficient.
      child.stdin.on("error", () => {})
      child.stdin.end(stdin)
      return { child, ended }
    },
    catch: (cause) => failed(program, cause)
  })

const kill = (child: ChildProcess) =>
  Effect.callback<void>((reaped) => {
    const { pid } = child
    if (pid === undefined) return reaped(Effect.void)
    killGroup(pid)
    if (child.exitCode !== null || child.signalCode !== null) return reaped(Effect.void)
    child.once("exit", () => reaped(Effect.void))
  })

const collect = (child: ChildProcess, from: "stdout" | "stderr", limit: number, overflow: () => void) => {
  const chunks: Array<Buffer> = []
  let size = 0
  child[from]?.on("data", (chunk: Buffer) => {
    size += chunk.length
    if (size <= limit) chunks.push(chunk)
    else overflow()
  })
  return () => Buffer.concat(chunks).toString("utf8")
}

export const layer = Layer.succeed(Processes, Processes.of({ run }))
