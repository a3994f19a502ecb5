/**
 * Times whole processes, from spawn to exit. Runs under bun, whose spawnSync costs least beside the process itself.
 * Peak memory comes from GNU time, because a child that bun spawns inherits bun's own peak (ru_maxrss survives exec).
 */
import { readFileSync, rmSync } from "node:fs"
import { spawn, spawnSync } from "bun"
import { Effect } from "effect"

export interface Process {
  readonly command: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
  readonly stdin: string
}

export interface Run {
  readonly millis: number
  /** Of the process and those that it has waited for. */
  readonly cpuMillis: number
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export const run = ({ command, env, stdin }: Process): Run => {
  const input = Buffer.from(stdin)
  const began = performance.now()
  const child = spawnSync([...command], { env: { ...env }, stdin: input, stdout: "pipe", stderr: "pipe" })
  const millis = performance.now() - began
  return {
    millis,
    cpuMillis: Number(child.resourceUsage.cpuTime.total) / 1000,
    status: child.exitCode,
    stdout: child.stdout.toString(),
    stderr: child.stderr.toString()
  }
}

/** Runs all at once; returns the time of each in milliseconds. */
export const runAll = (processes: ReadonlyArray<Process>): Effect.Effect<ReadonlyArray<number>> =>
  Effect.forEach(
    processes,
    Effect.fnUntraced(function* ({ command, env, stdin }) {
      const began = performance.now()
      const child = spawn([...command], { env: { ...env }, stdin: Buffer.from(stdin), stdout: "pipe", stderr: "pipe" })
      const status = yield* Effect.promise(() => child.exited)
      const millis = performance.now() - began
      if (status === 0) return millis
      return yield* Effect.die(`${command[0]} failed: ${yield* Effect.promise(() => child.stdout.text())}`)
    }),
    { concurrency: "unbounded" }
  )

/** Kilobytes. */
export const peakMemory = (process: Process, scratch: string): number => {
  const { status } = run({ ...process, command: ["/usr/bin/time", "-f", "%M", "-o", scratch, ...process.command] })
  if (status !== 0) throw new Error(`${process.command.join(" ")} failed under /usr/bin/time: ${status}`)
  const kilobytes = Number(readFileSync(scratch, "utf8").trim())
  rmSync(scratch)
  return kilobytes
}
