/**
 * A hundred attachments are removed while a hundred others are added, as processes, in bridge domains in which an
 * administrator's own memifs come and go: on real VPPs, or the one in TypeScript.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { type Session, VppDeadlines } from "../../src/vpp/client/Session.ts"
import type { VppError } from "../../src/vpp/client/VppError.ts"
import * as Interfaces from "../../src/vpp/interfaces/Interfaces.ts"
import * as BridgeDomain from "../../src/vpp/messages/BridgeDomain.ts"
import { every } from "../../src/vpp/messages/Control.ts"
import * as Ports from "../../src/vpp/messages/Ports.ts"
import { VppUnderTest, withSession } from "../suites/VppUnderTest.ts"
import { agent } from "./support/Agent.ts"
import type { Sandbox } from "./support/CniNode.ts"
import { comeAndGo, type Member } from "./support/Generations.ts"
import { type Each, eachOnMachine } from "./support/Suite.ts"
import { everyVpp, type OnVpp, VppCniNode } from "./support/VppCniNode.ts"

const crowd = 100

interface Shape {
  /** The administrator's bridge domains. */
  readonly on: ReadonlyArray<number>
  /** What distinguishes each from the others of its generation, and from the same one of the other generation. */
  readonly each: (
    index: number,
    generation: number
  ) => Pick<Sandbox, "containerId" | "ifName"> & { readonly domain: number }
}

/** The first of them creates the fourth, and the last removes it. Both generations are in the same pods. */
const inFourDomains: Shape = {
  on: [61, 62, 63],
  each: (index, generation) => ({
    domain: 61 + (index % 4),
    containerId: `${100 + Math.floor(index / 8)}`.padEnd(64, "c"),
    ifName: `net${(index % 8) + 8 * generation}`
  })
}

const shapes: Readonly<Record<string, Shape>> = {
  // Ids that begin alike.
  "in one bridge domain and one directory": {
    on: [60],
    each: (index, generation) => ({
      domain: 60,
      containerId: `0958c8871b32${index + crowd * generation}`,
      ifName: "net1"
    })
  },
  "in four bridge domains, eight interfaces to a pod": inFourDomains
}

const generation = Effect.fnUntraced(function* ({ each }: Shape, number: number, environment = {}) {
  const { called: calledAs, network, sandbox } = yield* VppCniNode
  const { netns } = yield* sandbox
  const called = (...[verb, of, conf]: Parameters<typeof calledAs>) => {
    const call = calledAs(verb, of, conf)
    return { ...call, environment: { ...call.environment, ...environment } }
  }
  return Array.from({ length: crowd }, (_, index): Member => {
    const { containerId, domain, ifName } = each(index, number)
    const of = { containerId, ifName, netns }
    const conf = network({ netType: "bridge", bridge: { bridgeName: String(domain) } })
    return { add: called("ADD", of, conf), del: called("DEL", of, conf) }
  })
})

const memifIn = Effect.fnUntraced(function* (session: Session, directory: string, socket: number, domain: number) {
  const path = `${directory}/memif-${socket}.sock`
  yield* session.call(Ports.socketFilenameAddDel, { is_add: true, socket_id: socket, socket_filename: path })
  const { sw_if_index } = yield* session.call(Ports.createMemif, {
    ...{ role: "master", mode: "ethernet", id: 0, socket_id: socket, rx_queues: 0, tx_queues: 0, ring_size: 0 },
    ...{ buffer_size: 0, no_zero_copy: false, hw_addr: "00:00:00:00:00:00", secret: "" }
  })
  const join = { rx_sw_if_index: sw_if_index, bd_id: domain, port_type: 0, shg: 0, enable: true }
  yield* session.call(BridgeDomain.setBridge, join)
  return sw_if_index
})

const gone = Effect.fnUntraced(function* (session: Session, socket: number, sw_if_index: number) {
  yield* session.call(Ports.removeMemif, { sw_if_index })
  yield* session.call(Ports.socketFilenameAddDel, { is_add: false, socket_id: socket, socket_filename: "" })
})

const change = (session: Session, domain: number, is_add: boolean) =>
  session.call(BridgeDomain.addDel, {
    ...{ bd_id: domain, flood: is_add, uu_flood: is_add, forward: is_add, learn: is_add, arp_term: false },
    ...{ arp_ufwd: false, mac_age: 0, bd_tag: is_add ? "an administrator's" : "", is_add }
  })

/**
 * An administrator who has created these bridge domains, each with a memif that stays, and repeatedly adds and removes
 * another one in each.
 */
const administratorOf = Effect.fnUntraced(function* (domains: ReadonlyArray<number>) {
  const { directory } = yield* VppCniNode
  const underTest = yield* VppUnderTest
  // As long as a call of the plugin does.
  const waits = yield* VppDeadlines
  const does = <A>(work: (session: Session) => Effect.Effect<A, VppError>) =>
    Effect.provideService(withSession(work), VppUnderTest, { ...underTest, waits })
  const [stays, comes] = [(domain: number) => 1000 + domain, (domain: number) => 2000 + domain]
  yield* Effect.forEach(domains, (domain) =>
    Effect.acquireRelease(
      does((session) =>
        Effect.andThen(change(session, domain, true), memifIn(session, directory, stays(domain), domain))
      ),
      (index) =>
        does((session) => Effect.andThen(gone(session, stays(domain), index), change(session, domain, false))).pipe(
          Effect.ignore
        )
    )
  )
  const work = Effect.fnUntraced(function* (session: Session, domain: number) {
    const index = yield* memifIn(session, directory, comes(domain), domain)
    const interfaces = yield* Interfaces.all(session)
    const [found] = yield* session.dump(BridgeDomain.bridgeDomainDump, { bd_id: domain, sw_if_index: every })
    const names = found?.sw_if_details.map(
      ({ sw_if_index }) => interfaces.find((one) => one.sw_if_index === sw_if_index)?.interface_name
    )
    assert.includeMembers(names ?? [], [`memif${stays(domain)}/0`, `memif${comes(domain)}/0`])
    yield* gone(session, comes(domain), index)
  })
  return Effect.forEach(domains, (domain) => does((session) => work(session, domain)), { discard: true })
})

const comesAndGoes = Effect.fnUntraced(function* (shape: Shape, environment = {}) {
  const { look, returnsTo } = yield* VppCniNode
  const administrator = yield* administratorOf(shape.on)
  const [first, second] = [yield* generation(shape, 0, environment), yield* generation(shape, 1, environment)]
  const before = yield* look
  const there = Effect.map(look, ({ leases, vpp }) => ({
    leases,
    ports: vpp.filter((line) => /^interface \S+ userspace\//.test(line)).length
  }))
  assert.isAbove(yield* comeAndGo(first, second, { administrator, there }), 0)
  yield* returnsTo(before)
})

const crowds = (test: Each<OnVpp>) => {
  for (const [name, shape] of Object.entries(shapes)) {
    test(
      `${name}: added, then removed while as many others are added, and an administrator's memifs come and go`,
      () => comesAndGoes(shape),
      240_000
    )
  }

  test(
    "through the agent, in four bridge domains, eight interfaces to a pod: the same",
    () =>
      Effect.gen(function* () {
        const { directory } = yield* VppCniNode
        const { environment, until } = yield* agent(`${directory}/agent/agent.sock`)
        yield* comesAndGoes(inFourDomains, environment)
        const { calls } = yield* until("rest", ({ calls }) => calls.running + calls.queued === 0)
        assert.isAbove(calls.served, 0)
        assert.deepStrictEqual([calls.failed, calls.interrupted], [0, 0])
      }),
    240_000
  )
}

for (const [name, needs, live] of everyVpp) {
  eachOnMachine(["root", "executable", "hostLocal", ...needs], live)(`a hundred at the same time on ${name}`, crowds)
}
