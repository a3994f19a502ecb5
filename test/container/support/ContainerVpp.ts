/** The requests of the suite of `container vpp`, the state of the VPP, and changes by others. */
import { assert } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import type { Interface, MemifInterface, VhostUserInterface } from "../../../src/container/read/Interface.ts"
import { configure } from "../../../src/container/vpp/Configure.ts"
import { nameIn } from "../../../src/container/vpp/Link.ts"
import { removeRoutesOver } from "../../../src/container/vpp/Routes.ts"
import { Files } from "../../../src/platform/Files.ts"
import type { Session } from "../../../src/vpp/client/Session.ts"
import { addressesOf } from "../../../src/vpp/interfaces/HostAddresses.ts"
import * as Interfaces from "../../../src/vpp/interfaces/Interfaces.ts"
import * as PortKinds from "../../../src/vpp/interfaces/PortKinds.ts"
import { adminUp } from "../../../src/vpp/messages/Interface.ts"
import { routeDump } from "../../../src/vpp/messages/Ip.ts"
import { removeMemif } from "../../../src/vpp/messages/Ports.ts"
import { directory, once, memif as port, withSession } from "../../suites/VppUnderTest.ts"

let interfaces = 0
/** The number of the latest {@link memif}; the next one has the next. */
export const lastNumber = () => interfaces

/** An interface of this test only, with addresses in subnets of its own. */
export const memif = Effect.fnUntraced(function* (
  more: Partial<MemifInterface> = {}
): Effect.fn.Return<MemifInterface, never, Scope.Scope> {
  const n = ++interfaces
  return {
    kind: "memif",
    name: `net${n}`,
    network: "net",
    containerId: "c",
    socket: `${yield* directory}/m${n}.sock`,
    mac: `02:00:00:00:01:${n.toString(16).padStart(2, "0")}`,
    mtu: 1400,
    addresses: [
      { address: `10.77.${n}.2/24`, gateway: `10.77.${n}.1` },
      { address: `fd00:77:${n}::2/64`, gateway: `fd00:77:${n}::1` }
    ],
    routes: [
      { dst: `10.78.${n}.0/24`, gateway: undefined },
      { dst: `fd00:78:${n}::/64`, gateway: `fd00:77:${n}::9` }
    ],
    role: "slave",
    mode: "ethernet",
    abstract: false,
    rxQueues: undefined,
    txQueues: undefined,
    ringSize: undefined,
    bufferSize: undefined,
    secret: undefined,
    ...more
  }
})

export const vhost = (from: MemifInterface): VhostUserInterface => {
  const { addresses, containerId, mac, mtu, name, network, routes, socket } = from
  const common = { addresses, containerId, mac, mtu, name, network, routes, socket }
  return { ...common, kind: "vhost-user", mode: "server", queues: undefined, packed: false }
}

export const configured = (...wanted: ReadonlyArray<Interface>) =>
  once(Effect.provide(configure(wanted, "5 seconds"), Files.layer))

export const one = (wanted: Interface) =>
  Effect.map(configured(wanted), ([first]) => {
    assert.isDefined(first)
    return first
  })

/** Our interfaces of that name, with all their settings. */
export const ours = (name: string) =>
  withSession(
    Effect.fnUntraced(function* (session) {
      const found = (yield* Interfaces.all(session)).filter(({ tag }) => nameIn(tag) === name)
      return yield* Effect.forEach(found, (each) => details(session, each.sw_if_index))
    })
  )

export const details = Effect.fnUntraced(function* (session: Session, index: number) {
  const there = yield* Interfaces.byIndex(session, index)
  const [four, six] = [yield* routes(session, index, false), yield* routes(session, index, true)]
  return {
    name: there?.interface_name,
    mac: there?.l2_address,
    up: ((there?.flags ?? 0) & adminUp) !== 0,
    mtu: there?.mtu[0],
    addresses: yield* addressesOf(session, index),
    routes: [...four, ...six].filter((prefix) => /^(10\.78|fd00:78|169\.254|0\.0\.0\.0|::)/.test(prefix)).sort()
  }
})

const routes = (session: Session, index: number, is_ip6: boolean) =>
  Effect.map(session.dump(routeDump, { table: { table_id: 0, is_ip6, name: "" } }), (all) =>
    all
      .filter(({ route }) => route.paths.some(({ sw_if_index, type }) => sw_if_index === index && type === 0))
      .map(({ route }) => route.prefix)
  )

/** Created by an administrator. */
export const byHand = (number: number, filename: string, mac?: string) =>
  withSession((session) =>
    PortKinds.registerSocket(session, number, filename).pipe(
      Effect.andThen(
        PortKinds.createMemif(session, port({ role: "slave", network: { netType: "none" }, mac }), number, filename)
      ),
      Effect.map(({ index }) => index)
    )
  )

export const removed = (index: number) =>
  withSession((session) =>
    Effect.andThen(removeRoutesOver(session, index), session.call(removeMemif, { sw_if_index: index }))
  )

/** Removed with the test. */
export const removedAfter = (name: string) =>
  Effect.addFinalizer(() =>
    Effect.ignore(
      withSession(
        Effect.fnUntraced(function* (session) {
          for (const each of yield* Interfaces.all(session)) {
            if (nameIn(each.tag) !== name) continue
            yield* removeRoutesOver(session, each.sw_if_index)
            yield* session.call(removeMemif, { sw_if_index: each.sw_if_index })
          }
        })
      )
    )
  )
