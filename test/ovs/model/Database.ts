/**
 * The database of an Open vSwitch in memory. It executes the plugin's transactions like ovsdb-server: all operations or
 * none, with `wait` preconditions, unique names, references that must exist, and rows that are removed when nothing
 * refers to them. Pure: a transaction takes one value and returns the next. It has only the tables, columns and operations that
 * the plugin uses. RFC 7047, section 5.2.
 */
import * as Result from "effect/Result"
import {
  type Condition,
  type MapValue,
  type Operation,
  type Row,
  type SetValue,
  uuid,
  type Value
} from "../../../src/ovs/client/OvsdbMessages.ts"
import { atoms, equal, holds, mutated, normal, resolved } from "./Values.ts"

type Table = ReadonlyMap<string, Row>
export type Database = ReadonlyMap<string, Table>

interface Executed {
  readonly database: Database
  /** In the form of the wire. */
  readonly results: ReadonlyArray<unknown>
  /** Set when a `wait` did not hold: how long it may wait for a change. */
  readonly waits?: number
}

const none: SetValue = ["set", []]
const noPairs: MapValue = ["map", []]

/** Every column with its default. */
const schema: Readonly<Record<string, Row>> = {
  Open_vSwitch: {
    bridges: none,
    cur_cfg: 0,
    next_cfg: 0,
    dpdk_initialized: false,
    dpdk_version: none,
    iface_types: none,
    other_config: noPairs,
    ovs_version: none
  },
  Bridge: {
    name: "",
    ports: none,
    mirrors: none,
    datapath_type: "",
    datapath_id: none,
    fail_mode: none,
    external_ids: noPairs
  },
  Mirror: { name: "", select_src_port: none, select_dst_port: none, output_port: none, external_ids: noPairs },
  Port: { name: "", interfaces: none, tag: none, trunks: none, vlan_mode: none, external_ids: noPairs },
  Interface: {
    name: "",
    type: "",
    options: noPairs,
    ofport: none,
    error: none,
    link_state: none,
    link_resets: none,
    mtu: none,
    mtu_request: none,
    ingress_policing_rate: 0,
    ingress_policing_burst: 0,
    status: noPairs,
    statistics: noPairs,
    external_ids: noPairs
  }
}

/** The columns that refer to the rows of a table. A row without a reference is removed. */
const referrers: ReadonlyArray<readonly [table: string, from: string, column: string]> = [
  ["Bridge", "Open_vSwitch", "bridges"],
  ["Port", "Bridge", "ports"],
  ["Mirror", "Bridge", "mirrors"],
  ["Interface", "Port", "interfaces"]
]

export const withRoot = (id: string, row: Row): Database =>
  new Map<string, Table>(Object.keys(schema).map((name) => [name, new Map()])).set(
    "Open_vSwitch",
    new Map([[id, { ...schema["Open_vSwitch"], ...row }]])
  )

interface Failure {
  readonly error: string
  readonly details: string
  readonly waits?: number
}
type Step = Result.Result<{ readonly database: Database; readonly result: unknown }, Failure>

const failure = (error: string, details: string): Result.Result<never, Failure> => Result.fail({ error, details })

/** Executes all operations or none. The first failure is in its place, and null follows for later operations. */
export const execute = (before: Database, operations: ReadonlyArray<Operation>, newUuid: () => string): Executed => {
  const names = new Map<string, string>()
  for (const operation of operations) {
    if (operation.op === "insert" && operation["uuid-name"] !== undefined) names.set(operation["uuid-name"], newUuid())
  }
  const results: Array<unknown> = []
  let database = before
  for (const operation of operations) {
    const step = perform(database, operation, names, newUuid)
    if (Result.isFailure(step)) {
      const { waits, ...error } = step.failure
      const rest = operations.slice(results.length + 1).map(() => null)
      return { database: before, results: [...results, error, ...rest], ...(waits === undefined ? {} : { waits }) }
    }
    database = step.success.database
    results.push(step.success.result)
  }
  const committed = commit(database)
  return Result.isFailure(committed)
    ? { database: before, results: [...results, committed.failure] }
    : { database: committed.success, results }
}

const perform = (
  database: Database,
  operation: Operation,
  names: ReadonlyMap<string, string>,
  newUuid: () => string
): Step => {
  if (operation.op === "comment") return Result.succeed({ database, result: {} })
  const table = database.get(operation.table)
  const defaults = schema[operation.table]
  if (table === undefined || defaults === undefined) {
    return failure("syntax error", `No table named ${operation.table}.`)
  }
  const unknown = columnsOf(operation).find((column) => column !== "_uuid" && !(column in defaults))
  if (unknown !== undefined) return failure("unknown column", `No column ${unknown} in table ${operation.table}.`)
  const written = (rows: Table, result: unknown): Step =>
    Result.succeed({ database: new Map(database).set(operation.table, rows), result })

  switch (operation.op) {
    case "select": {
      const rows = matching(table, operation.where).map((row) => project(row, operation.columns))
      return Result.succeed({ database, result: { rows } })
    }
    case "wait": {
      const found = matching(table, operation.where).map((row) => project(row, operation.columns))
      if (sameRows(found, operation.rows) === (operation.until === "==")) {
        return Result.succeed({ database, result: {} })
      }
      return Result.fail({
        error: "timed out",
        details:
          operation.timeout === 0 ? '"where" clause test failed' : `"wait" timed out after ${operation.timeout} ms`,
        waits: operation.timeout
      })
    }
    case "insert": {
      const id = names.get(operation["uuid-name"] ?? "") ?? newUuid()
      const row = Object.fromEntries(
        Object.entries({ ...defaults, ...operation.row }).map(([column, value]) => [
          column,
          normal(resolved(value, names))
        ])
      )
      return written(new Map(table).set(id, row), { uuid: uuid(id) })
    }
    case "mutate": {
      const rows = new Map(table)
      const matched = [...table].filter(([id, row]) => operation.where.every((one) => holds(withId(id, row), one)))
      for (const [id, row] of matched) {
        const changed: Record<string, Value> = { ...row }
        for (const [column, mutator, value] of operation.mutations) {
          const is = changed[column]
          if (is !== undefined) changed[column] = mutated(is, [column, mutator, resolved(value, names)])
        }
        rows.set(id, changed)
      }
      return written(rows, { count: matched.length })
    }
  }
}

const columnsOf = (operation: Exclude<Operation, { op: "comment" }>): ReadonlyArray<string> => {
  switch (operation.op) {
    case "insert":
      return Object.keys(operation.row)
    case "mutate":
      return [...operation.where, ...operation.mutations].map(([column]) => column)
    default:
      return [...operation.where.map(([column]) => column), ...operation.columns]
  }
}

const withId = (id: string, row: Row): Row => ({ ...row, _uuid: uuid(id) })

const matching = (table: Table, where: ReadonlyArray<Condition>): ReadonlyArray<Row> =>
  [...table].map(([id, row]) => withId(id, row)).filter((row) => where.every((condition) => holds(row, condition)))

const project = (row: Row, columns: ReadonlyArray<string>): Row =>
  Object.fromEntries(columns.flatMap((column) => (row[column] === undefined ? [] : [[column, normal(row[column])]])))

const sameRows = (found: ReadonlyArray<Row>, wanted: ReadonlyArray<Row>): boolean =>
  found.length === wanted.length &&
  wanted.every((row) => found.some((one) => Object.entries(row).every((entry) => sameColumn(one, entry))))

const sameColumn = (row: Row, [column, value]: [string, Value]): boolean =>
  row[column] !== undefined && equal(row[column], value)

/** The checks of ovsdb-server at the end: references, then names; in between, it removes unreferenced rows. */
const commit = (database: Database): Result.Result<Database, Failure> => {
  let current = database
  for (const [table, from, column] of referrers) {
    const referred = new Set<string>()
    for (const row of (current.get(from) ?? new Map<string, Row>()).values()) {
      for (const atom of atoms(row[column] ?? none)) if (typeof atom === "object") referred.add(atom[1])
    }
    const rows = current.get(table) ?? new Map<string, Row>()
    const dangling = [...referred].find((id) => !rows.has(id))
    if (dangling !== undefined) {
      return failure(
        "referential integrity violation",
        `Table ${from} refers to ${table} row ${dangling}, which is not.`
      )
    }
    current = new Map(current).set(table, new Map([...rows].filter(([id]) => referred.has(id))))
  }
  current = new Map(current).set("Mirror", withoutGone(current))
  for (const [name, rows] of current) {
    // A mirror's need not be one of its own.
    if (name === "Mirror") continue
    const taken = new Set<Value>()
    for (const { name: value } of rows.values()) {
      if (value !== undefined && taken.has(value)) {
        const details = `Transaction causes multiple rows in "${name}" table to have identical values (${String(value)}) for index on column "name".`
        return failure("constraint violation", details)
      }
      if (value !== undefined) taken.add(value)
    }
  }
  return Result.succeed(current)
}

/** A mirror's references to ports are weak: those of ports that went go as well. */
const withoutGone = (database: Database): Table => {
  const ports = database.get("Port") ?? new Map<string, Row>()
  const kept = (value: Value): Value =>
    normal(["set", atoms(value).filter((atom) => typeof atom !== "object" || ports.has(atom[1]))])
  return new Map(
    [...(database.get("Mirror") ?? [])].map(([id, row]) => [
      id,
      Object.fromEntries(
        Object.entries(row).map(([column, value]) => [column, /_port$/.test(column) ? kept(value) : value])
      )
    ])
  )
}
