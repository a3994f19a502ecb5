/**
 * Policers, with their error numbers. One that is attached twice counts twice; one that is not removed outlives its
 * interface.
 */
import { every } from "../../../src/vpp/messages/Control.ts"
import * as Policer from "../../../src/vpp/messages/Policer.ts"
import { type Handler, onDump, onRequest } from "./VppMessage.ts"
import { newPolicer, type VppModel } from "./VppModel.ts"

const named = { exists: -81, absent: -6, bad: -7 }
const unnamed = { exists: -1, absent: -1, bad: -1 }

const bind = (message: typeof Policer.input, direction: "input" | "output"): Handler =>
  onRequest(message, ({ interfaces, policers }: VppModel, { apply, name, sw_if_index }) => {
    const on = interfaces.get(sw_if_index)?.policers
    if (on === undefined) return { retval: -2 }
    if (!policers.has(name)) return { retval: -6 }
    const at = on.findIndex((one) => one.direction === direction)
    if (apply) on.push({ direction, name })
    else if (at !== -1) on.splice(at, 1)
    return { retval: 0 }
  })

export const policerMessages: ReadonlyArray<Handler> = [
  onRequest(Policer.addDel, ({ policers, traits }, { is_add, ...values }) => {
    const { absent, bad, exists } = traits.namesPolicerErrors ? named : unnamed
    const { cb, cir, name } = values
    const none = { policer_index: every }
    if (!is_add) return { retval: policers.delete(name) ? 0 : absent, ...none }
    if (policers.has(name)) return { retval: exists, ...none }
    if (cir === 0 || cb === 0) return { retval: bad, ...none }
    policers.set(name, newPolicer(values))
    return { retval: 0, policer_index: policers.size - 1 }
  }),
  bind(Policer.input, "input"),
  bind(Policer.output, "output"),
  onDump(Policer.policerDump, ({ policers }, { match_name, match_name_valid }) =>
    [...policers.values()].filter(({ name }) => !match_name_valid || name === match_name)
  )
]
