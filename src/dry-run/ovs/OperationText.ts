/** One line for each operation of a transaction, for people: what it searches, creates and changes. Pure. */

import type { NameOf } from "../../ovs/client/VsctlLine.ts"
import type { Operation, Row, Value } from "../../ovs/wire/Notation.ts"

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
