/**
 * The current database of a switch, read in one transaction, for `make demo` to show.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Transact } from "../../../src/ovs/client/JsonRpc.ts"
import { Malformed, OvsdbError } from "../../../src/ovs/client/OvsdbError.ts"
import { Bridge, Interface, Port, Root, select } from "../../../src/ovs/client/Transactions.ts"
import type { Database } from "./Database.ts"

const UuidAtom = Schema.Tuple([Schema.Literal("uuid"), Schema.String])
const Atom = Schema.Union([Schema.String, Schema.Finite, Schema.Boolean, UuidAtom])
const Value = Schema.Union([
  Schema.Tuple([Schema.Literal("set"), Schema.Array(Atom)]),
  Schema.Tuple([Schema.Literal("map"), Schema.Array(Schema.Tuple([Atom, Atom]))]),
  Atom
])

const Rows = Schema.Array(
  Schema.StructWithRest(Schema.Struct({ _uuid: UuidAtom }), [Schema.Record(Schema.String, Value)])
)

const decode = Schema.decodeUnknownEffect(Rows)

/** The columns that the client reads, and those with references between the tables. */
const tables = [
  { name: Root.name, columns: [...Root.columns, "bridges"] },
  { name: Bridge.name, columns: [...Bridge.columns, "ports"] },
  { name: Port.name, columns: Port.columns },
  { name: Interface.name, columns: Interface.columns }
]

export const snapshot = Effect.fnUntraced(function* (
  peer: string,
  transact: Transact
): Effect.fn.Return<Database, OvsdbError> {
  const results = yield* transact(tables.map((table) => select(table, [])))
  const read = yield* Effect.forEach(tables, ({ name }, index) =>
    Effect.map(
      decode(results[index]?.rows),
      (rows) => [name, new Map(rows.map(({ _uuid: [, id], ...row }) => [id, row]))] as const
    )
  ).pipe(
    Effect.mapError(
      ({ message }) => new OvsdbError({ peer, operation: "select", reason: new Malformed({ detail: message }) })
    )
  )
  return new Map(read)
})
