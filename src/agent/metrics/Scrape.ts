/**
 * One scrape: what the agent has counted, what it knows now, and what the switches have counted of each interface. Series of
 * an interface end with it. Scrapes that come together share one look at the switches.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { OfSwitch } from "../../attachment/heal/Round.ts"
import type { InterfaceTraffic, NodeTraffic } from "../../attachment/traffic/NodeTraffic.ts"
import { shortId } from "../../identity/Attachment.ts"
import { turn } from "../../platform/Sockets.ts"
import type { Way } from "../../vswitch/Traffic.ts"
import { families } from "./Families.ts"
import type { Meter } from "./Meter.ts"
import * as Registry from "./Registry.ts"

/** What the agent knows at this moment. */
export interface Now {
  readonly version: string
  /** Seconds since 1970. */
  readonly started: number
  readonly running: number
  readonly queued: number
  /** Records of which nothing can be made. */
  readonly unusable: number
}

export interface DeviceCount {
  readonly resource: string
  readonly state: "attached" | "free" | "unhealthy"
  readonly count: number
}

export interface Sources {
  readonly meter: Meter
  readonly traffic: Effect.Effect<NodeTraffic>
  /** Absent: the agent has no resources. */
  readonly devices?: Effect.Effect<ReadonlyArray<DeviceCount>> | undefined
  readonly now: () => Now
}

/** Each interface has some twenty series. The others are counted, and passed over. */
export const mostInterfaces = 1000
/** Of one look at the switches. */
const keptFor = "1 second"
/** A scraper gives up after ten seconds by default. */
const patience = "8 seconds"

/** Gives the registry of a scrape. */
export const make = Effect.fnUntraced(function* ({ devices = Effect.succeed([]), meter, now, traffic }: Sources) {
  const shared = yield* Effect.cachedWithTTL(Effect.timeoutOption(traffic, patience), keptFor)
  return Effect.gen(function* () {
    const seen = yield* shared
    // The meter's own series are in it as they are.
    const registry = Registry.make(new Map(meter.registry.metrics))
    ofNow(registry, now())
    for (const { count, resource, state } of yield* devices) registry.set(families.devices, [resource, state], count)
    for (const { at, isUp, last } of meter.switches()) {
      const labels = meter.switchLabels(at)
      registry.set(families.switchUp, labels, isUp ? 1 : 0)
      if (last !== undefined) ofRound(registry, labels, last)
    }
    if (Option.isSome(seen)) yield* ofTraffic(registry, seen.value, meter)
    return registry
  })
})

const ofNow = (registry: Registry.Registry, { queued, running, started, unusable, version }: Now): void => {
  registry.set(families.info, [version], 1)
  registry.set(families.started, [], started)
  registry.set(families.running, [], running)
  registry.set(families.queued, [], queued)
  registry.set(families.unusable, [], unusable)
}

const ofRound = (
  registry: Registry.Registry,
  labels: Registry.LabelValues,
  { found, looked, when }: OfSwitch
): void => {
  registry.set(families.lastRound, labels, when / 1000)
  const states = new Map<string, number>([
    ["missing", 0],
    ["isolated", 0],
    ["forgotten", 0],
    ["changed", 0],
    ["stale", 0],
    ["unrecorded", 0]
  ])
  // What was put right, or was right when it was looked at again, is well.
  const wrong = found.filter(({ outcome }) => outcome._tag !== "Done" && outcome._tag !== "Passed")
  for (const { kind } of wrong) states.set(kind, (states.get(kind) ?? 0) + 1)
  for (const [state, count] of states) registry.set(families.attachments, [...labels, state], count)
  const recorded = wrong.filter(({ kind }) => kind !== "unrecorded").length
  registry.set(families.attachments, [...labels, "well"], Math.max(0, looked - recorded))
}

/** Interfaces, before calls get their turn. */
const atOnce = 50

const ofTraffic = Effect.fnUntraced(function* (
  registry: Registry.Registry,
  { interfaces, silent }: NodeTraffic,
  meter: Meter
) {
  const omitted = Math.max(0, interfaces.length - mostInterfaces)
  registry.set(families.interfaces, [], interfaces.length)
  registry.set(families.omitted, [], omitted)
  for (const { at } of interfaces) registry.set(families.countersUp, meter.switchLabels(at), 1)
  for (const { at } of silent) registry.set(families.countersUp, meter.switchLabels(at), 0)
  for (const [n, one] of interfaces.slice(0, mostInterfaces).entries()) {
    ofInterface(registry, one, meter.switchLabels(one.at)[1])
    if (n % atOnce === atOnce - 1) yield* turn
  }
})

const ofInterface = (registry: Registry.Registry, { traffic, who }: InterfaceTraffic, name: string): void => {
  const { connected, linkResets, mtu, numaNode, queues, receive, retries, transmit } = traffic
  const labels = [
    who?.pod?.namespace ?? "",
    // A container without a pod, or a port that nothing but its switch knows of.
    who?.pod?.name ?? (who === undefined ? traffic.port : shortId(who)),
    who?.ifName ?? "",
    who?.network ?? "",
    name
  ]
  ofWay(registry, families.receive, labels, receive)
  ofWay(registry, families.transmit, labels, transmit)
  registry.set(families.connected, labels, connected ? 1 : 0)
  if (retries !== undefined) registry.total(families.retries, labels, retries)
  if (linkResets !== undefined) registry.total(families.linkResets, labels, linkResets)
  if (mtu !== undefined) registry.set(families.mtu, labels, mtu)
  if (queues !== undefined) registry.set(families.queues, labels, queues)
  if (numaNode !== undefined) registry.set(families.numaNode, labels, numaNode)
}

const ofWay = (
  registry: Registry.Registry,
  of: (typeof families)["receive"],
  labels: Registry.LabelValues,
  { bytes, dropped, errors, packets }: Way
): void => {
  if (packets !== undefined) registry.total(of.packets, labels, packets)
  if (bytes !== undefined) registry.total(of.bytes, labels, bytes)
  if (errors !== undefined) registry.total(of.errors, labels, errors)
  for (const [reason, count] of Object.entries(dropped)) registry.total(of.dropped, [...labels, reason], count)
}
