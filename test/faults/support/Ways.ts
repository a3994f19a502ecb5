/** How the calls of a campaign's node are made. Here: each by its own process, a faulty executable for those that go wrong. */
import { resolve } from "node:path"
import { Effect } from "effect"
import { executable } from "../../e2e/support/Machine.ts"
import * as Plugin from "../../e2e/support/Plugin.ts"
import { type Order, type Traced, variable, type Wrong } from "../process/Order.ts"
import type { How, Verb } from "./Ground.ts"

/** Built by `Tier.ts`. */
export const faulty = resolve(import.meta.dirname, "../../../.cache/faults/userspace")

export interface Wanted {
  readonly directory: string
  /** Of the node's attachment. */
  readonly called: (verb: Verb, plugin: string, environment?: Readonly<Record<string, string>>) => Plugin.Call
  /** Begins a trace. */
  readonly orderFor: (wrong: ReadonlyArray<Wrong>, how: How) => Order
  /** What is in the trace now. */
  readonly traced: () => ReadonlyArray<Traced>
}

export const byProcess = ({ called, orderFor, traced }: Wanted) => ({
  order: (verb: Verb, wrong: ReadonlyArray<Wrong>, how: How) =>
    Effect.suspend(() => {
      const environment = { [variable]: JSON.stringify(orderFor(wrong, how)) }
      return Effect.map(Plugin.call(called(verb, faulty, environment)), (answer) => ({ ...answer, traced: traced() }))
    }),
  call: (verb: Verb) => Plugin.call(called(verb, executable)),
  strikes: []
})
