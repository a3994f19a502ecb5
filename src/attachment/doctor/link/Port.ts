/**
 * The port on its switch: whether it exists as its ADD created it, whether packets pass, and with which settings. Pure.
 */
import type { Explained } from "../../../cni/types/CniError.ts"
import type { PortView } from "../../../vswitch/View.ts"
import type { Difference } from "../../../vswitch/Vswitch.ts"
import { asKept, found, type Judged, nothing, together, unknown, unseen, well } from "../findings/Finding.ts"

export interface Port {
  /** The details for `doctor`; undefined: the switch has no port with this mark. */
  readonly view: PortView | undefined
  /** False: the details are what the database keeps. */
  readonly asked: boolean
  /** CHECK's differences, or why it could not compare. */
  readonly differences: ReadonlyArray<Difference> | Explained
  /** The MTU requested of the switch, and that of the container config. Undefined: their default. */
  readonly mtu: { readonly requested: number | undefined; readonly told: number | undefined }
}

type Values = Readonly<Record<string, string>>

export const judge = ({ asked, differences, mtu, view }: Port, values: Values): Judged => {
  const details = view === undefined ? nothing : ofView(view, mtu, { ...values, port: view.port })
  return together([
    "failed" in differences
      ? view === undefined
        ? unknown("port", differences.failed)
        : unseen("port", differences.failed)
      : together(differences.map((one) => ofDifference(one, values))),
    asked ? details : asKept(details)
  ])
}

const ofDifference = ({ kind, warning, what }: Difference, values: Values): Judged => {
  if (kind === "missing") return found("port", "port-missing", what, values)
  if (kind === "forgotten") return found("port", "port-incomplete", what, values)
  // Once, with the node.
  if (kind === "silent") return nothing
  return found("port", warning === true ? "port-may-not-work" : "port-changed", what, values)
}

const ofView = (view: PortView, mtu: Port["mtu"], values: Values): Judged => {
  const { connected, counted, drops, error, features, link, on, port, queues, rings } = view
  if (error !== null) return found("port", "port-failed", `${port}: ${error}`, values)
  return together([
    well("port", `${port}${on === null ? ", on no bridge" : ` on ${on}`}`),
    connected ? well("application", "connected") : ofApplication(view, values),
    connected && link === false ? found("link", "link-down", `${port} is connected and down`, values) : nothing,
    ...(connected
      ? [
          fact("features", features),
          fact("queues", queues),
          fact("rings", rings),
          fact("NUMA node of the memory", view.numa === null ? null : String(view.numa))
        ]
      : []),
    ofMtu(view, mtu, values),
    ofNuma(view),
    counted
      ? nothing
      : found("counters", "packets-not-counted", "Open vSwitch has no rx_packets of this port in server mode", values),
    ...drops.map(({ packets, why }) =>
      found(
        "drops",
        why === "rate limit" ? "packets-over-rate" : "application-too-slow",
        `${packets} packets since the port was made (${why})`,
        values
      )
    )
  ])
}

/** The MTU is known from the first connection on; when that was, no switch remembers. */
const ofApplication = ({ mtu, port }: PortView, values: Values): Judged =>
  found(
    "application",
    "application-not-connected",
    `${port} is disconnected${mtu === null ? "" : "; it has been connected before"}`,
    values
  )

const ofMtu = ({ mtu }: PortView, { requested, told }: Port["mtu"], values: Values): Judged => {
  const words = [
    mtu === null ? "not known while it is disconnected" : `${mtu} on the switch`,
    ...(requested === undefined || requested === mtu ? [] : [`${requested} requested`]),
    ...(told === undefined ? [] : [`the container is told ${told}`])
  ].join(", ")
  return mtu !== null && told !== undefined && told !== mtu
    ? found("MTU", "mtu-differs", words, values)
    : mtu === null
      ? unknown("MTU", words)
      : well("MTU", words)
}

const fact = (link: string, value: string | null): Judged => (value === null ? nothing : well(link, value))

const ofNuma = ({ numa, polledOn }: PortView): Judged =>
  numa === null || polledOn.length === 0 || polledOn.includes(numa)
    ? nothing
    : found(
        "polling",
        "memory-on-other-numa-node",
        `its memory is on NUMA node ${numa}, threads on ${polledOn.join(", ")} poll it`,
        { numa: String(numa) }
      )
