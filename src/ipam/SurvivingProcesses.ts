/**
 * IPAM processes that survived their killed caller: they may reserve an address after a DEL has released it. They are
 * found in /proc by their environment, if at all. Those of a live call of this process are excluded, because that call
 * releases what its plugin reserves. Loaded by the DEL of an attachment whose ADD did not complete.
 */
import { basename } from "node:path"
import * as Effect from "effect/Effect"
import type { Variables } from "../cni/types/Environment.ts"
import type { Files } from "../platform/Files.ts"
import { Deadlines } from "../program/Step.ts"

/** The kernel's limit of arguments and environment together (execve(2), with the default stack limit). */
const limit = 4 << 20

/** The first arguments of a script are its interpreter and an option. */
const programs = 3

/** The ADD whose processes are looked for. */
interface Killed {
  readonly plugin: string
  readonly variables: Variables
}

/** Returns when no such process is running any more. Fails with the reason of an `IpamError` when some run on. */
export const ended = Effect.fnUntraced(function* (files: Files["Service"], killed: Killed) {
  const { plugin } = killed
  let pids = yield* orphans(files, killed)
  if (pids.length === 0) return
  const { ipam: seconds } = yield* Deadlines
  yield* Effect.logInfo(`waiting for ${plugin} (pid ${pids.join(", ")}), started by a killed ADD`)
  // No new process can appear, because its caller is dead.
  const again = Effect.gen(function* () {
    yield* Effect.sleep("50 millis")
    pids = yield* orphans(files, killed, pids)
  })
  yield* Effect.repeat(again, { until: () => pids.length === 0 }).pipe(
    Effect.timeoutOrElse({
      duration: `${seconds} seconds`,
      orElse: () => Effect.fail({ _tag: "StillRuns" as const, pids, seconds })
    })
  )
})

/** Returns the processes that run this ADD, among `pids` if given. */
const orphans = Effect.fnUntraced(function* (
  files: Files["Service"],
  { plugin, variables }: Killed,
  among?: ReadonlyArray<string>
) {
  const words = (path: string) =>
    Effect.map(
      Effect.orElseSucceed(files.read(path, limit), () => ""),
      (text) => text.split("\0")
    )
  const wanted = [
    "CNI_COMMAND=ADD",
    `CNI_CONTAINERID=${variables["CNI_CONTAINERID"] ?? ""}`,
    `CNI_IFNAME=${variables["CNI_IFNAME"] ?? ""}`
  ]
  const found: Array<string> = []
  for (const pid of among ?? (yield* Effect.orElseSucceed(files.list("/proc"), () => []))) {
    if (!/^\d+$/.test(pid)) continue
    const environment = yield* words(`/proc/${pid}/environ`)
    if (!wanted.every((one) => environment.includes(one))) continue
    const command = yield* words(`/proc/${pid}/cmdline`)
    if (!command.slice(0, programs).some((word) => basename(word) === plugin)) continue
    if ((yield* parentOf(files, pid)) !== (yield* Effect.orElseSucceed(files.readLink("/proc/self"), () => ""))) {
      found.push(pid)
    }
  }
  return found
})

/** proc_pid_stat(5): state and parent follow the name, which may contain any character. */
const parentOf = (files: Files["Service"], pid: string) =>
  Effect.map(
    Effect.orElseSucceed(files.read(`/proc/${pid}/stat`, limit), () => ""),
    (stat) =>
      stat
        .slice(stat.lastIndexOf(")") + 1)
        .trim()
        .split(" ")[1]
  )
