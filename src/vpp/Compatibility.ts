/**
 * The plugin's messages that a VPP has, which of two alternatives the plugin will send, and what that VPP supports: by
 * the same list that every verb checks before it begins. Changes nothing.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { VppPort } from "../cni/network/HostPort.ts"
import { hostPort } from "../cni/network/HostPorts.ts"
import { check, successors, toList, toPlug } from "./client/RequiredMessages.ts"
import type { Session } from "./client/Session.ts"
import { inWords } from "./client/VppError.ts"
import { hindrance } from "./interfaces/Policers.ts"
import { catalogue } from "./messages/Catalogue.ts"
import { showVersion } from "./messages/Control.ts"

interface Row {
  readonly message: string
  readonly wanted: string
  /** The CRC of this VPP's message of that name. */
  readonly offered: string | null
  readonly verdict: (typeof verdicts)[keyof typeof verdicts]
  /** For one of two alternative messages: its rank, and whether the plugin will send it. */
  readonly use: "preferred: used" | "preferred: not used" | "fallback: used" | "fallback: not used" | null
}

interface Work {
  readonly work: string
  /** Null: supported. */
  readonly missing: string | null
  /** True: without it, a port is created all the same, with a warning. */
  readonly optional: boolean
}

export interface Compatibility {
  readonly socket: string
  /** Null: VPP does not report it. */
  readonly version: string | null
  readonly messages: ReadonlyArray<Row>
  readonly works: ReadonlyArray<Work>
}

export const compatibility = Effect.fnUntraced(function* (session: Session) {
  const version = session.offers(showVersion) ? (yield* session.call(showVersion, {})).version : null
  const works = yield* Effect.forEach(everything, ([work, needed]) =>
    Effect.map(
      Effect.result(check(session, needed(session))),
      (served): Work => ({
        work,
        missing: Result.isFailure(served) ? inWords(served.failure.reason) : null,
        optional: false
      })
    )
  )
  const found: Compatibility = {
    socket: session.peer,
    version,
    messages: rows(session),
    works: [...works, ...limits(session)]
  }
  return found
})

const rows = (session: Session): ReadonlyArray<Row> =>
  catalogue.map((wanted) => {
    const verdict = session.verdict(wanted)
    const offered = verdict._tag === "Offered" ? wanted.crc : verdict._tag === "MessageChanged" ? verdict.offered : null
    return {
      message: wanted.name,
      wanted: wanted.crc,
      offered,
      verdict: verdicts[verdict._tag],
      use: useOf(session, wanted.name)
    }
  })

const verdicts = {
  Offered: "ok",
  MessageChanged: "other CRC",
  MessageMissing: "missing",
  PluginNotLoaded: "plugin not loaded"
} as const

const useOf = (session: Session, message: string): Row["use"] => {
  const request = message.replace(/_reply$/, "")
  for (const [now, before] of successors) {
    if (request === now.name) return session.offers(now) ? "preferred: used" : "preferred: not used"
    if (request !== before.name) continue
    return !session.offers(now) && session.offers(before) ? "fallback: used" : "fallback: not used"
  }
  return null
}

/** Every kind of port that a network can request, with an MTU and a VLAN, which need messages of their own. */
const portsOf = (iftype: VppPort["iftype"]): ReadonlyArray<VppPort> =>
  (["bridge", "interface", "none"] as const).flatMap((netType) => {
    const { port } = hostPort(
      {
        cniVersion: "1.1.0",
        name: "",
        type: "userspace",
        host: {
          engine: "vpp",
          iftype,
          netType,
          mtu: 1500,
          memif: { role: "master" },
          ...(netType === "bridge" ? { bridge: { bridgeName: "1", vlanId: 1 } } : {})
        }
      },
      { get: () => undefined },
      {}
    )
    return port.engine === "vpp" ? [port] : []
  })

const ports = { memif: portsOf("memif"), vhostuser: portsOf("vhostuser") }

const limits = (session: Session): ReadonlyArray<Work> =>
  (["input", "output"] as const).flatMap((direction) =>
    ports.memif.map(
      (port): Work => ({
        work: `bandwidth, ${direction === "input" ? "egressRate" : "ingressRate"}, netType ${port.network.netType}`,
        missing: hindrance(session, port, direction) ?? null,
        optional: true
      })
    )
  )

type Needed = (session: Session) => typeof toList

const everything: ReadonlyArray<readonly [work: string, needed: Needed]> = [
  ...[...ports.memif, ...ports.vhostuser].map((port): readonly [string, Needed] => [
    `ADD, CHECK of ${port.iftype}, netType ${port.network.netType}`,
    (session) => toPlug(session, port)
  ]),
  ["DEL", () => toList]
]
