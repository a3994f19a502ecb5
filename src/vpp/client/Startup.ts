/**
 * VPP reads the commands of `unix { exec FILE }` two seconds after its start (src/vlib/unix/main.c,
 * startup_config_process), and serves its API before. A bridge domain that they make has to be there before a port joins
 * it: else the port makes it, and the file fails at that line.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Files } from "../../platform/Files.ts"
import { socketAt } from "./VppClient.ts"

export const untilConfigured = 2_500

/**
 * Waits until the VPP with this API socket has read them; its socket is as old as it is. True: it had to. A socket that
 * cannot be seen, or is younger than now, tells nothing.
 */
export const configured = Effect.fnUntraced(function* (files: Files["Service"], path: string) {
  const there = yield* Effect.orElseSucceed(socketAt(files, path), () => undefined)
  const age = (yield* Clock.currentTimeMillis) - (there?.modified ?? 0)
  if (age < 0 || age >= untilConfigured) return false
  yield* Effect.sleep(untilConfigured - age)
  return true
})
