/**
 * Rates of every port, from repeated readings of their counters. VPP's counters are current: what they have grown by is
 * of the time between two readings. Open vSwitch writes its counters for all ports at once and seldom, so a reading
 * shows either nothing new or one more such period. Read at least as often as it writes. Pure.
 */
import type { PortTraffic, Way } from "../../vswitch/Traffic.ts"
import type { InterfaceTraffic, NodeTraffic } from "./NodeTraffic.ts"

/** A second. */
interface Rate {
  /** Undefined: the switch does not count them. */
  readonly packets: number | undefined
  readonly bytes: number | undefined
  readonly dropped: number
}

export interface Rates {
  readonly receive: Rate
  readonly transmit: Rate
}

/** Undefined: not known yet, or the counters began anew. */
export interface RatedInterface extends InterfaceTraffic {
  readonly rates: Rates | undefined
}

type Ports = ReadonlyMap<string, PortTraffic>

interface SwitchReadings {
  /** What the next rates begin with. */
  readonly from: Ports
  readonly last: Ports
  readonly at: number
  /** When the counters last changed, or of the first reading. */
  readonly changed: number
  /** Milliseconds that the counters have been written for since `from`. */
  readonly written: number
  /** Open vSwitch has written meanwhile, and the same numbers. */
  readonly quiet: boolean
  readonly rates: ReadonlyMap<string, Rates>
  /** There is something to compute rates from. */
  readonly ready: boolean
}

export interface Readings {
  readonly interfaces: ReadonlyArray<InterfaceTraffic>
  readonly switches: ReadonlyMap<string, SwitchReadings>
}

export const noReadings: Readings = { interfaces: [], switches: new Map() }

/** A switch that does not answer begins anew afterwards. */
export const read = ({ switches }: Readings, { interfaces }: NodeTraffic, at: number): Readings => ({
  interfaces,
  switches: new Map(
    [...Map.groupBy(interfaces, nameOf)].map(([name, ports]) => [
      name,
      next(switches.get(name), new Map(ports.map(({ traffic }) => [traffic.key, traffic])), at)
    ])
  )
})

/** Every switch is, that answers. */
export const isReady = ({ switches }: Readings): boolean => [...switches.values()].every(({ ready }) => ready)

/** With the rates since this was last done, which the next ones begin after. */
export const rate = ({ interfaces, switches }: Readings): Readings => ({
  interfaces,
  switches: new Map([...switches].map(([name, readings]) => [name, rated(readings)]))
})

export const ratedInterfaces = ({ interfaces, switches }: Readings): ReadonlyArray<RatedInterface> =>
  interfaces.map((one) => ({ ...one, rates: switches.get(nameOf(one))?.rates.get(one.traffic.key) }))

const nameOf = ({ at: { control, engine } }: InterfaceTraffic): string => `${engine} ${control}`

/** ovs-vswitchd writes after its period, when it gets round to it. */
const slack = 1000

const next = (before: SwitchReadings | undefined, ports: Ports, at: number): SwitchReadings => {
  if (before === undefined) {
    return {
      ...{ from: ports, last: ports, at, changed: at },
      ...{ written: 0, quiet: false, rates: new Map(), ready: false }
    }
  }
  const every = [...ports.values()][0]?.writtenEvery
  const isChanged = [...ports.values()].some((port) => isOther(before.last.get(port.key), port))
  const continued = <A>(of: ReadonlyMap<string, A>): ReadonlyMap<string, A> =>
    new Map([...of].filter(([key]) => isContinued(before.last.get(key), ports.get(key))))
  const passed = at - before.at
  const written = before.written + (every === undefined ? passed : isChanged ? Math.max(every, passed) : 0)
  const changed = isChanged ? at : before.changed
  const quiet = every !== undefined && written === 0 && at - changed > every + slack
  return {
    ...{ from: continued(before.from), last: ports, at, changed, written, quiet },
    ...{ rates: continued(before.rates), ready: before.ready || written > 0 || quiet }
  }
}

const rated = (now: SwitchReadings): SwitchReadings => {
  if (now.written === 0 && !now.quiet) return now
  const rates = [...now.last].flatMap(([key, port]) => {
    const was = now.from.get(key)
    return was === undefined ? [] : [[key, ratesOf(was, port, Math.max(now.written, 1) / 1000)] as const]
  })
  return { ...now, from: now.last, written: 0, rates: new Map(rates) }
}

const ratesOf = (was: PortTraffic, is: PortTraffic, seconds: number): Rates => ({
  receive: rateOf(was.receive, is.receive, seconds),
  transmit: rateOf(was.transmit, is.transmit, seconds)
})

const rateOf = (was: Way, is: Way, seconds: number): Rate => ({
  packets: growth(was.packets, is.packets, seconds),
  bytes: growth(was.bytes, is.bytes, seconds),
  dropped: (droppedOf(is) - droppedOf(was)) / seconds
})

const growth = (was: number | undefined, is: number | undefined, seconds: number): number | undefined =>
  was === undefined || is === undefined ? undefined : (is - was) / seconds

const droppedOf = ({ dropped }: Way): number => Object.values(dropped).reduce((sum, packets) => sum + packets, 0)

const counters = ({ receive, transmit }: PortTraffic): ReadonlyArray<number> =>
  [receive, transmit].flatMap((way) => [way.packets ?? 0, way.bytes ?? 0, droppedOf(way)])

const isOther = (was: PortTraffic | undefined, is: PortTraffic): boolean => {
  const numbers = counters(is)
  return was !== undefined && counters(was).some((number, index) => number !== numbers[index])
}

/** None went backwards: neither the port nor the switch has begun anew. */
const isContinued = (was: PortTraffic | undefined, is: PortTraffic | undefined): boolean => {
  if (was === undefined || is === undefined) return false
  const numbers = counters(is)
  return counters(was).every((number, index) => number <= (numbers[index] ?? 0))
}
