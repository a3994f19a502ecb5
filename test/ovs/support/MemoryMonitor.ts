/** `monitor_cond` of a database in memory: rows of the given tables, by one condition (ovsdb-server(7), 4.1.12). */
import { isDeepStrictEqual } from "node:util"
import { Predicate } from "effect"
import type { Row } from "../../../src/ovs/client/OvsdbMessages.ts"
import type { Database } from "../model/Database.ts"

type Tables = Readonly<Record<string, ReadonlyMap<string, Row>>>

const entries = (value: unknown): ReadonlyArray<readonly [string, unknown]> =>
  Predicate.isObject(value) ? Object.entries(value) : []

const pairsOf = (map: unknown): ReadonlyArray<string> =>
  Array.isArray(map) && map[0] === "map" ? map[1].map((pair: unknown) => JSON.stringify(pair)) : []

/** `where`: [["external_ids", "includes", ["map", ...]]]. */
const isWanted = (row: Row, where: unknown): boolean => {
  const [[column, , wanted]] = Array.isArray(where) ? where : [[]]
  const has = pairsOf(row[String(column)])
  return pairsOf(wanted).every((pair) => has.includes(pair))
}

const select = (wanted: unknown, database: Database): Tables =>
  Object.fromEntries(
    entries(wanted).map(([table, requests]) => {
      const [{ columns = [], where } = { columns: [] }] = Array.isArray(requests) ? requests : []
      const names: ReadonlyArray<string> = columns
      const rows = [...(database.get(table) ?? [])].filter(([, row]) => isWanted(row, where))
      const chosen = rows.map(
        ([id, row]) =>
          [id, Object.fromEntries(names.flatMap((name) => (name in row ? [[name, row[name] ?? ""]] : [])))] as const
      )
      return [table, new Map<string, Row>(chosen)]
    })
  )

/** `initial` for the reply, and then the `update2` of each call, if there is any. */
export const monitor = (wanted: unknown, database: () => Database) => {
  let known = select(wanted, database())
  const initial = Object.fromEntries(
    Object.entries(known).map(([table, rows]) => [
      table,
      Object.fromEntries([...rows].map(([id, row]) => [id, { initial: row }]))
    ])
  )
  const update = () => {
    const now = select(wanted, database())
    const changes = Object.keys(now).flatMap((table): ReadonlyArray<readonly [string, object]> => {
      const rows = changed(known[table] ?? new Map(), now[table] ?? new Map())
      return rows.length === 0 ? [] : [[table, Object.fromEntries(rows)]]
    })
    known = now
    return changes.length === 0 ? undefined : Object.fromEntries(changes)
  }
  return { initial, update }
}

const changed = (
  before: ReadonlyMap<string, Row>,
  after: ReadonlyMap<string, Row>
): ReadonlyArray<readonly [string, object]> => [
  ...[...before.keys()].filter((id) => !after.has(id)).map((id) => [id, { delete: null }] as const),
  ...[...after].flatMap(([id, row]): ReadonlyArray<readonly [string, object]> => {
    const old = before.get(id)
    if (old === undefined) return [[id, { insert: row }]]
    const modify = Object.fromEntries(Object.entries(row).filter(([key, value]) => !isDeepStrictEqual(value, old[key])))
    return Object.keys(modify).length === 0 ? [] : [[id, { modify }]]
  })
]
