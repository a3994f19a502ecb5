/**
 * Whether the agent takes calls of a caller at all: when it serves, from callers of its version and its location, for
 * whom paths mean the same files.
 */
import * as Fs from "node:fs"
import type * as Http from "node:http"
import * as Result from "effect/Result"
import { version } from "../app/Version.ts"
import { mountNamespace } from "./Location.ts"
import * as Protocol from "./Protocol.ts"

export interface Refusal {
  readonly status: number
  /** In a word, for metrics. */
  readonly reason: string
  readonly why: string
  /** What an administrator does about it; absent: nothing. */
  readonly cure?: string
}

interface Here {
  readonly is: "starting" | "ready" | "draining"
  /** Of the agent. */
  readonly namespaces: string
}

/** Of every call of this caller. */
export const refusalOf = (headers: Http.IncomingHttpHeaders, { is, namespaces }: Here): Refusal | undefined => {
  if (is !== "ready") return { status: 503, reason: is, why: is }
  const theirs = headers[Protocol.versionHeader]
  if (theirs !== version) {
    const why = `the agent has version ${version}, and the caller ${theirs}`
    return { status: 409, reason: "version", why, cure: "Restart the agent after an upgrade." }
  }
  const why =
    headers[Protocol.namespacesHeader] === namespaces
      ? otherMount(headers[Protocol.mountsHeader])
      : "the caller has another root directory, network namespace or PID namespace"
  return why === undefined ? undefined : { status: 421, reason: "namespaces", why, cure: elsewhere }
}

const elsewhere = "Run the agent in the root directory and in the mount, network and PID namespaces of the runtime."

const looks = 3

/** A peer without the header, such as a person with curl, is assumed to be on the node. */
const otherMount = (header: string | ReadonlyArray<string> | undefined): string | undefined => {
  if (header === undefined) return undefined
  const [pid = "", namespace] = String(header).split(" ")
  if (namespace === mountNamespace()) return undefined
  if (!/^\d+$/.test(pid)) return "the caller has other mounts"
  // Mounts of other pods come and go between two reads.
  let point: string | undefined
  for (let look = 0; look < looks; look++) {
    const before = point
    point = otherPoint(pid)
    if (point === undefined) return undefined
    if (point === before) break
  }
  return `the caller has other mounts: ${point} differs`
}

/** Undefined: there is none. */
const otherPoint = (pid: string): string | undefined =>
  Result.getOrElse(
    Result.try(() => differsAt({ theirs: tableOf(pid), ours: tableOf("self"), parents: tableOf(parentOf(pid)) })),
    () => "/proc"
  )

/** Throws without such a process. */
const tableOf = (pid: string): string => Fs.readFileSync(`/proc/${pid}/mountinfo`, "utf8")

const parentOf = (pid: string): string => {
  const [, parent = "none"] = /^PPid:\s+(\d+)$/m.exec(Fs.readFileSync(`/proc/${pid}/status`, "utf8")) ?? []
  return parent
}

/** Tables of mounts (proc_pid_mountinfo(5)). */
export interface Tables {
  readonly ours: string
  readonly theirs: string
  /** Of the process that started it. Thick Multus' daemon has the container's root directory. */
  readonly parents: string
}

interface Mount {
  /** Device, directory in the file system, mount point, `ro` or `rw`. */
  readonly line: string
  /** Device, and directory in the file system. */
  readonly source: string
  readonly point: string
}

const mountsIn = (table: string): ReadonlyArray<Mount> =>
  table.split("\n").flatMap((text) => {
    const [, , device, directory, point, options = ""] = text.split(" ")
    if (point === undefined) return []
    const source = `${device} ${directory}`
    return [{ line: `${source} ${point} ${options.split(",")[0]}`, source, point }]
  })

const linesOf = (mounts: ReadonlyArray<Mount>): ReadonlySet<string> => new Set(mounts.map(({ line }) => line))

/** The mount points, other than `/`, of what is the root directory of the process with this table. */
const rootsOf = (parents: ReadonlyArray<Mount>, common: ReadonlyArray<Mount>): ReadonlyArray<string> => {
  const roots = new Set(parents.filter(({ point }) => point === "/").map(({ source }) => source))
  return common.filter(({ point, source }) => point !== "/" && roots.has(source)).map(({ point }) => point)
}

/**
 * The first mount point where files differ; undefined: there is none. A process whose root is the node's in a container's
 * mount namespace, as one of thick Multus, sees the node's mounts. It sees those of its own container as well, below the
 * container's root directory; no call means files there.
 */
export const differsAt = ({ ours, parents, theirs }: Tables): string | undefined => {
  const [own, their] = [mountsIn(ours), mountsIn(theirs)]
  const [known, seen] = [linesOf(own), linesOf(their)]
  const missing = own.find(({ line }) => !seen.has(line))
  if (missing !== undefined) return missing.point
  const more = their.filter(({ line }) => !known.has(line))
  if (more.length === 0) return undefined
  const roots = rootsOf(mountsIn(parents), own)
  return more.find(({ point }) => !roots.some((root) => point.startsWith(`${root}/`)))?.point
}
