/**
 * VPP reads the commands of `unix { exec FILE }` two seconds after its start (src/vlib/unix/main.c,
 * startup_config_process), and serves its API before. A bridge domain from that file must exist before a port joins it;
 * otherwise the port creates it, and the file fails at that line.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Files } from "../../platform/Files.ts"
import { socketAt } from "./VppClient.ts"

export const untilConfigured = 2_500

/**
 * Waits until the VPP with this API socket has read them; its age is that of its socket. Returns whether it had to
 * wait. A socket that is not visible, or has a time in the future, gives no information.
 */
export const configured = Effect.fnUntraced(function* (files: Files["Service"], path: string) {
  const there = yield* Effect.orElseSucceed(socketAt(files, path), () => undefined)
  const age = (yield* Clock.currentTimeMillis) - (there?.modified ?? 0)
  if (age < 0 || age >= untilConfigured) return false
  yield* Effect.sleep(untilConfigured - age)
  return true
})
