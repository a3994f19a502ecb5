/**
 * Inspection from inside a container: the sources of its interfaces, their sockets, who may use them, and the memory
 * that DPDK would need. Neither the switch nor the node is visible.
 */
import * as Effect from "effect/Effect"
import { cureForUntold, type Discovered } from "../../container/Discovery.ts"
import type { Presence, Problem } from "../../container/Presence.ts"
import { type Interface, partOf, socketMadeBy } from "../../container/read/Interface.ts"
import { assumption } from "../../container/read/Sandbox.ts"
import { Files } from "../../platform/Files.ts"
import { found, type Judged, nothing, together, unknown, unseen, well } from "./findings/Finding.ts"
import type { FindingId } from "./findings/Findings.ts"

interface Seen {
  readonly one: Interface
  readonly presence: Presence
}

/** Page sizes of the mounted hugetlbfs; undefined: they cannot be read. */
type Mounts = ReadonlyArray<string> | undefined

export const lookAtMounts = Effect.gen(function* () {
  const files = yield* Files
  const text = yield* Effect.orElseSucceed(files.read("/proc/mounts", 4 << 20), () => undefined)
  const mounts: Mounts = text === undefined ? undefined : hugetlbfsIn(text)
  return mounts
})

export const hugetlbfsIn = (mounts: string): ReadonlyArray<string> =>
  mounts.split("\n").flatMap((line) => {
    const [, , type, options = ""] = line.split(" ")
    return type === "hugetlbfs" ? [/\bpagesize=(\w+)/.exec(options)?.[1] ?? "2M"] : []
  })

export const judge = (
  { interfaces, looked, others, problems, sandbox }: Discovered,
  seen: ReadonlyArray<Seen>,
  mounts: Mounts
): Judged => {
  const assumed = assumption(sandbox)
  return together([
    interfaces.length === 0
      ? found(
          "container config",
          "container-config-missing",
          [...looked, ...(others ? [cureForUntold({ interfaces, others })] : [])].join("; ")
        )
      : well("container config", looked.join("; ")),
    ...(assumed === undefined ? [] : [unknown("sandbox", assumed)]),
    ...problems.map((problem) => found("container config", "container-config-damaged", problem)),
    ...seen.map(ofInterface),
    memory(mounts, seen)
  ])
}

const ids: { readonly [P in Problem]: FindingId } = {
  "path too long": "socket-path-too-long",
  "no directory": "shared-directory-missing",
  obstructed: "socket-obstructed",
  "not made by the switch": "socket-missing",
  "may not connect": "application-may-not-connect",
  "may not create": "application-may-not-create-socket",
  stale: "socket-stale"
}

const ofInterface = ({ one, presence: { problem, words } }: Seen): Judged => {
  const link = `${one.name} (${one.kind} ${partOf(one)}, socket made by the ${socketMadeBy(one)})`
  const path = problem === "no directory" || problem === "may not create" ? directoryOf(one.socket) : one.socket
  return problem === undefined
    ? well(link, `${one.socket}: ${words}`)
    : found(link, ids[problem], `${one.socket}: ${words}`, { path })
}

const directoryOf = (path: string): string => path.slice(0, path.lastIndexOf("/")) || "/"

/** memif copies packets, and maps no memory of the switch. */
const memory = (mounts: Mounts, seen: ReadonlyArray<Seen>): Judged => {
  const link = "hugepages"
  if (!seen.some(({ one }) => one.kind === "vhost-user")) return nothing
  if (mounts === undefined) return unseen(link, "/proc/mounts cannot be read")
  if (mounts.length === 0) return found(link, "hugepages-not-mounted", "no hugetlbfs is mounted")
  const words = `hugetlbfs with pages of ${mounts.join(", ")} is mounted`
  return mounts.every((size) => /^\d+[kM]$/i.test(size)) ? found(link, "hugepages-scattered", words) : well(link, words)
}
