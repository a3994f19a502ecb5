/**
 * The agent beside Open vSwitch: damage is repaired without intervention, and packets pass again. The executable on
 * real daemons; two tests that wait for a minute have it pass faster. Observed times are printed; only deadlines are
 * asserted.
 */
import { copyFileSync, lstatSync } from "node:fs"
import { assert } from "@effect/vitest"
import { type Duration, Effect } from "effect"
import { until } from "../support/Until.ts"
import { handedTo } from "./support/Agent.ts"
import { CniNode, type Sandbox, socketOf } from "./support/CniNode.ts"
import { healing, hurried } from "./support/Healing.ts"
import { well } from "./support/Plugin.ts"
import { eachOnMachine } from "./support/Suite.ts"
import * as Testpmd from "./support/Testpmd.ts"

type Network = CniNode["Service"]["network"]

const inMode = (network: Network, mode: "client" | "server") => ({
  ...network,
  host: { ...network.host, vhost: { mode } }
})

const added = Effect.fnUntraced(function* (network: object) {
  const { call, sandbox } = yield* CniNode
  const pod = yield* sandbox
  well(yield* call("ADD", pod, network))
  return pod
})

/** Names of the ports with our mark that ovs-vswitchd has created. */
const ports = Effect.gen(function* () {
  const { vsctl } = yield* CniNode
  const listed = yield* Effect.orElseSucceed(
    vsctl("-f", "json", "--columns=name,ofport", "find", "Interface", "external_ids:userspace-cni=1"),
    () => '{"data":[]}'
  )
  const { data }: { readonly data: ReadonlyArray<readonly [string, unknown]> } = JSON.parse(listed)
  return data.flatMap(([name, ofport]) => (typeof ofport === "number" && ofport > 0 ? [name] : []))
})

/** Waits for them, and prints how long it took. */
const back = Effect.fnUntraced(function* (what: string, count: number, deadline: Duration.Input = "1 minute") {
  const since = performance.now()
  const found = yield* until(`${count} ports, ${what}`, ports, ({ length }) => length === count, { deadline })
  process.stderr.write(`${what}: ${count} back after ${Math.round(performance.now() - since)} ms\n`)
  return found
})

const macOf = (n: number) => `02:00:00:00:0a:0${n}`

/** An application at each of two ports, and a burst from one to the other. */
const pair = Effect.gen(function* () {
  const node = yield* CniNode
  const pods = [yield* added(node.network), yield* added(node.network)] as const
  const end = (n: 0 | 1): Testpmd.End => ({
    name: `${node.directory.split("-").at(-1)}${n}`,
    socket: socketOf(node.sharedDir, pods[n]),
    mode: "server",
    mac: macOf(n)
  })
  const receiver = yield* Testpmd.run(end(0).name, node.directory, Testpmd.receiverArguments(end(0)))
  const linked = (pod: Sandbox) =>
    Effect.gen(function* () {
      const name = yield* node.portMarked(pod.containerId)
      return yield* node.vsctl("wait-until", "Interface", name, "link_state=up")
    })
  let bursts = 0
  /** The application that is restarted; the receiver continues to run. */
  const burst = Effect.scoped(
    Effect.gen(function* () {
      yield* linked(pods[0])
      const name = `${end(1).name}x${bursts++}`
      const before = yield* Testpmd.received(receiver.log)
      yield* Testpmd.run(name, node.directory, Testpmd.senderArguments({ ...end(1), name }, macOf(0)))
      const counted = yield* Testpmd.receivedAtLeast(receiver.log, before + Testpmd.burst)
      assert.strictEqual(counted, before + Testpmd.burst)
    })
  )
  return { pods, burst }
})

const damages: ReadonlyArray<readonly [string, (pod: Sandbox) => Effect.Effect<unknown, unknown, CniNode>]> = [
  [
    "a port removed by hand",
    (pod) =>
      Effect.gen(function* () {
        const { portMarked, vsctl } = yield* CniNode
        yield* vsctl("del-port", yield* portMarked(pod.containerId))
      })
  ],
  [
    "a bridge removed by hand",
    () => Effect.flatMap(CniNode, ({ network, vsctl }) => vsctl("del-br", network.host.bridge.bridgeName))
  ],
  [
    "ovs-vswitchd killed and started",
    () => Effect.flatMap(CniNode, ({ ovs }) => Effect.andThen(ovs.killVswitchd, ovs.startVswitchd))
  ],
  [
    "ovsdb-server killed and started",
    () => Effect.flatMap(CniNode, ({ ovs }) => Effect.andThen(ovs.killOvsdb, ovs.startOvsdb))
  ],
  ["the database emptied", () => emptied]
]

/** Replaced by the database from before the first ADD. */
const emptied = Effect.gen(function* () {
  const { ovs } = yield* CniNode
  const file = `${ovs.directory}/db/conf.db`
  yield* ovs.stopVswitchd
  yield* ovs.killOvsdb
  copyFileSync(`${file}.empty`, file)
  yield* ovs.startOvsdb
  yield* ovs.startVswitchd
})

const keepEmpty = Effect.flatMap(CniNode, ({ ovs }) =>
  Effect.sync(() => copyFileSync(`${ovs.directory}/db/conf.db`, `${ovs.directory}/db/conf.db.empty`))
)

eachOnMachine(["root", "executable", "ovs", "hostLocal", "testpmd"], CniNode.layer)(
  "packets pass again, without intervention, after",
  (test) => {
    for (const [what, damage] of damages) {
      test(what, () =>
        Effect.gen(function* () {
          const node = yield* CniNode
          yield* keepEmpty
          const { burst, pods } = yield* pair
          yield* healing(node)
          yield* burst
          yield* damage(pods[0])
          yield* back(what, 2)
          yield* burst
          for (const pod of pods) well(yield* node.call("DEL", pod, node.network))
          assert.deepStrictEqual(yield* ports, [])
        })
      )
    }
  }
)

const many = 200

const [, bridgeRemoved, vswitchdKilled, ovsdbKilled, databaseEmptied] = damages

/** Damages to one crowd, in turn. Only the last of them loses ports, which are repaired at most once a minute. */
const crowds = [[vswitchdKilled, ovsdbKilled, bridgeRemoved], [databaseEmptied]].map((crowd) =>
  crowd.filter((damage) => damage !== undefined)
)

eachOnMachine(["root", "executable", "ovs", "hostLocal"], CniNode.layerWith({ megabytes: 512 }))(
  `${many} ports are restored after`,
  (test) => {
    for (const crowd of crowds) {
      test(
        crowd.map(([what]) => what).join(", then "),
        () =>
          Effect.gen(function* () {
            const node = yield* CniNode
            yield* keepEmpty
            const pods = yield* Effect.forEach(
              Array.from({ length: many }, () => node.sandbox),
              (sandbox) => sandbox,
              { concurrency: 8 }
            )
            const wide = { ...node.network, ipam: { ...node.network.ipam, ranges: [[{ subnet: "10.60.0.0/22" }]] } }
            yield* Effect.forEach(pods, (pod) => Effect.map(node.call("ADD", pod, wide), well), { concurrency: 4 })
            yield* healing(node)
            const [pod] = pods
            assert.isDefined(pod)
            for (const [what, damage] of crowd) {
              yield* damage(pod)
              yield* back(`${what}, ${many} attachments`, many, "2 minutes")
            }
            yield* Effect.forEach(pods, (pod) => Effect.map(node.call("DEL", pod, wide), well), { concurrency: 4 })
            assert.deepStrictEqual(yield* ports, [])
          }),
        400_000
      )
    }
  }
)

eachOnMachine(["root", "executable", "ovs", "hostLocal"], CniNode.layer)("the agent beside Open vSwitch", (test) => {
  test("publishes the new socket of server mode, and adds the flow on a closed bridge again", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const { ovs, sharedDir, vsctl } = node
      yield* vsctl("add-br", "closed", "--", "set", "Bridge", "closed", "datapath_type=netdev", "fail_mode=secure")
      const served = yield* added(inMode(node.network, "server"))
      yield* added({ ...node.network, host: { ...node.network.host, bridge: { bridgeName: "closed" } } })
      const published = socketOf(sharedDir, served)
      const own = `${ovs.runDir}/${yield* node.portMarked(served.containerId)}`
      yield* healing(node)
      yield* ovs.stopVswitchd
      yield* ovs.startVswitchd
      const flows = ovs.ofctl("--no-stats", "dump-flows", `unix:${ovs.runDir}/closed.mgmt`)
      yield* until("the flow", flows, (text) => text.includes("actions=NORMAL"))
      const inodes = Effect.sync(() => [lstatSync(published).ino, lstatSync(own).ino])
      yield* until("the new socket", inodes, ([one, other]) => one === other)
      assert.strictEqual(lstatSync(published).mode & 0o777, 0o666)
    }))

  test("watches a switch that is not at its default place from the first call that it serves", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const agent = yield* healing(node)
      assert.notInclude(yield* agent.status(), node.ovs.runDir)
      const pod = yield* node.sandbox
      well(yield* node.call("ADD", pod, node.network, { environment: handedTo(agent.socket) }))
      // The round for switches of other processes' calls comes after 48 seconds at the earliest.
      const deadline = "20 seconds"
      yield* until("a look at 1", agent.status(), (text) => text.includes("looked at 1"), { deadline })
      yield* node.vsctl("del-port", yield* node.portMarked(pod.containerId))
      yield* back("the only port", 1, deadline)
      well(yield* node.call("DEL", pod, node.network, { environment: handedTo(agent.socket) }))
    }))

  test("reports an administrator's change to a port, and does not revert it", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const pod = yield* added(node.network)
      const name = yield* node.portMarked(pod.containerId)
      const agent = yield* healing(node)
      yield* node.vsctl("set", "Port", name, "tag=77")
      yield* agent.says(new RegExp(`VLAN of port ${name} is 77, not none`))
      const shown = yield* agent.status()
      assert.include(shown, "looked at 1, found 1")
      assert.include(shown, `changed, reported: net1 of ${pod.containerId.slice(0, 12)}: VLAN of port ${name} is 77`)
      yield* node.vsctl("set", "Interface", name, "mtu_request=1400")
      yield* agent.says(new RegExp(`MTU request of port ${name} is 1400, not none`))
      assert.strictEqual((yield* node.vsctl("get", "Port", name, "tag")).trim(), "77")
    }))

  test("reverts it with --repair=all", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const pod = yield* added(node.network)
      const name = yield* node.portMarked(pod.containerId)
      yield* healing(node, "--repair=all")
      yield* node.vsctl("set", "Port", name, "tag=77")
      yield* until("no tag", node.vsctl("get", "Port", name, "tag"), (tag) => tag.trim() === "[]")
      yield* until("one port", ports, ({ length }) => length === 1)
    }))

  test("restores a port that is removed repeatedly at most once a minute", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const pod = yield* added(node.network)
      const agent = yield* hurried(node)
      yield* node.vsctl("del-port", yield* node.portMarked(pod.containerId))
      yield* back("the first time", 1)
      yield* node.vsctl("del-port", yield* node.portMarked(pod.containerId))
      yield* agent.says(/a later round recreates it/)
      assert.deepStrictEqual(yield* ports, [])
      yield* back("the second time", 1, "90 seconds")
    }))

  test("deletes attachments that lost their sandbox without a DEL, a minute after that was seen", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const stays = yield* added(node.network)
      yield* hurried(node, "--every", "10s")
      yield* Effect.scoped(Effect.andThen(added(node.network), back("before", 2)))
      yield* back("after", 1, "120 seconds")
      assert.include(yield* node.portMarked(stays.containerId), "usp")
    }))

  test("leaves a crowd of ADDs and DELs alone, and nothing is left", () =>
    Effect.gen(function* () {
      const node = yield* CniNode
      const agent = yield* healing(node, "--every", "1s")
      const pods = yield* Effect.all(Array.from({ length: 40 }, () => node.sandbox))
      yield* Effect.forEach(
        pods,
        (pod) =>
          Effect.gen(function* () {
            well(yield* node.call("ADD", pod, node.network))
            well(yield* node.call("DEL", pod, node.network))
          }),
        { concurrency: 8 }
      )
      assert.deepStrictEqual(yield* ports, [])
      assert.notMatch(yield* agent.log, /recreated|deleted|missing|failed/)
    }))
})
