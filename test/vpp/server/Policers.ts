/** Policers, with their retvals. What is put on an interface twice is there twice; what is not removed outlives it. */
import * as Policer from "../../../src/vpp/messages/Policer.ts"
import { type Handler, onDump, onRequest } from "./Handler.ts"
import type { Release } from "./Release.ts"
import type { State } from "./State.ts"

type Directions = "input" | "output"

/** A VPP 26.06 as the recorded one, with its policer plugin: numbers that no other message has. */
export const withPolicers = (names: ReadonlyMap<number, string>): ReadonlyMap<number, string> => {
  const first = Math.max(...names.keys()) + 1
  const all = [Policer.addDel, Policer.input, Policer.output].flatMap((one) => [one, one.reply])
  return new Map([
    ...names,
    ...[...all, Policer.policerDump, Policer.policerDump.details].map(
      ({ crc, name }, n) => [first + n, `${name}_${crc}`] as const
    )
  ])
}

/** From 23.06 errors have their own numbers. */
const numbers: { readonly [R in Release]: { readonly exists: number; readonly absent: number; readonly bad: number } } =
  {
    "21.10": { exists: -1, absent: -1, bad: -1 },
    "23.02": { exists: -1, absent: -1, bad: -1 },
    "26.06": { exists: -81, absent: -6, bad: -7 }
  }

const releaseOf = ({ traits }: State): Release =>
  traits.version.startsWith("21.10") ? "21.10" : traits.version.startsWith("23.02") ? "23.02" : "26.06"

const put =
  (direction: Directions) =>
  (state: State, { apply, name, sw_if_index }: Parameters<typeof Policer.input.fields.write>[1]) => {
    const entry = state.interfaces.get(sw_if_index)
    if (entry === undefined) return { retval: -2 }
    if (!state.policers.has(name)) return { retval: -6 }
    const on = entry.policers
    const at = on.findIndex((one) => one.direction === direction)
    if (apply) on.push({ direction, name })
    else if (at !== -1) on.splice(at, 1)
    return { retval: 0 }
  }

export const policerHandlers: ReadonlyArray<Handler> = [
  onRequest(Policer.addDel, (state, { color_aware: _, is_add, ...values }) => {
    const { absent, bad, exists } = numbers[releaseOf(state)]
    const none = { policer_index: 0xffffffff }
    const { cb, cir, name } = values
    if (!is_add) return { retval: state.policers.delete(name) ? 0 : absent, ...none }
    if (state.policers.has(name)) return { retval: exists, ...none }
    if (cir === 0 || cb === 0) return { retval: bad, ...none }
    state.policers.set(name, values)
    return { retval: 0, policer_index: state.policers.size - 1 }
  }),
  onRequest(Policer.input, put("input")),
  onRequest(Policer.output, put("output")),
  onDump(Policer.policerDump, (state, { match_name, match_name_valid }) =>
    [...state.policers.values()]
      .filter(({ name }) => !match_name_valid || name === match_name)
      .map((values) => ({
        ...values,
        single_rate: true,
        color_aware: false,
        scale: 16,
        cir_tokens_per_period: 1,
        pir_tokens_per_period: 1,
        current_limit: values.cb,
        current_bucket: values.cb,
        extended_limit: 0,
        extended_bucket: 0,
        last_update_time: 0
      }))
  )
]
