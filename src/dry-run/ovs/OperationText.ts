/**
 * A transaction for people: one line for each operation, which says what it searches, creates and changes, and the
 * ovs-vsctl command that does the same. Pure.
 */
import type { Operation, Row, Value } from "../../ovs/client/OvsdbMessages.ts"
import { shellWord } from "../../platform/text/ShellWord.ts"

/** Returns the name of a row from its UUID, or from its `uuid-name` in this transaction. */
export type NameOf = (reference: string) => string

/** Omits reads and comments, which change nothing. */
export const operationLines = (operations: ReadonlyArray<Operation>, nameOf: NameOf): ReadonlyArray<string> =>
  operations.flatMap((operation) => {
    switch (operation.op) {
      case "wait":
        return [`only if ${precondition(operation, nameOf)}`]
      case "insert":
        return [`insert ${operation.table} ${columns(operation.row, nameOf)}`]
      case "mutate": {
        const record = operation.where.map(([, , value]) => shown(value, nameOf)).join(" ")
        return operation.mutations.map(
          ([column, mutator, value]) =>
            `mutate ${operation.table} ${record}${record === "" ? "" : " "}${column} ${mutator} ${shown(value, nameOf)}`
        )
      }
      default:
        return []
    }
  })

const precondition = (
  { rows, table, until, where }: Extract<Operation, { readonly op: "wait" }>,
  nameOf: NameOf
): string => {
  const which = where.map(([column, , value]) => (column === "_uuid" ? "" : assigned(column, value, nameOf))).join()
  const [row] = rows
  if (row === undefined) return `${until === "==" ? "no" : "a"} ${table} has ${which}`
  const record = where.map(([, , value]) => shown(value, nameOf)).join()
  return Object.entries(row)
    .map(([column, value]) => `${column} of ${record} ${until} ${shown(value, nameOf)}`)
    .join(" and ")
}

const columns = (row: Row, nameOf: NameOf): string => {
  const { name, ...rest } = row
  return [
    ...(name === undefined ? [] : [String(name)]),
    ...Object.entries(rest).map(([column, value]) =>
      column === "external_ids" ? ids(value) : assigned(column, value, nameOf)
    )
  ].join(" ")
}

/** Abbreviates the plugin's mark, which is five pairs with the attachment's identity on every row. */
const ids = (value: Value): string => {
  const pairs = typeof value === "object" && value[0] === "map" ? value[1] : []
  const others = pairs.filter(([key]) => !String(key).startsWith("userspace-cni"))
  return [
    "external_ids=(our mark)",
    ...others.map(([key, text]) => `external_ids:${String(key)}=${String(text)}`)
  ].join(" ")
}

/** In the notation of ovs-vsctl: `tag=7`, `options:n_rxq=2`. */
const assigned = (column: string, value: Value, nameOf: NameOf): string =>
  typeof value === "object" && value[0] === "map"
    ? value[1].map(([key, text]) => `${column}:${String(key)}=${String(text)}`).join(" ")
    : `${column}=${shown(value, nameOf)}`

const shown = (value: Value, nameOf: NameOf): string => {
  if (typeof value !== "object") return String(value)
  const [kind, inside] = value
  if (kind === "uuid" || kind === "named-uuid") return nameOf(inside)
  return kind === "map"
    ? inside.map(([key, text]) => `${String(key)}=${String(text)}`).join(",")
    : inside.map((atom) => shown(atom, nameOf)).join(",")
}

type Insert = Extract<Operation, { readonly op: "insert" }>
type Mutate = Extract<Operation, { readonly op: "mutate" }>

/**
 * One line for a shell, with its commands separated by `--`. Preconditions are omitted; add-port and add-br check the
 * important ones. ovs-vsctl(8): ovs-vsctl increments next_cfg by itself and waits for ovs-vswitchd unless `--no-wait`
 * is given.
 */
export const vsctlLine = (operations: ReadonlyArray<Operation>, nameOf: NameOf): string => {
  const inserts = operations.filter((operation) => operation.op === "insert")
  const mutations = operations.filter((operation) => operation.op === "mutate")
  const made = inserts.filter(({ table }) => table === "Bridge").map(({ row }) => String(row["name"]))
  const bridge = made[0] ?? mutations.flatMap((mutation) => bridgeOf(mutation, nameOf))[0]
  const commands = [
    ...inserts.flatMap((insert) => (insert.table === "Bridge" ? addBridge(insert) : [])),
    ...inserts.flatMap((insert) => (isLocal(insert, made) ? [] : addPort(insert, bridge ?? ""))),
    ...inserts.flatMap((insert) => (isLocal(insert, made) ? [] : setInterface(insert))),
    ...mutations.flatMap((mutation) => removal(mutation, nameOf))
  ]
  // DEL does not wait for ovs-vswitchd, ADD does.
  return [`ovs-vsctl${inserts.length === 0 ? " --no-wait" : ""}`, commands.join(" -- ")].join(" ")
}

const addBridge = ({ row }: Insert): ReadonlyArray<string> => {
  const { name, ports: _, ...columns } = row
  const word = shellWord(String(name))
  return [`add-br ${word}`, `set Bridge ${word}${assignments(columns)}`]
}

/** add-br creates a bridge's own port and interface. */
const isLocal = ({ row, table }: Insert, made: ReadonlyArray<string>): boolean =>
  table !== "Bridge" && made.includes(String(row["name"]))

const addPort = ({ row, table }: Insert, bridge: string): ReadonlyArray<string> => {
  const { interfaces: _, name, ...columns } = row
  return table === "Port" ? [`add-port ${shellWord(bridge)} ${shellWord(String(name))}${assignments(columns)}`] : []
}

const setInterface = ({ row, table }: Insert): ReadonlyArray<string> => {
  const { name, ...columns } = row
  return table === "Interface" ? [`set Interface ${shellWord(String(name))}${assignments(columns)}`] : []
}

const assignments = (columns: Row): string =>
  Object.entries(columns)
    .flatMap(([column, value]) => setting(column, value))
    .map((word) => ` ${word}`)
    .join("")

const setting = (column: string, value: Value): ReadonlyArray<string> => {
  if (typeof value !== "object") return [`${column}=${quoted(String(value))}`]
  const [kind, inside] = value
  if (kind === "map") return inside.map(([key, text]) => `${column}:${String(key)}=${quoted(String(text))}`)
  return kind === "set" ? [`${column}=${inside.map(String).join(",")}`] : []
}

/** Quotes as a JSON string for ovs-vsctl, inside quotes for the shell. */
const quoted = (text: string): string => (/^[A-Za-z0-9_./@+-]+$/.test(text) ? text : shellWord(JSON.stringify(text)))

const bridgeOf = ({ table, where }: Mutate, nameOf: NameOf): ReadonlyArray<string> =>
  table === "Bridge" ? where.flatMap(([, , value]) => references(value).map(nameOf)) : []

const removal = (mutation: Mutate, nameOf: NameOf): ReadonlyArray<string> =>
  mutation.mutations.flatMap(([column, mutator, value]) => {
    if (mutator !== "delete") return []
    const names = references(value).map(nameOf)
    return column === "bridges"
      ? names.map((name) => `del-br ${shellWord(name)}`)
      : bridgeOf(mutation, nameOf).flatMap((bridge) =>
          names.map((name) => `del-port ${shellWord(bridge)} ${shellWord(name)}`)
        )
  })

const references = (value: Value): ReadonlyArray<string> => {
  if (typeof value !== "object") return []
  const [kind, inside] = value
  if (kind === "uuid" || kind === "named-uuid") return [inside]
  return kind === "set" ? inside.flatMap((atom) => (typeof atom === "object" ? [atom[1]] : [])) : []
}
