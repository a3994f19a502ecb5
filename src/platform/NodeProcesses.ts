/** {@link Processes} on `node:child_process`, for Node. */
import { type ChildProcess, spawn } from "node:child_process"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type Ended, ProcessError, Processes, type Run } from "./Processes.ts"

const run = ({ args, env, limit, program, stdin }: Run): Effect.Effect<Ended, ProcessError> =>
  Effect.callback<Ended, ProcessError>((resume) => {
    const failed = (code: string) => resume(Effect.fail(new ProcessError({ program, code })))
    const child = spawn(program, args, { env, stdio: "pipe" })
    const stdout = collect(child, "stdout", limit, () => failed("TOOBIG"))
    const stderr = collect(child, "stderr", limit, () => failed("TOOBIG"))
    child.on("error", (error: NodeJS.ErrnoException) => failed(error.code ?? error.message))
    child.on("close", (code, signal) =>
      resume(Effect.succeed({ status: code ?? signal ?? 0, stdout: stdout(), stderr: stderr() }))
    )
    // A child that ends without reading its input breaks the pipe; its exit status says what happened.
    child.stdin.on("error", () => {})
    child.stdin.end(stdin)
    return Effect.callback<void>((reaped) => {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return reaped(Effect.void)
      child.once("exit", () => reaped(Effect.void))
      child.kill("SIGKILL")
    })
  })

const collect = (child: ChildProcess, from: "stdout" | "stderr", limit: number, overflow: () => void) => {
  const chunks: Array<Buffer> = []
  let size = 0
  child[from]?.on("data", (chunk: Buffer) => {
    size += chunk.length
    if (size <= limit) chunks.push(chunk)
    else if (child.kill("SIGKILL")) overflow()
  })
  return () => Buffer.concat(chunks).toString("utf8")
}

export const layer = Layer.succeed(Processes, Processes.of({ run }))
