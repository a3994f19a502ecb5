/** VPP for `userspace doctor`: one session that only reads. */
import * as Effect from "effect/Effect"
import type { PortView, View } from "../../vswitch/View.ts"
import { compatibility } from "../Compatibility.ts"
import type { Session } from "../client/Session.ts"
import { VppClient } from "../client/VppClient.ts"
import * as Interfaces from "../interfaces/Interfaces.ts"
import { fromVpp } from "../interfaces/PortError.ts"
import { catalogue } from "../messages/Catalogue.ts"
import { cliInband } from "../messages/Control.ts"
import { adminUp, linkUp } from "../messages/Interface.ts"
import { buffersIn, memifsIn } from "./Printed.ts"

export const view = (path: string): View =>
  Effect.gen(function* () {
    const session = yield* (yield* VppClient.make(path)).open
    const { version, works } = yield* compatibility(session)
    const unloaded = new Set(catalogue.flatMap((message) => pluginOf(session, message)))
    const buffers = yield* printed(session, "show buffers")
    return {
      engine: "vpp" as const,
      control: path,
      version,
      unloaded: [...unloaded],
      lacks: [
        ...new Set(
          works.flatMap(({ missing, optional }) =>
            missing === null || optional || missing.startsWith("plugin ") ? [] : [missing]
          )
        )
      ],
      buffers: buffers === null ? null : buffersIn(buffers),
      ports: yield* ports(session)
    }
  }).pipe(Effect.mapError(fromVpp("inspect")))

const pluginOf = (session: Session, message: Parameters<Session["verdict"]>[0]): ReadonlyArray<string> => {
  const verdict = session.verdict(message)
  return verdict._tag === "PluginNotLoaded" ? [verdict.plugin] : []
}

/** Null: this VPP has no such message. */
const printed = (session: Session, cmd: string) =>
  session.offers(cliInband)
    ? Effect.map(
        Effect.orElseSucceed(session.call(cliInband, { cmd }), () => null),
        (answer) => answer?.reply ?? null
      )
    : Effect.succeed(null)

const ports = Effect.fnUntraced(function* (session: Session) {
  const marked = yield* Interfaces.marked(session)
  if (marked.length === 0) return []
  const memifs = yield* Interfaces.memifs(session)
  const sockets = yield* Interfaces.memifSockets(session)
  const vhosts = yield* Interfaces.vhosts(session)
  const domains = yield* Interfaces.domains(session)
  const printedMemifs = memifsIn(memifs.length === 0 ? "" : ((yield* printed(session, "show memif")) ?? ""))
  return marked.map(({ mark, one }): PortView => {
    const its = ({ sw_if_index }: { readonly sw_if_index: number }) => sw_if_index === one.sw_if_index
    const memif = memifs.find(its)
    const vhost = vhosts.find(its)
    const domain = domains.find(({ sw_if_details }) => sw_if_details.some(its))
    const connected = (one.flags & linkUp) !== 0
    return {
      key: mark.key,
      network: "",
      containerId: mark.container,
      ifName: "",
      pod: undefined,
      port: one.interface_name,
      socketPath: vhost?.sock_filename ?? (memif === undefined ? undefined : sockets.get(memif.socket_id)),
      on: domain === undefined ? null : `bridge domain ${domain.bd_id}`,
      connected,
      link: connected ? (one.flags & adminUp) !== 0 : null,
      error: errorOf(vhost),
      mtu: mtuOf(one),
      queues: printedMemifs.get(one.interface_name)?.queues ?? null,
      rings: printedMemifs.get(one.interface_name)?.rings ?? null,
      features: vhost === undefined || !connected ? null : featuresOf(vhost),
      numa: null,
      polledOn: [],
      counted: true,
      drops: []
    }
  })
})

const errorOf = (vhost: { readonly sock_errno: number } | undefined): string | null =>
  // VPP keeps the last error of a connect that it repeats: nobody listens yet.
  vhost === undefined || [0, 2, 111].includes(Math.abs(vhost.sock_errno)) ? null : `errno ${vhost.sock_errno}`

const mtuOf = ({ link_mtu, mtu }: Interfaces.Interface): number | null => {
  const layer3 = mtu[0] ?? 0
  const effective = layer3 === 0 ? link_mtu : layer3
  return effective === 0 ? null : effective
}

const featuresOf = ({ features_first_32, features_last_32 }: { features_first_32: number; features_last_32: number }) =>
  `0x${((BigInt(features_last_32) << 32n) | BigInt(features_first_32)).toString(16).padStart(16, "0")}`
