/**
 * The ovs-vsctl command equivalent to one of the plugin's transactions, for people. Preconditions are omitted; add-port
 * and add-br check the important ones. Pure. ovs-vsctl(8): ovs-vsctl increments next_cfg by itself and waits for
 * ovs-vswitchd unless `--no-wait` is given.
 */
import { shellWord } from "../../platform/text/ShellWord.ts"
import type { Operation, Row, Value } from "../wire/Notation.ts"

type Insert = Extract<Operation, { readonly op: "insert" }>
type Mutate = Extract<Operation, { readonly op: "mutate" }>

/** Returns the name of a row from its UUID, or from its `uuid-name` in this transaction. */
export type NameOf = (reference: string) => string

/** Returns one line for a shell, with its commands separated by `--`. */
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
    .flatMap(([column, value]) => assigned(column, value))
    .map((word) => ` ${word}`)
    .join("")

const assigned = (column: string, value: Value): ReadonlyArray<string> => {
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
