/** `userspace top --json` beside a test: what it has printed so far. */
import { readFileSync } from "node:fs"
import { Effect, Schema } from "effect"
import { type NotThere, until } from "../../support/Until.ts"
import { executable } from "./Machine.ts"
import { start } from "./Program.ts"

const Way = Schema.NullOr(Schema.Struct({ packetsPerSecond: Schema.Finite, bitsPerSecond: Schema.Finite }))
const Document = Schema.decodeUnknownSync(
  Schema.fromJsonString(
    Schema.Struct({
      time: Schema.String,
      interfaces: Schema.Array(
        Schema.Struct({ containerId: Schema.String, connected: Schema.Boolean, receive: Way, transmit: Way })
      )
    })
  )
)
export type Shown = ReturnType<typeof Document>

export interface Top {
  /** Waits for such documents. */
  readonly until: (
    what: string,
    isThere: (shown: ReadonlyArray<Shown>) => boolean
  ) => Effect.Effect<ReadonlyArray<Shown>, NotThere>
}

/** Once a second, until the scope ends; `log`: a file of its own. */
export const top = Effect.fnUntraced(function* (log: string, ...args: ReadonlyArray<string>) {
  yield* start(executable, ["top", "--json", "--every", "1s", ...args], { log, stop: "SIGINT" })
  const shown = Effect.sync(() => {
    const lines = readFileSync(log, "utf8").split("\n")
    return lines.slice(0, -1).map((line) => Document(line))
  })
  const made: Top = {
    until: (what, isThere) => until(what, shown, isThere)
  }
  return made
})

export const of = (containerId: string, { interfaces }: Shown) =>
  interfaces.find((one) => one.containerId === containerId)
