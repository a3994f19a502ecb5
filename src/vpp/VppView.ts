/** VPP for `userspace doctor`: one session that only reads. Loaded on demand. */
import * as Effect from "effect/Effect"
import type { PortView, View, VppView } from "../vswitch/View.ts"
import { compatibility } from "./Compatibility.ts"
import type { Session } from "./client/Session.ts"
import { VppClient } from "./client/VppClient.ts"
import { fromVpp } from "./client/VppError.ts"
import * as Interfaces from "./interfaces/Interfaces.ts"
import { catalogue } from "./messages/Catalogue.ts"
import { cliInband } from "./messages/Control.ts"
import { adminUp, linkUp } from "./messages/Interface.ts"

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

// VPP's printed buffers and memifs are in no message (src/vlib/buffer.c, src/plugins/memif/cli.c).

/** `default-numa-0  0  0  2304  2048  8192  8191  0  1`: available and cached ones are free. */
const pool = /^(\S+)\s+\d+\s+\S+\s+\d+\s+\d+\s+(\d+)\s+(\d+)\s+(\d+)\s+\d+\s*$/

export const buffersIn = (text: string): NonNullable<VppView["buffers"]> =>
  text.split("\n").flatMap((line) => {
    const [, name = "", total, available, cached] = pool.exec(line) ?? []
    return total === undefined ? [] : [{ pool: name, total: Number(total), free: Number(available) + Number(cached) }]
  })

interface PrintedMemif {
  /** Null: nobody is connected. */
  readonly queues: string | null
  readonly rings: string | null
}

/** Each memif by its name. The API has the sizes that were asked for, of a slave; these are those in use. */
export const memifsIn = (text: string): ReadonlyMap<string, PrintedMemif> =>
  new Map(
    text
      .split(/^interface (?=\S)/m)
      .slice(1)
      .map((block) => [block.split(/\s/)[0] ?? "", memifIn(block)])
  )

const memifIn = (block: string): PrintedMemif => {
  const [, toMaster, toSlave, buffer] = /num-s2m-rings (\d+) num-m2s-rings (\d+) buffer-size (\d+)/.exec(block) ?? []
  const sizes = new Set([...block.matchAll(/\bring-size (\d+)/g)].map(([, size]) => size))
  return sizes.size === 0 || toMaster === undefined
    ? { queues: null, rings: null }
    : {
        queues: `${toMaster} to the master, ${toSlave} to the slave`,
        // A master takes its buffers from the slave, and prints 0.
        rings: `${[...sizes].join(" and ")} descriptors${buffer === "0" ? "" : `, buffers of ${buffer} bytes`}`
      }
}
