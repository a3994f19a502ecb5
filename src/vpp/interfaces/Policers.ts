/**
 * The limits of a port: a policer for each, named after the port's mark, created and attached in the same write as the
 * port. They are removed before the interface: VPP detaches them with it but keeps them, and a second policer on an
 * interface would count beside the first. Loaded only for ports with limits. VPP does not report the interface of a
 * policer.
 */
import * as Effect from "effect/Effect"
import type { Limit, VppPort } from "../../cni/network/HostPort.ts"
import { run, type Session, type Step, step } from "../client/Session.ts"
import { inWords, type VppError } from "../client/VppError.ts"
import * as Policer from "../messages/Policer.ts"
import { dumpAny } from "./Interfaces.ts"
import { type Owner, policerName, policerOf } from "./Mark.ts"

type Direction = Limit["direction"]

export interface Policing {
  /** True: policers will be created, and the port's mark records it. */
  readonly kept: boolean
  /** Requested limits that this VPP does not support, in words. */
  readonly unkept: ReadonlyArray<string>
  /** Steps that can be repeated without other effects. */
  readonly steps: (index: number) => ReadonlyArray<Step>
  /** Differences from what the steps set. */
  readonly differences: Effect.Effect<ReadonlyArray<string>, VppError>
}

const isAbsent = -2
const isGone = -6
/** Used by 23.02 and earlier, which have no other number. */
const unspecified = -1

const messages = { input: Policer.input, output: Policer.output }
const words = {
  input: "traffic from the container is not limited (egressRate)",
  output: "traffic to the container is not limited (ingressRate)"
}

export const policing = (session: Session, port: VppPort, owner: Owner): Policing => {
  const judged = port.limits.map((limit) => ({ limit, reason: hindrance(session, port, limit.direction) }))
  const kept = judged.flatMap(({ limit, reason }) => (reason === undefined ? [limit] : []))
  return {
    kept: kept.length > 0,
    unkept: judged.flatMap(({ limit, reason }) =>
      reason === undefined ? [] : [`${words[limit.direction]}: ${reason}`]
    ),
    steps: (index) =>
      kept.flatMap((limit) => {
        const name = policerName(owner, limit.direction)
        const apply = { name, sw_if_index: index, apply: true }
        return [
          ...removal(index, owner, limit.direction),
          step(Policer.addDel, { ...settings(limit), is_add: true, name }),
          step(messages[limit.direction], apply)
        ]
      }),
    differences: Effect.map(
      Effect.forEach(kept, (limit) => compare(session, policerName(owner, limit.direction), limit)),
      (all) => all.flat()
    )
  }
}

/** Returns why a VPP does not support a limit; undefined: it does. */
export const hindrance = (
  session: Session,
  { iftype, network, ...port }: Pick<VppPort, "iftype" | "network"> & { readonly mode: VppPort["mode"] },
  direction: Direction
): string | undefined => {
  for (const message of [Policer.addDel, messages[direction], Policer.policerDump]) {
    const verdict = session.verdict(message)
    if (verdict._tag !== "Offered")
      return `${inWords(verdict)} (22.06 to 26.02 have it, later ones in policer_plugin.so)`
  }
  if (session.offers(Policer.sinceLayer2)) return undefined
  if (direction === "output" && network.netType === "bridge") return "in a bridge domain it needs VPP 26.06 or later"
  if (direction === "input" && iftype === "memif" && port.mode === "ip") {
    return "on a memif in mode ip it needs VPP 26.06 or later"
  }
  return undefined
}

/** One rate, two colours: packets above it are dropped. */
const settings = ({ burst, rate }: Pick<Limit, "burst" | "rate">) => ({
  cir: rate,
  eir: 0,
  cb: burst,
  eb: 0,
  rate_type: 0,
  round_type: 0,
  type: 0,
  color_aware: false,
  conform_action: Policer.transmit,
  exceed_action: Policer.drop,
  violate_action: Policer.drop
})

/** Detaches first, because VPP would keep using a removed policer. An absent policer is a success. */
const removal = (index: number | undefined, owner: Owner, direction: Direction): ReadonlyArray<Step> => {
  const name = policerName(owner, direction)
  return [
    ...(index === undefined
      ? []
      : [step(messages[direction], { name, sw_if_index: index, apply: false }, [isGone, isAbsent])]),
    step(Policer.addDel, { ...settings({ rate: 0, burst: 0 }), is_add: false, name }, [isGone, unspecified])
  ]
}

const compare = Effect.fnUntraced(function* (session: Session, name: string, { burst, rate }: Limit) {
  const [there] = yield* session.dump(Policer.policerDump, { match_name_valid: true, match_name: name })
  if (there === undefined) return [`policer ${name} is missing`]
  return [
    ...(there.cir === rate ? [] : [`policer ${name}: rate is ${there.cir} kbit/s, not ${rate}`]),
    ...(there.cb === burst ? [] : [`policer ${name}: burst is ${there.cb} bytes, not ${burst}`])
  ]
})

/**
 * Removes the policers of one port, before its interface. `index` undefined: the interface is gone. Returns the names
 * of what it removed.
 */
export const remove = Effect.fnUntraced(function* (session: Session, index: number | undefined, owner: Owner) {
  if (!session.offers(Policer.addDel)) return []
  const offered = (["input", "output"] as const).filter((direction) => session.offers(messages[direction]))
  const steps = offered.map((direction) => removal(index, owner, direction))
  const answers = yield* run(session, steps.flat())
  let last = -1
  return offered.flatMap((direction, n) => {
    last += steps[n]?.length ?? 0
    return answers[last]?.retval === 0 ? [`policer ${policerName(owner, direction)}`] : []
  })
})

export const policers = (session: Session) =>
  dumpAny(session, Policer.policerDump, { match_name_valid: false, match_name: "" })

/** Lists the plugin's policers by their names. */
export const list = Effect.fnUntraced(function* (session: Session) {
  return (yield* policers(session)).flatMap(({ name }) => {
    const owner = policerOf(name)
    return owner === undefined ? [] : [{ ...owner, name }]
  })
})

/** Removes the policers of interfaces that somebody removed. */
export const removeLeft = Effect.fnUntraced(function* (session: Session, key: string) {
  const removed: Array<string> = []
  const owners = new Map(
    (yield* list(session)).filter((one) => one.key === key).map((one) => [one.network + one.container, one])
  )
  for (const owner of owners.values()) removed.push(...(yield* remove(session, undefined, owner)))
  return removed
})
