/** The operations of a transaction, and what each returns. Pure data. RFC 7047, section 5.2. */
import type { NamedUuid, Row, Uuid, Value } from "./Notation.ts"

type Comparison = "==" | "!=" | "includes" | "excludes" | "<" | "<=" | ">" | ">="
export type Condition = readonly [column: string, comparison: Comparison, value: Value]
export type Mutation = readonly [column: string, mutator: "+=" | "-=" | "insert" | "delete", value: Value]

export type Operation =
  | {
      readonly op: "select"
      readonly table: string
      readonly where: ReadonlyArray<Condition>
      readonly columns: ReadonlyArray<string>
    }
  | { readonly op: "insert"; readonly table: string; readonly row: Row; readonly "uuid-name"?: string }
  | {
      readonly op: "mutate"
      readonly table: string
      readonly where: ReadonlyArray<Condition>
      readonly mutations: ReadonlyArray<Mutation>
    }
  | {
      readonly op: "wait"
      readonly table: string
      readonly where: ReadonlyArray<Condition>
      readonly columns: ReadonlyArray<string>
      readonly until: "==" | "!="
      readonly rows: ReadonlyArray<Row>
      /** Milliseconds. 0: the condition must hold now, or the transaction fails with `timed out`. */
      readonly timeout: number
    }
  | { readonly op: "comment"; readonly comment: string }

export type Reference = Uuid | NamedUuid

/** Whether the transaction can change the database. */
export const changes = (operations: ReadonlyArray<Operation>): boolean =>
  operations.some(({ op }) => op === "insert" || op === "mutate")
