/**
 * The rows of a switch as a plan leaves them: those that the real database had, with what the plan inserts, changes and
 * removes. They answer a transaction, and take ovs-vswitchd to apply it at once. No constraint is checked but `wait`:
 * that is the real database's work. RFC 7047, section 5.2.
 */

import type { TransactResult } from "../../ovs/client/OvsdbMessages.ts"
import {
  type Condition,
  type MapValue,
  type Mutation,
  named,
  type Operation,
  type Row,
  type SetValue,
  set,
  uuid,
  type Value
} from "../../ovs/client/OvsdbMessages.ts"
import { Bridge, Interface, Port, Root, select } from "../../ovs/client/Transactions.ts"

const none: SetValue = ["set", []]
const noPairs: MapValue = ["map", []]

interface Kind {
  readonly columns: ReadonlyArray<string>
  /** The column with references to rows of another table, which go with this one. */
  readonly refers?: readonly [column: string, table: string]
  /** A new row after ovs-vswitchd has applied it. */
  readonly applied: Row
}

const kinds: Readonly<Record<string, Kind>> = {
  [Root.name]: { columns: [...Root.columns, "bridges"], refers: ["bridges", Bridge.name], applied: {} },
  [Bridge.name]: {
    columns: [...Bridge.columns, "ports"],
    refers: ["ports", Port.name],
    applied: { datapath_id: "1", fail_mode: none, external_ids: noPairs }
  },
  [Port.name]: {
    columns: Port.columns,
    refers: ["interfaces", Interface.name],
    applied: { tag: none, trunks: none, vlan_mode: none, external_ids: noPairs }
  },
  [Interface.name]: {
    columns: Interface.columns,
    applied: {
      ...{ options: noPairs, status: noPairs, external_ids: noPairs },
      ...{ ofport: 1, error: none, link_state: "down", mtu: 0, mtu_request: none },
      ...{ ingress_policing_rate: 0, ingress_policing_burst: 0 }
    }
  }
}

/** The only row of a switch that is assumed: empty, with DPDK. */
const assumed: Row = {
  ...{ _uuid: uuid("root"), bridges: none, cur_cfg: 0, next_cfg: 0, dpdk_initialized: true },
  iface_types: set(["dpdkvhostuser", "dpdkvhostuserclient"])
}

export const reads: ReadonlyArray<Operation> = Object.entries(kinds).map(([name, { columns }]) =>
  select({ name, columns }, [])
)

type Outcome = { readonly rows: ReadonlyArray<Row> } | { readonly uuid: Value } | { readonly count: number } | object

/**
 * `real`: the results of {@link reads}; undefined assumes an empty switch. `moved`: ovs-vswitchd creates, or removes, the
 * interface of this row, and its socket.
 */
export const make = (real: TransactResult | undefined, moved: (row: Row, isNew: boolean) => void) => {
  /** By UUID; a new row has its `uuid-name` for one. */
  const tables = new Map(Object.keys(kinds).map((table) => [table, new Map<string, Row>()]))
  const made = new Set<string>()
  /** Also of the rows that the plan removes. */
  const names = new Map<string, string>()
  const put = (table: string, row: Row) => {
    tables.get(table)?.set(idOf(row), row)
    names.set(idOf(row), String(row["name"]))
  }
  if (real === undefined) put(Root.name, assumed)
  for (const [index, table] of Object.keys(kinds).entries()) {
    for (const row of real?.[index]?.rows ?? []) if (isRow(row)) put(table, row)
  }

  const rowsOf = (table: string, where: ReadonlyArray<Condition>) =>
    [...(tables.get(table)?.values() ?? [])].filter((row) => where.every(holds(row)))

  /** Removes a row with those that only it refers to, as the database does. */
  const remove = (table: string, id: string): void => {
    const row = tables.get(table)?.get(id)
    const [column, below] = kinds[table]?.refers ?? []
    if (row === undefined) return
    if (table === Interface.name) moved(row, false)
    tables.get(table)?.delete(id)
    for (const one of references(row[column ?? ""] ?? none)) remove(below ?? "", one)
  }

  const insert = ({ row, table, "uuid-name": name = table }: Extract<Operation, { readonly op: "insert" }>) => {
    const values = Object.entries(row).map(([column, value]): [string, Value] => [column, resolved(value)])
    const whole: Row = { ...kinds[table]?.applied, ...Object.fromEntries(values), _uuid: uuid(name) }
    made.add(name)
    put(table, whole)
    if (table === Interface.name) moved(whole, true)
    return { uuid: uuid(name) }
  }

  const mutate = ({ mutations, table, where }: Extract<Operation, { readonly op: "mutate" }>) => {
    const rows = rowsOf(table, where)
    const [column, below] = kinds[table]?.refers ?? []
    for (const row of rows) put(table, mutations.reduce(mutated, row))
    for (const [at, mutator, value] of mutations) {
      if (at === column && mutator === "delete") for (const id of references(value)) remove(below ?? "", id)
    }
    return { count: rows.length }
  }

  const perform = (operation: Operation): Outcome => {
    switch (operation.op) {
      case "comment":
        return {}
      case "insert":
        return insert(operation)
      case "mutate":
        return mutate(operation)
      case "select":
        return { rows: rowsOf(operation.table, operation.where) }
      case "wait": {
        const rows = rowsOf(operation.table, operation.where)
        const same =
          rows.length === operation.rows.length &&
          operation.rows.every((wanted) => rows.some((row) => Object.entries(wanted).every(isIn(row))))
        return same === (operation.until === "==") ? {} : { error: "timed out" }
      }
    }
  }

  return {
    /** The results in the form of the wire; the first that failed is the last. */
    execute: (operations: ReadonlyArray<Operation>): ReadonlyArray<Outcome> => {
      const results: Array<Outcome> = []
      for (const operation of operations) {
        const outcome = perform(operation)
        results.push(outcome)
        if ("error" in outcome) break
      }
      return results
    },
    isMade: (id: string) => made.has(id),
    nameOf: (id: string) => names.get(id) ?? id
  }
}

const isRow = (row: unknown): row is Row => typeof row === "object" && row !== null

const idOf = (row: Row): string => references(row["_uuid"] ?? none)[0] ?? ""

const members = (value: Value): ReadonlyArray<unknown> =>
  typeof value === "object" && (value[0] === "set" || value[0] === "map") ? value[1] : [value]

/** Equal members have equal texts. */
const texts = (value: Value): ReadonlySet<string> => new Set(members(value).map((member) => JSON.stringify(member)))

const includes = (whole: Value, part: Value) => {
  const all = texts(whole)
  return [...texts(part)].every((one) => all.has(one))
}

const equal = (one: Value, other: Value) => texts(one).size === texts(other).size && includes(one, other)

const isIn =
  (row: Row) =>
  ([column, value]: [string, Value]): boolean =>
    equal(row[column] ?? none, value)

/** For the two comparisons that the plugin uses. */
const holds =
  (row: Row) =>
  ([column, comparison, wanted]: Condition): boolean => {
    const value = row[column] ?? none
    return comparison === "==" ? equal(value, wanted) : includes(value, wanted)
  }

const references = (value: Value): ReadonlyArray<string> => {
  if (typeof value !== "object" || value[0] === "map") return []
  return value[0] === "set" ? value[1].flatMap(references) : [value[1]]
}

/** A new row's UUID is its name. */
const resolved = (value: Value): Value => {
  if (typeof value !== "object" || value[0] === "map") return value
  return value[0] === "set" ? set(references(value).map(uuid)) : uuid(value[1])
}

const mutated = (row: Row, [column, mutator, argument]: Mutation): Row => {
  const value = row[column] ?? none
  // ovs-vswitchd has applied it as soon as it was asked to.
  if (typeof value === "number") return { ...row, next_cfg: value + 1, cur_cfg: value + 1 }
  const given = references(argument)
  const kept = references(value).filter((id) => !given.includes(id))
  return { ...row, [column]: set([...kept, ...(mutator === "insert" ? given : [])].map(uuid)) }
}

/** The operation as it is sent: a new row is named, because its UUID is not known before. */
export const withNames = (operation: Operation, isMade: (id: string) => boolean): unknown =>
  JSON.parse(JSON.stringify(operation), (_, part: unknown) =>
    Array.isArray(part) && part[0] === "uuid" && isMade(String(part[1])) ? named(String(part[1])) : part
  )
