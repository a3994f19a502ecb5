/** What the agent counts itself: calls, rounds of healing, repairs, switches that come and go. Lives as long as the agent. */

import { sha256 } from "#sha256"
import type { Acted } from "../../attachment/heal/Act.ts"
import type { Observer } from "../../attachment/heal/Keep.ts"
import type { OfSwitch } from "../../attachment/heal/Round.ts"
import { isSame } from "../../attachment/node/Switches.ts"
import type { Control } from "../../cni/network/HostPort.ts"
import { defaultControl } from "../../cni/network/HostPorts.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import { objectOf, parsed } from "../../platform/text/Json.ts"
import { families } from "./Families.ts"
import * as Registry from "./Registry.ts"

export interface AnsweredCall {
  readonly verb: string
  /** stdin of the call: it names the engine. */
  readonly stdin: string
  /** 0: success. */
  readonly code: number
  readonly seconds: number
}

export interface SwitchState {
  readonly at: Control
  readonly isUp: boolean
  /** The last round of healing. */
  readonly last: OfSwitch | undefined
}

interface Known {
  readonly at: Control
  isUp: boolean
  wasUp: boolean
  last: OfSwitch | undefined
}

export interface Meter {
  readonly registry: Registry.Registry
  readonly answered: (call: AnsweredCall) => void
  readonly declined: (reason: string) => void
  /** An event of a pod, and what has become of it. */
  readonly event: (kind: string, result: string) => void
  readonly observer: Observer
  /** Labels of a switch: `engine` and `switch`. */
  readonly switchLabels: (at: Control) => readonly [engine: string, name: string]
  /** The switches that answer, and those that a record or the configuration names. */
  readonly switches: () => ReadonlyArray<SwitchState>
}

const verbs: ReadonlySet<string> = new Set(["ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"])

/** Anybody may write anything there: a label must not grow with it. */
const verbOf = (verb: string): string => (verbs.has(verb) ? verb : "other")

const engineOf = (stdin: string): string => {
  const { engine } = objectOf(objectOf(parsed(stdin))["host"])
  return engine === "vpp" || engine === "ovs-dpdk" ? engine : "unknown"
}

/**
 * The name of a switch in labels, without a path of the node: the engine, for the switch that is where it is by default. Of another the first eight digits of the path's SHA-256 follow:
 * `printf %s /run/vpp2/api.sock | sha256sum | cut -c1-8`.
 */
const nameIn =
  (variables: Variables) =>
  ({ control, engine }: Control): string =>
    control === defaultControl(engine, variables) ? engine : `${engine}-${sha256(control).toString("hex").slice(0, 8)}`

/** `variables`: they say where a switch is by default. */
export const make = (variables: Variables): Meter => {
  const registry = Registry.make()
  const nameOf = nameIn(variables)
  const switchLabels = (at: Control): readonly [engine: string, name: string] => [at.engine, nameOf(at)]
  const switches = new Map<string, Known>()
  let named: ReadonlyArray<Control> = []
  const stateOf = (at: Control) => {
    const known = switches.get(nameOf(at)) ?? { at, isUp: false, wasUp: false, last: undefined }
    switches.set(nameOf(at), known)
    return known
  }
  const repaired = (at: Control, { action, outcome }: Acted) => {
    if (action._tag !== "Do" || (outcome._tag !== "Done" && outcome._tag !== "Failed")) return
    registry.add(families.repairs, [...switchLabels(at), action.deed, outcome._tag === "Done" ? "done" : "failed"])
  }
  return {
    registry,
    answered: ({ code, seconds, stdin, verb }) => {
      const engine = engineOf(stdin)
      registry.add(families.calls, [verbOf(verb), String(code), engine])
      registry.observe(families.duration, [verbOf(verb), engine], seconds)
    },
    declined: (reason) => registry.add(families.declined, [reason]),
    event: (kind, result) => registry.add(families.events, [kind, result]),
    switchLabels,
    switches: () => [...switches.values()].filter(({ at, isUp }) => isUp || named.some((one) => isSame(one, at))),
    observer: {
      news: (at, news) => {
        if (news._tag === "Changed") return
        const known = stateOf(at)
        const isUp = news._tag === "Reached"
        if (isUp && known.wasUp && !known.isUp) registry.add(families.reconnects, switchLabels(at))
        if (news._tag === "Lost" && known.isUp && news.ended) registry.add(families.ends, switchLabels(at))
        known.wasUp ||= isUp
        known.isUp = isUp
      },
      round: (round, last) => {
        registry.add(families.rounds, switchLabels(round.at))
        for (const one of round.found) repaired(round.at, one)
        stateOf(round.at).last = last
      },
      node: ({ found, named: now }) => {
        named = now
        const aside = found.filter(({ kind, outcome }) => kind === "damaged" && outcome._tag === "Done")
        if (aside.length > 0) registry.add(families.damaged, [], aside.length)
      },
      ended: (at) => switches.delete(nameOf(at))
    }
  }
}
