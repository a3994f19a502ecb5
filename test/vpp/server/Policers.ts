/** The recorded 26.06 ran without its policer plugin: these are the messages of one that has it. */
import * as Policer from "../../../src/vpp/messages/Policer.ts"

/** A VPP 26.06 like the recorded one, with its policer plugin: numbers that no other message has. */
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
