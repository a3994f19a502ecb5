/**
 * Reads all rows of a switch's database on a separate connection, without the plugin's client and without a process,
 * because the campaign reads it thousands of times.
 */
import { readFileSync } from "node:fs"
import { createConnection } from "node:net"
import { Effect, Predicate, Result } from "effect"

const schemaFile = "/usr/share/openvswitch/vswitch.ovsschema"

/** Columns with the time or the load, which are no configuration. */
const volatile = new Set(["_version", "cur_cfg", "next_cfg", "statistics", "link_resets", "duplex", "link_speed"])

/** Columns that ovs-vswitchd writes: after a restart its ports may have other numbers and devices. */
const written = new Set([
  ...["ofport", "status", "link_state", "admin_state", "mtu", "mac_in_use", "ifindex", "error", "datapath_id"],
  ...["ovs_version", "db_version", "dpdk_version", "dpdk_initialized", "datapath_types", "iface_types", "datapaths"]
])

/** Read on first use: not every machine has it. */
let known: ReadonlyArray<string> | undefined
const tablesOf = (): ReadonlyArray<string> => {
  known ??= Object.keys(member(JSON.parse(readFileSync(schemaFile, "utf8")), "tables"))
  return known
}

const member = (value: unknown, key: string): object => {
  const inner = Predicate.hasProperty(value, key) ? value[key] : undefined
  return Predicate.isObject(inner) ? inner : {}
}

const list = (value: object): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])

const isEmpty = (text: string): boolean => text === '["set",[]]' || text === '["map",[]]'

/** A row's columns as text, without the empty ones: short enough to see a difference. */
const inWords = (row: unknown, configured: boolean): string =>
  Object.entries(Predicate.isObject(row) ? row : {})
    .filter(([name]) => !volatile.has(name) && !(configured && written.has(name)))
    .map(([name, value]) => [name, JSON.stringify(value)] as const)
    .filter(([, value]) => !isEmpty(value))
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(" ")

/** `configured`: without the columns that ovs-vswitchd writes. */
export const rows = (socket: string, configured: boolean): Effect.Effect<Readonly<Record<string, string>>> => {
  const tables = tablesOf()
  const params = ["Open_vSwitch", ...tables.map((table) => ({ op: "select", table, where: [] }))]
  return Effect.map(ask(socket, JSON.stringify({ id: 0, method: "transact", params })), (reply) => {
    const found: Record<string, string> = {}
    for (const [index, result] of list(member(reply, "result")).entries()) {
      for (const row of list(member(result, "rows"))) {
        const name = Predicate.hasProperty(row, "name") ? row.name : member(row, "_uuid")
        found[`${tables[index]} ${typeof name === "string" ? name : JSON.stringify(name)}`] = inWords(row, configured)
      }
    }
    return found
  })
}

/** The reply is complete when it can be parsed. */
const ask = (socket: string, request: string): Effect.Effect<unknown> =>
  Effect.callback<unknown, Error>((resume) => {
    const connection = createConnection({ path: socket }, () => connection.write(request))
    let text = ""
    connection.setEncoding("utf8")
    connection.on("error", (cause) => resume(Effect.fail(cause)))
    connection.on("close", () => resume(Effect.fail(new Error(`${socket} hung up after ${text.slice(0, 200)}`))))
    connection.on("data", (chunk) => {
      text += chunk
      const reply = text.endsWith("}") ? Result.try((): unknown => JSON.parse(text)) : Result.fail("more")
      if (Result.isFailure(reply)) return
      resume(Effect.succeed(reply.success))
      connection.destroy()
    })
    return Effect.sync(() => connection.destroy())
  }).pipe(
    Effect.timeoutOrElse({ duration: "1 minute", orElse: () => Effect.fail(new Error(`${socket} does not answer`)) }),
    Effect.orDie
  )
