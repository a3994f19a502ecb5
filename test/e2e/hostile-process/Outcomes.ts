/** `outcomes.json`: what became of a switch, by its release, what it is, and the case. */
import { readFileSync } from "node:fs"
import { Schema } from "effect"
import { type Role, sources } from "./Cases.ts"

export const outcomesFile = `${sources}/outcomes.json`

/** The signal that has ended the switch, `hangs` or `lives`; with ` or ` between them where runs differ. */
const Cases = Schema.Record(Schema.String, Schema.String)
const Outcomes = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Record(Schema.String, Cases)))

export const outcomes = () => Schema.decodeUnknownSync(Outcomes)(readFileSync(outcomesFile, "utf8"))

export const recorded = (release: string, role: Role, name: string): ReadonlyArray<string> =>
  outcomes()[release]?.[role]?.[name]?.split(" or ") ?? []
