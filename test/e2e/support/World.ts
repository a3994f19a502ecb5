/**
 * Everything that an attachment may touch, as one plain value, so that "nothing is left" and "nothing changed" are
 * exact comparisons: all tables of the switch's database, files with kind, mode, owner and content, mounts, leases,
 * processes.
 */
import { deepStrictEqual } from "node:assert/strict"
import { createHash } from "node:crypto"
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from "node:fs"
import { dirname } from "node:path"
import { isDeepStrictEqual } from "node:util"
import { Effect, Schema } from "effect"
import { lastSeen } from "../../support/Until.ts"
import { whileFull } from "./ListenQueue.ts"
import { type ProgramError, succeed } from "./Program.ts"

export interface Watched {
  /** The database's socket. */
  readonly database: string
  /** Directories, including everything below them. */
  readonly directories: ReadonlyArray<string>
  /** host-local's data directory. */
  readonly leases: string
  /** Processes whose CNI_PATH contains this were started by our calls. */
  readonly mark: string
}

export interface World {
  readonly tables: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly files: Readonly<Record<string, string>>
  readonly mounts: ReadonlyArray<string>
  readonly leases: ReadonlyArray<string>
  readonly processes: ReadonlyArray<string>
}

/** Columns with the time or the load, which are no configuration. */
const volatile: Readonly<Record<string, ReadonlyArray<string>>> = {
  Open_vSwitch: ["cur_cfg", "next_cfg", "statistics"],
  // The status has what ovs-vswitchd finds out about a port some time after its creation.
  Interface: ["statistics", "status", "link_resets", "duplex", "link_speed"],
  Port: ["statistics"]
}

const Dump = Schema.decodeUnknownEffect(
  Schema.fromJsonString(
    Schema.Struct({
      caption: Schema.String,
      headings: Schema.Array(Schema.String),
      data: Schema.Array(Schema.Array(Schema.Json))
    })
  )
)

const isEmpty = (value: Schema.Json | undefined): boolean => {
  const text = JSON.stringify(value)
  return text === '["set",[]]' || text === '["map",[]]'
}

/** `Port vhost0` with its columns, without the empty ones: short enough to see a difference. */
const tables = Effect.fn("World.tables")(function* (database: string) {
  const dump = yield* whileFull(
    succeed("ovsdb-client", ["-t", "60", "-f", "json", "dump", `unix:${database}`, "Open_vSwitch"])
  )
  const rows: Record<string, Readonly<Record<string, string>>> = {}
  for (const line of dump.split("\n").filter((text) => text !== "")) {
    const { caption, data, headings } = yield* Effect.orDie(Dump(line))
    const table = caption.replace(/ table$/, "")
    for (const row of data) {
      const columns = headings
        .map((name, i) => [name, row[i]] as const)
        .filter(([name, value]) => !(volatile[table] ?? []).includes(name) && !isEmpty(value))
        .map(([name, value]) => [name, JSON.stringify(value)] as const)
      const key = row[headings.indexOf("name")] ?? row[headings.indexOf("_uuid")]
      rows[`${table} ${typeof key === "string" ? key : JSON.stringify(key)}`] = Object.fromEntries(columns)
    }
  }
  return rows
})

/** What is read may be removed meanwhile: then it does not exist. */
const read = <A>(f: () => A, absent: A): Effect.Effect<A> => Effect.orElseSucceed(Effect.try(f), () => absent)

const describe = (path: string, stats: Stats): string => {
  const owner = `${(stats.mode & 0o7777).toString(8)} ${stats.uid}:${stats.gid}`
  if (stats.isDirectory()) return `directory ${owner}`
  if (stats.isSymbolicLink()) return `link to ${readlinkSync(path)}`
  if (stats.isFile())
    return `file ${owner} ${createHash("sha256").update(readFileSync(path)).digest("hex").slice(0, 16)}`
  return `${stats.isSocket() ? "socket" : "special"} ${owner}`
}

/** Each path below these directories with its properties. */
export const filesIn = Effect.fnUntraced(function* (directories: ReadonlyArray<string>) {
  const found: Record<string, string> = {}
  const queue = [...directories]
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    const here = path
    const stats = yield* read(() => lstatSync(here), undefined)
    if (stats === undefined) continue
    found[here] = yield* read(() => describe(here, stats), "gone while looking")
    if (stats.isDirectory()) queue.push(...(yield* read(() => readdirSync(here), [])).map((name) => `${here}/${name}`))
  }
  return Object.fromEntries(Object.entries(found).sort())
})

/** `network/address holder`. The lock and the last assigned address are host-local's own state, not leases. */
export const leasesIn = Effect.fnUntraced(function* (directory: string) {
  const found: Array<string> = []
  for (const network of yield* read(() => readdirSync(directory), [])) {
    for (const name of yield* read(() => readdirSync(`${directory}/${network}`), [])) {
      if (name === "lock" || name.startsWith("last_reserved_ip")) continue
      const holder = yield* read(() => readFileSync(`${directory}/${network}/${name}`, "utf8"), "")
      found.push(`${network}/${name} ${holder.replaceAll(/\s+/g, " ")}`)
    }
  }
  return found.sort()
})

/** Fifth field of mountinfo: the mount point. */
export const mounts = (directories: ReadonlyArray<string>) =>
  Effect.map(
    read(() => readFileSync("/proc/self/mountinfo", "utf8"), ""),
    (text) =>
      text
        .split("\n")
        .map((line) => line.split(" ")[4] ?? "")
        .filter((path) => directories.some((directory) => path.startsWith(`${directory}/`)))
        .sort()
  )

export const processes = Effect.fnUntraced(function* (mark: string) {
  const found: Array<string> = []
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const environment = yield* read(() => readFileSync(`/proc/${pid}/environ`, "utf8"), "")
    if (!environment.includes(mark)) continue
    if (!environment.split("\0").some((entry) => entry.startsWith("CNI_PATH=") && entry.includes(mark))) continue
    const command = yield* read(() => readFileSync(`/proc/${pid}/cmdline`, "utf8"), "")
    found.push(`${pid} ${command.replaceAll("\0", " ").trim()}`)
  }
  return found.sort()
})

export const lookOnce = (watched: Watched): Effect.Effect<World, ProgramError> =>
  Effect.all({
    tables: tables(watched.database),
    files: filesIn(watched.directories),
    mounts: mounts(watched.directories),
    leases: leasesIn(watched.leases),
    processes: processes(watched.mark)
  })

/** When the present ovs-vswitchd has begun; undefined: it is stopped or dead. */
const worksSince = ({ database }: Watched) =>
  read(() => {
    const pidfile = `${dirname(database)}/ovs-vswitchd.pid`
    const stat = readFileSync(`/proc/${Number(readFileSync(pidfile, "utf8"))}/stat`, "utf8")
    return /^[TZ]/.test(stat.slice(stat.lastIndexOf(")") + 2)) ? undefined : lstatSync(pidfile).mtimeMs
  }, undefined)

/**
 * ovs-vswitchd has removed the sockets of each bridge that the database no longer lists, except for those that one before
 * it has left, which it does not know.
 */
const isAtRest = Effect.fnUntraced(function* (watched: Watched, { files, tables }: World) {
  const since = yield* worksSince(watched)
  if (since === undefined) return true
  const left = Object.keys(files).filter((path) => {
    const [, bridge] = /([^/]+)\.(?:mgmt|snoop)$/.exec(path) ?? []
    return bridge !== undefined && !(`Bridge ${bridge}` in tables)
  })
  return !left.some((path) => (lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) > since)
})

/** When the switch has finished its work for the test before. */
export const look = (watched: Watched): Effect.Effect<World, ProgramError> =>
  Effect.map(
    lastSeen(
      Effect.flatMap(lookOnce(watched), (world) =>
        Effect.map(isAtRest(watched, world), (atRest) => ({ world, atRest }))
      ),
      ({ atRest }) => atRest
    ),
    ({ world }) => world
  )

/** Except for the numbers of processes and of the bridges' devices, which a restart of the switch changes. */
export const withoutNumbers = ({ files, tables, ...rest }: World): World => ({
  ...rest,
  tables: Object.fromEntries(Object.entries(tables).map(([row, { ifindex: _, ...columns }]) => [row, columns])),
  files: Object.fromEntries(Object.entries(files).filter(([path]) => !path.endsWith(".pid")))
})

/**
 * The state becomes exactly `before`: DEL does not wait for the switch to remove what the database no longer lists. Shows
 * the difference otherwise.
 */
export const returnsTo = Effect.fn("World.returnsTo")(function* (watched: Watched, before: World) {
  deepStrictEqual(yield* lastSeen(lookOnce(watched), (world) => isDeepStrictEqual(world, before)), before)
})

/** Compares once, without waiting. */
export const isStill = Effect.fn("World.isStill")(function* (watched: Watched, before: World) {
  deepStrictEqual(yield* look(watched), before)
})
