/**
 * What is written of a node: the doctor's findings by identifier, attachments by network and state, switches, and what
 * healing has done, as counts. Nothing that changes by itself, such as a number of free pages: each change is a request.
 * Pure.
 */
import * as Result from "effect/Result"
import { version as own } from "../../app/Version.ts"
import { type Report, whole } from "../../attachment/doctor/Doctor.ts"
import type { Finding } from "../../attachment/doctor/findings/Finding.ts"
import type { Listed } from "../../attachment/node/Listing.ts"
import { nameOf } from "../../attachment/node/Switches.ts"
import type { Control } from "../../cni/network/HostPort.ts"
import type { Explained } from "../../cni/types/CniError.ts"
import type { Status, Summary } from "../../kubernetes/UserspaceNode.ts"
import type { SwitchView } from "../../vswitch/View.ts"
import type { DeviceCount } from "../metrics/Scrape.ts"

/** A switch, and what it answered. */
export interface Viewed {
  readonly at: Control
  readonly view: Result.Result<SwitchView, Explained>
}

export interface Inspected {
  readonly report: Report
  readonly views: ReadonlyArray<Viewed>
  readonly attachments: ReadonlyArray<Listed>
  readonly devices: ReadonlyArray<DeviceCount>
  readonly healed: ReadonlyMap<string, { readonly count: number; readonly last: string }>
}

export const summaryOf = (inspected: Inspected): Summary => {
  const switches = switchesOf(inspected.views)
  const judged = whole(inspected.report)
  const findings = findingsOf(judged.findings)
  const healed = sortedBy(
    [...inspected.healed].map(([kind, one]) => ({ kind, ...one })),
    ({ kind }) => kind
  )
  const ofSwitch = ({ engine, reachable, version }: Status["switches"][number]) =>
    `${engine} ${reachable ? version : "away"}`.trim()
  return {
    version: own,
    summary: {
      switches: switches.map(ofSwitch).join(", "),
      findings: findings.map(({ count, id }) => (count === 1 ? id : `${id} x${count}`)).join(", "),
      healed: healed.map(({ count, kind }) => `${kind} x${count}`).join(", "),
      attachments: inspected.attachments.length
    },
    conditions: conditionsOf(switches, findings, judged.unseen),
    switches,
    attachments: attachmentsOf(inspected.attachments),
    resources: resourcesOf(inspected.devices),
    findings,
    healed
  }
}

const sortedBy = <A>(all: ReadonlyArray<A>, of: (one: A) => string): ReadonlyArray<A> =>
  all.toSorted((one, other) => (of(one) < of(other) ? -1 : 1))

/** Networks and bridges in the object; the others are summed up. */
const most = 64

/** Words of others in an object of the cluster: few, and on one line. */
const brief = (text: string): string => text.replaceAll(/\s+/g, " ").slice(0, 256)

const switchesOf = (views: ReadonlyArray<Viewed>): Status["switches"] =>
  sortedBy(views, ({ at }) => nameOf(at)).map(({ at: { control, engine }, view }) => {
    if (Result.isFailure(view)) {
      return { engine, control, version: "", reachable: false, message: brief(view.failure.failed), bridges: [] }
    }
    const { success } = view
    const silent = success.engine === "vpp" ? undefined : success.silent
    const bridges = success.engine === "vpp" ? [] : success.bridges
    return {
      engine,
      control,
      version: success.version ?? "",
      reachable: silent === undefined,
      message: brief(silent?.failed ?? ""),
      bridges: bridges.slice(0, most).map(({ datapath, name, secure, unlearned }) => ({
        name,
        datapath,
        healthy: datapath === "netdev" && !(secure && unlearned.length > 0)
      }))
    }
  })

const severities = ["error", "warning", "note"]

/** The worst first. */
const findingsOf = (all: ReadonlyArray<Finding>): Status["findings"] =>
  sortedBy(
    [...Map.groupBy(all, ({ id }) => id)].map(([id, same]) => ({
      id,
      severity: same[0]?.severity ?? "note",
      count: same.length
    })),
    ({ id, severity }) => `${severities.indexOf(severity)} ${id}`
  )

/** Others are errors of a switch, in its own words. */
const states = new Set([
  "connected",
  "disconnected",
  "missing",
  "isolated",
  "unknown",
  "unfinished",
  "original",
  "fork"
])

const attachmentsOf = (all: ReadonlyArray<Listed>): Status["attachments"] => {
  const networks = sortedBy([...Map.groupBy(all, ({ network }) => network ?? "")], ([network]) => network)
  const rest = networks.slice(most).flatMap(([, listed]) => listed)
  const others = rest.length === 0 ? [] : [[`(${networks.length - most} others)`, rest] as const]
  return [...networks.slice(0, most), ...others].map(([network, listed]) => ({
    network,
    total: listed.length,
    states: Object.fromEntries(
      [...Map.groupBy(listed, ({ state }) => (states.has(state) ? state : "error"))].map(
        ([state, { length }]) => [state, length] as const
      )
    )
  }))
}

const resourcesOf = (all: ReadonlyArray<DeviceCount>): Status["resources"] =>
  [...Map.groupBy(all, ({ resource }) => resource)].map(([name, counts]) => {
    const of = (state: DeviceCount["state"]) =>
      counts.reduce((sum, one) => sum + (one.state === state ? one.count : 0), 0)
    const [used, free, unhealthy] = [of("attached"), of("free"), of("unhealthy")]
    return { name, total: used + free + unhealthy, used, unhealthy }
  })

type Told = Summary["conditions"][number]

const conditionsOf = (
  switches: Status["switches"],
  findings: Status["findings"],
  unseen: ReadonlyArray<string>
): Summary["conditions"] => {
  const away = switches.filter(({ reachable }) => !reachable)
  const reachable: Told =
    switches.length === 0
      ? condition("SwitchReachable", "False", "NoSwitch", "no control socket of a switch is on this node")
      : away.length === 0
        ? condition("SwitchReachable", "True", "Reachable", `${switches.length} of ${switches.length} answer`)
        : condition("SwitchReachable", "False", "SwitchAway", away.map(({ message }) => message).join("; "))
  const isServing = switches.some((one) => one.reachable)
  return [
    isServing
      ? condition("Ready", "True", "Serving", "the agent serves calls, and a switch answers")
      : condition("Ready", "False", reachable.reason, reachable.message),
    reachable,
    healthy(
      findings.filter(({ severity }) => severity !== "note"),
      unseen
    )
  ]
}

const healthy = (findings: Status["findings"], unseen: ReadonlyArray<string>): Told => {
  const [worst] = findings
  if (worst !== undefined) {
    const reason = worst.id.replaceAll(/(?:^|-)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
    return condition("Healthy", "False", reason, findings.map(({ count, id }) => `${id}: ${count}`).join(", "))
  }
  return unseen.length > 0
    ? condition("Healthy", "Unknown", "NotInspected", unseen.join("; "))
    : condition("Healthy", "True", "NoFindings", "the doctor finds nothing wrong")
}

const condition = (type: string, status: "True" | "False" | "Unknown", reason: string, message: string): Told => ({
  type,
  status,
  reason,
  message: brief(message)
})
