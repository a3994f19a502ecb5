/**
 * Decides when a call runs: calls of one attachment in sequence, and a limited number on one switch, first come, first
 * served. A slow switch delays only its own calls.
 */
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Semaphore from "effect/Semaphore"
import type { Host } from "../app/CniCall.ts"
import { defaultControl } from "../cni/network/HostPorts.ts"
import { type AnyAsked, isOfNetwork } from "../cni/Request.ts"
import { attachmentOf, keyOf } from "../identity/Attachment.ts"

/** More than a node of 110 pods starts at once; a waiting call costs little more than a running one. */
const atOneSwitch = 64

type Around = <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** Semaphores by name, kept only while somebody holds or awaits them. */
const named = (permits: number) => {
  const known = new Map<string, { readonly semaphore: Semaphore.Semaphore; users: number }>()
  return (name: string): Around =>
    (self) =>
      Effect.suspend(() => {
        const one = known.get(name) ?? { semaphore: Semaphore.makeUnsafe(permits), users: 0 }
        known.set(name, one)
        one.users++
        const left = Effect.sync(() => {
          one.users--
          if (one.users === 0) known.delete(name)
        })
        return Effect.ensuring(one.semaphore.withPermit(self), left)
      })
}

export const make = (perSwitch: number = atOneSwitch): NonNullable<Host["schedule"]> => {
  const alone = named(1)
  const atSwitch = named(perSwitch)
  return (asked) => {
    const ofAttachment = isOfNetwork(asked)
      ? identity
      : alone(keyOf(attachmentOf(asked.envelope.name, asked.environment)))
    const ofSwitch = atSwitch(switchOf(asked))
    // A call that waits for its attachment occupies no place at the switch.
    return (self) => ofAttachment(ofSwitch(self))
  }
}

/** The switch of the caller's configuration. A DEL may use another one, by its record; this is only for fairness. */
const switchOf = ({ envelope, environment: { variables } }: AnyAsked): string => {
  const { engine, socket }: { readonly engine?: unknown; readonly socket?: unknown } = Object(envelope.value["host"])
  const control = typeof socket === "string" ? socket : defaultControl(engine === "vpp" ? "vpp" : "ovs-dpdk", variables)
  return `${engine} ${control}`
}
