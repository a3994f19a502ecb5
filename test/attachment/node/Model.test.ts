/** Random sequences of calls by several processes at once, on a node in memory, against a simple model of what must exist. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { type Identity, keyOf } from "../../../src/identity/Attachment.ts"
import { holds, type NodeUnderTest, nameOf, people, Sequence } from "../../suites/AttachmentModel.ts"
import { removeBelow } from "../support/Collecting.ts"
import { edges, services } from "../support/Faults.ts"
import { network } from "../support/Networks.ts"
import { type Asked, stateDir, vppSocket, World, type Wrap } from "../support/World.ts"

/** The properties of a switch that the model knows. */
interface Kind {
  readonly net: object
  readonly other: object
  readonly restart: (world: World) => void
  readonly forgets: boolean
  /** The network whose ports exist after a restart, but changed. */
  readonly ages: string | undefined
  /** The share of sequences on this switch in `make test`. */
  readonly share: number
}

const server = { ...network, name: "other", host: { ...network.host, vhost: { mode: "server" } } }
const ovs = { net: network, other: server, ages: "other", share: 1 }
const onVpp = (name: string, host: object) => ({
  ...network,
  name,
  host: { engine: "vpp", socket: vppSocket, netType: "bridge", bridge: { bridgeName: "4" }, ...host }
})

const kinds: Readonly<Record<string, Kind>> = {
  "on a switch that remembers its ports": { ...ovs, forgets: false, restart: (world) => world.ovs.restart() },
  "on a switch that forgets them": { ...ovs, forgets: true, restart: (world) => world.ovs.empty() },
  "on VPP": {
    net: onVpp("net", { iftype: "memif", memif: { role: "master" } }),
    other: onVpp("other", { iftype: "vhostuser", vhost: { mode: "server" } }),
    forgets: true,
    ages: undefined,
    restart: (world) => world.vpp.restart(),
    share: 1 / 3
  }
}

const configurationOf = (kind: Kind, name: string): object =>
  name === "net" ? kind.net : name === "other" ? kind.other : assert.fail(`no network ${name}`)

/** Yields to others a number of times that the next random number determines: another order for each seed. */
const waiting = (seed: number) => {
  let state = seed
  return (most: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return Effect.forEach(Array.from({ length: (state >>> 16) % most }), () => Effect.yieldNow, { discard: true })
    })
}

/** Before each step; after it where one process has several steps running in an expected order. */
const shuffled =
  (wait: Effect.Effect<void>): Wrap =>
  (name, service) => {
    if (!services.has(name) && !edges.has(name)) return service
    const step = (effect: Effect.Effect<unknown, unknown, unknown>) =>
      name === "VppSession" ? Effect.tap(effect, wait) : Effect.andThen(wait, effect)
    return new Proxy(service, {
      get: (target, key) => {
        const member: unknown = Reflect.get(target, key)
        if (Effect.isEffect(member)) return step(member)
        if (typeof member !== "function") return member
        return (...args: ReadonlyArray<unknown>) => {
          const done: unknown = Reflect.apply(member, target, args)
          return Effect.isEffect(done) ? step(done) : done
        }
      }
    })
  }

/** The attachment of a port in a line of the dump. */
const ofPort = (everybody: ReadonlyArray<Identity>, line: string): ReadonlyArray<string> =>
  line.startsWith("Port ")
    ? named(everybody, line)
    : line.startsWith("vpp interface ")
      ? everybody.filter((who) => line.includes(`/${keyOf(who)}/`)).map(nameOf)
      : []

/** The attachment of a line of the dump. */
const named = (everybody: ReadonlyArray<Identity>, line: string, quote = '"'): ReadonlyArray<string> =>
  everybody.filter((who) => Object.values(who).every((part) => line.includes(`${quote}${part}${quote}`))).map(nameOf)

const inMemory = (everybody: ReadonlyArray<Identity>, seed: number, kind: Kind): NodeUnderTest => {
  const world = new World()
  const wait = waiting(seed)
  const wrap = shuffled(wait(8))
  /** At a random point of concurrent work. */
  const blow = (strike: () => void) => Effect.andThen(wait(150), Effect.sync(strike))
  const askedOf = ({ containerId, ifName, network: name }: Identity): Asked => ({
    conf: configurationOf(kind, name),
    containerId,
    ifName
  })
  const ended = (self: ReturnType<World["call"]>) =>
    Effect.match(self, { onSuccess: () => undefined, onFailure: ({ code, msg }) => `${code}: ${msg}` })
  const filesIn = (directory: string, name: RegExp) =>
    world
      .below(directory)
      .flatMap((line) => (name.test(line.split(" ")[0] ?? "") ? named(everybody, line) : []))
      .sort()
  return {
    people: everybody,
    call: (verb, who) => ended(world.call(verb, askedOf(who), wrap)),
    gc: (name, valid) =>
      ended(
        world.call(
          "GC",
          {
            conf: {
              ...configurationOf(kind, name),
              "cni.dev/valid-attachments": valid.map(({ containerId, ifName }) => ({
                containerID: containerId,
                ifname: ifName
              }))
            }
          },
          wrap
        )
      ),
    // Only one runs at a time; the others report that.
    restore: world.restore(wrap).pipe(
      Effect.catchTag("CniError", () => Effect.void),
      Effect.asVoid,
      Effect.orDie
    ),
    restart: blow(() => kind.restart(world)),
    loseRecords: blow(() => removeBelow(world, `${stateDir}/attachments`)),
    look: Effect.sync(() => {
      const lines = world.dump()
      return {
        ports: lines.flatMap((line) => ofPort(everybody, line)).sort(),
        leases: world.leases
          .dump()
          .flatMap((line) =>
            everybody.filter(
              ({ containerId, ifName, network }) =>
                line.startsWith(`${network} `) && line.endsWith(` ${containerId} ${ifName}`)
            )
          )
          .map(nameOf)
          .sort(),
        records: filesIn(`${stateDir}/attachments`, /attachments\/[^/]+\.json$/),
        told: filesIn("/shared", /configData-[^/]*\.json$/)
      }
    }),
    everything: Effect.sync(() => world.dump()),
    addresses: 2,
    forgets: kind.forgets,
    ages: ({ network }) => network === kind.ages
  }
}

const Seed = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff }))

/**
 * Other sequences each time. A failure prints the shortest failing one, the seed, and a `replay` to pass instead of
 * `runs`. `MODEL_RUNS`: number of sequences, for each group of attachments on each switch; `MODEL_SEED`: of these.
 */
const { MODEL_RUNS, MODEL_SEED = String(Date.now()) } = process.env
const runsOn = ({ share }: Kind): number => (MODEL_RUNS === undefined ? Math.ceil(60 * share) : Number(MODEL_RUNS))

describe.each(Object.entries(people))("attachments %s", (_, everybody) => {
  describe.each(Object.entries(kinds))("%s", (_, kind) => {
    it.live.prop(
      "are as the model says",
      [Sequence, Seed],
      ([sequence, seed]) => holds(inMemory(everybody, seed, kind), sequence),
      {
        timeout: 60_000 + 4_000 * runsOn(kind),
        arbitrary: { runs: runsOn(kind), seed: MODEL_SEED, size: 12, maxShrinks: 2_000 }
      }
    )
  })
})
