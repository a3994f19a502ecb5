/**
 * Attachments disturb neither each other nor an administrator: a hundred are removed while a hundred others are added,
 * in one range of addresses, on bridges on which somebody's own ports come and go. With one interface or eight for each
 * pod, and all in one directory; on one bridge, and on several.
 */
import * as Net from "node:net"
import { assert } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { until } from "../support/Until.ts"
import { started } from "./support/AgentCalls.ts"
import { CniNode, newContainerId, type Sandbox } from "./support/CniNode.ts"
import { callAll } from "./support/Crowd.ts"
import { allWell, comeAndGo, type Member } from "./support/Generations.ts"
import { succeed } from "./support/Program.ts"
import { eachOnMachine } from "./support/Suite.ts"
import { look, processes, returnsTo } from "./support/World.ts"

const crowd = 100

/** Prefix of the plugin's port names. */
const portPrefix = "usp"

type Names = Partial<Pick<Sandbox, "containerId" | "ifName"> & { readonly bridge: string }>

/** What distinguishes each from the others of its generation, and from the same one of the other generation. */
type Each = (index: number, generation: number) => Names

/** The network namespace is one. */
const members = Effect.fnUntraced(function* (each: Each, generation = 0, count = crowd, environment = {}) {
  const { called, network, sandbox } = yield* CniNode
  const { netns } = yield* sandbox
  return Array.from({ length: count }, (_, index): Member => {
    const { bridge = bridges.one, containerId = newContainerId(), ifName = "net1" } = each(index, generation)
    const of = { containerId, ifName, netns }
    const conf = { ...network, host: { ...network.host, bridge: { bridgeName: bridge } } }
    return { add: called("ADD", of, conf, { environment }), del: called("DEL", of, conf, { environment }) }
  })
})

const bridges = { one: "br-e2e", several: ["br-e2e0", "br-e2e1", "br-e2e2", "br-e2e3", "br-e2e4"], ours: "br-ours" }

/**
 * An administrator who has created these bridges, each with a port that stays, and repeatedly adds another port to
 * each, which must stay as created.
 */
const administratorOf = Effect.fnUntraced(function* (names: ReadonlyArray<string>) {
  const { directory, vsctl } = yield* CniNode
  const onEach = (words: (bridge: string) => ReadonlyArray<string>) =>
    vsctl("--no-wait", ...names.flatMap((bridge) => ["--", ...words(bridge)]))
  const added = (bridge: string, port: string) => [
    ...["add-port", bridge, port, "--", "set", "Interface", port, "type=dpdkvhostuserclient"],
    `options:vhost-server-path=${directory}/${port}`
  ]
  const [stays, comes] = [(bridge: string) => `stays-${bridge}`, (bridge: string) => `comes-${bridge}`]
  yield* Effect.acquireRelease(
    onEach((bridge) => [
      ...["add-br", bridge, "--", "set", "Bridge", bridge, "datapath_type=netdev", "--"],
      ...added(bridge, stays(bridge))
    ]),
    () => Effect.ignore(onEach((bridge) => ["del-br", bridge]))
  )
  const taken = (name: string) => ["wait-until", "Interface", name, "link_state!=[]"]
  yield* onEach((bridge) => [...taken(bridge), "--", ...taken(stays(bridge))])

  const whole = names.flatMap((bridge) => [
    ...[comes(bridge), stays(bridge)],
    ...["dpdkvhostuserclient", `{vhost-server-path="${directory}/${comes(bridge)}"}`, "{}"]
  ])
  return Effect.gen(function* () {
    yield* onEach((bridge) => added(bridge, comes(bridge)))
    const found = yield* onEach((bridge) => [
      ...["list-ports", bridge, "--", "get", "Interface", comes(bridge), "type", "options", "external_ids", "--"],
      ...["del-port", bridge, comes(bridge)]
    ])
    const his = found.split("\n").filter((line) => line !== "" && !line.startsWith(portPrefix))
    assert.deepStrictEqual(his, whole)
  })
})

interface Shape {
  /** The administrator's bridges. */
  readonly on: ReadonlyArray<string>
  readonly each: Each
}

/** The first of them creates the sixth, and the last removes it. Both generations are in the same pods. */
const onSixBridges: Shape = {
  on: bridges.several,
  each: (index, generation) => ({
    bridge: bridges.several[index % 6] ?? bridges.ours,
    containerId: `${100 + Math.floor(index / 8)}`.padEnd(64, "c"),
    ifName: `net${(index % 8) + 8 * generation}`
  })
}

const shapes: Readonly<Record<string, Shape>> = {
  "on one bridge": { on: [bridges.one], each: () => ({}) },
  "on six bridges, eight interfaces to a pod": onSixBridges,
  // Ids that begin alike.
  "in one directory": {
    on: [bridges.one],
    each: (index, generation) => ({ containerId: `0958c8871b32${index + crowd * generation}` })
  }
}

/** Number of connections that a server has not accepted yet. */
const queueOf = (pid: number, socket: string) =>
  Effect.map(succeed("nsenter", ["-t", `${pid}`, "-n", "ss", "-xlH", "src", socket]), (listed) => {
    const [, , waiting, limit] = listed.trim().split(/\s+/)
    return { waiting: Number(waiting), limit: Number(limit) }
  })

/** Fills the queue while the scope lasts: the last connection is refused. */
const filled = (socket: string, { limit }: { readonly limit: number }) =>
  Effect.forEach(Array.from({ length: limit + 2 }), () =>
    Effect.acquireRelease(
      Effect.callback<Net.Socket>((resume) => {
        const connection = Net.createConnection(socket)
        connection.once("connect", () => resume(Effect.succeed(connection)))
        connection.once("error", () => resume(Effect.succeed(connection)))
      }),
      (connection) => Effect.sync(() => connection.destroy())
    )
  )

const comesAndGoes = Effect.fnUntraced(function* ({ each, on }: Shape, environment = {}) {
  const { watched } = yield* CniNode
  const administrator = yield* administratorOf(on)
  const [first, second] = [yield* members(each, 0, crowd, environment), yield* members(each, 1, crowd, environment)]
  const before = yield* look(watched)
  const there = Effect.map(look(watched), ({ leases, tables }) => ({
    leases,
    ports: Object.keys(tables).filter((row) => row.startsWith(`Interface ${portPrefix}`)).length
  }))
  assert.isAbove(yield* comeAndGo(first, second, { administrator, there }), 0)
  yield* returnsTo(watched, before)
})

eachOnMachine(["root", "executable", "ovs", "hostLocal"], CniNode.layer)("a hundred at the same time", (test) => {
  for (const [name, shape] of Object.entries(shapes)) {
    test(
      `${name}: added, then removed while as many others are added, and an administrator's ports come and go`,
      () => comesAndGoes(shape),
      240_000
    )
  }

  test(
    "through the agent, on six bridges, eight interfaces to a pod: the same",
    () =>
      Effect.gen(function* () {
        const { environment, until } = yield* started
        yield* comesAndGoes(onSixBridges, environment)
        const { calls } = yield* until("rest", ({ calls }) => calls.running + calls.queued === 0)
        assert.isAbove(calls.served, 0)
        assert.deepStrictEqual([calls.failed, calls.interrupted], [0, 0])
      }),
    240_000
  )

  test(
    "more callers than ovsdb-server's listen queue takes, while it is stopped: each waits for its turn",
    () =>
      Effect.gen(function* () {
        const { ovs, watched } = yield* CniNode
        const administrator = yield* administratorOf([bridges.one])
        const all = yield* members(() => ({}))
        const before = yield* look(watched)
        const pid = yield* ovs.ovsdbPid
        for (const verb of ["add", "del"] as const) {
          const calls = yield* Effect.scoped(
            Effect.gen(function* () {
              yield* Effect.acquireRelease(
                Effect.sync(() => process.kill(pid, "SIGSTOP")),
                () => Effect.sync(() => process.kill(pid, "SIGCONT"))
              )
              yield* filled(ovs.socket, yield* queueOf(pid, ovs.socket))
              const { limit, waiting } = yield* queueOf(pid, ovs.socket)
              assert.isAbove(waiting, limit)
              const calls = yield* Effect.forkDetach(
                Effect.all([callAll(all.map((each) => each[verb])), administrator, look(watched)], {
                  concurrency: "unbounded"
                }),
                { startImmediately: true }
              )
              // The started ones find no place in the queue. It must not be stopped for as long as one of them waits.
              yield* until("half of the crowd", processes(watched.mark), ({ length }) => length >= crowd / 2, {
                every: "10 millis"
              })
              return calls
            })
          )
          const [answers] = yield* Fiber.join(calls)
          allWell(verb.toUpperCase(), answers)
        }
        yield* returnsTo(watched, before)
      }),
    240_000
  )

  test("twenty that are added and removed so that the bridge comes and goes", () =>
    Effect.gen(function* () {
      const { watched } = yield* CniNode
      const all = yield* members(() => ({}), 0, 20)
      const before = yield* look(watched)
      const comeAndGo = Effect.fnUntraced(function* ({ add, del }: Member) {
        allWell("ADD", yield* callAll([add]))
        allWell("DEL", yield* callAll([del]))
      })
      yield* Effect.forEach(all, comeAndGo, { concurrency: 5 })
      yield* returnsTo(watched, before)
    }))
})
