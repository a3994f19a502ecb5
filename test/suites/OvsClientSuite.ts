/** The behaviour of `OvsClient` on any database. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { OvsDeadlines } from "../../src/ovs/client/JsonRpc.ts"
import { clientOver, OvsClient } from "../../src/ovs/client/OvsClient.ts"
import { type PortPlan, portPlan } from "../../src/ovs/client/PortPlan.ts"
import { suite } from "./Suite.ts"
import { administrator, leavesAsFound, look, newBridge, quick, request, SwitchUnderTest } from "./SwitchUnderTest.ts"
import { existing } from "./VswitchCalls.ts"

const withClient = <A, E, R>(f: (client: OvsClient["Service"]) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(SwitchUnderTest, ({ client }) =>
    Effect.flatMap(OvsClient, f).pipe(Effect.provide(client), Effect.provideService(OvsDeadlines, quick))
  )

const planFor = Effect.fnUntraced(function* (...port: Parameters<typeof request>) {
  const wanted = yield* request(...port)
  return portPlan(wanted, wanted.port)
})

/** Survey, port, ovs-vswitchd: a plug without its checks. The scope removes the port. */
const added = Effect.fnUntraced(function* (client: OvsClient["Service"], plan: PortPlan) {
  const done = yield* client.addPort(plan, yield* client.survey(plan))
  assert.isDefined(done)
  // After this client has ended.
  yield* Effect.addFinalizer(() =>
    Effect.ignore(withClient((late) => Effect.flatMap(late.portsMarked(plan.mark), late.removePorts)))
  )
  return done
})

export const ovsClient = suite<SwitchUnderTest>("OvsClient", (test) => {
  test("an inspection finds what is where the port shall be, and changes nothing", () =>
    withClient((client) =>
      Effect.gen(function* () {
        const plan = yield* planFor()
        const empty = yield* leavesAsFound(client.survey(plan))
        assert.isTrue(empty.root.dpdk_initialized)
        assert.include(empty.root.iface_types, "dpdkvhostuserclient")
        assert.deepStrictEqual(
          [empty.bridge, empty.portByName, empty.portsByMark, empty.interfacesBySocket],
          [undefined, undefined, [], []]
        )
        yield* added(client, plan)
        const { bridge, interfacesBySocket, portByName, portsByMark } = yield* client.survey(plan)
        assert.deepStrictEqual([bridge?.name, bridge?.datapath_type], [plan.bridge, "netdev"])
        assert.strictEqual(portByName?.name, plan.name)
        assert.deepStrictEqual(
          portsByMark.map(({ name }) => name),
          [plan.name]
        )
        assert.deepStrictEqual(
          interfacesBySocket.map(({ name }) => name),
          [plan.name]
        )
      })
    ))

  test("a port gets a number, on a bridge with a datapath", () =>
    withClient((client) =>
      Effect.gen(function* () {
        const done = yield* added(client, yield* planFor())
        assert.isTrue(done.madeBridge)
        const applied = yield* client.applied(done)
        assert.isAbove(applied?.interface?.ofport ?? 0, 0)
        assert.isUndefined(applied?.interface?.error)
        assert.isDefined(applied?.bridge?.datapath_id)
        const root = yield* client.root
        assert.isAtLeast(root.cur_cfg, done.root.next_cfg)
        assert.isDefined(yield* client.caughtUp(root))
      })
    ))

  test("changes nothing when the state is no longer as inspected", () =>
    withClient((client) =>
      Effect.gen(function* () {
        const { bridge, port, removeBridge } = yield* administrator
        const raced = Effect.fnUntraced(function* (plan: PortPlan, meanwhile: Effect.Effect<unknown, unknown>) {
          const survey = yield* client.survey(plan)
          yield* meanwhile
          const done = yield* leavesAsFound(client.addPort(plan, survey))
          assert.isUndefined(done)
        })
        // Another client created the bridge.
        const made = yield* planFor()
        yield* raced(made, bridge(made.bridge))
        // The bridge was removed.
        const gone = yield* planFor({ bridge: made.bridge })
        yield* raced(gone, removeBridge(made.bridge))
        // It is another bridge of the same name.
        const again = yield* planFor({ bridge: newBridge() })
        yield* bridge(again.bridge)
        yield* raced(again, Effect.andThen(removeBridge(again.bridge), bridge(again.bridge)))
        // The name of the port, then its socket, was taken.
        const named = yield* planFor({ bridge: again.bridge })
        yield* raced(named, port(again.bridge, named.name, { type: "internal" }))
        const socket = yield* planFor({ bridge: again.bridge })
        yield* raced(
          socket,
          port(again.bridge, "thief0", {
            type: "dpdkvhostuserclient",
            options: ["map", [["vhost-server-path", socket.socket]]]
          })
        )
        yield* removeBridge(again.bridge)
      })
    ))

  test("finds ports by a complete mark, and from a port its bridge and interface", () =>
    withClient((client) =>
      Effect.gen(function* () {
        const bridge = yield* existing()
        const one = yield* planFor({ bridge })
        const two = yield* planFor({ bridge })
        yield* added(client, one)
        yield* added(client, two)
        const [port, ...others] = yield* client.portsMarked(one.mark)
        assert.deepStrictEqual([port?.name, others], [one.name, []])
        assert.lengthOf(yield* client.portsMarked(one.invocationMark), 1)
        assert.lengthOf(yield* client.portsMarked({ ...one.mark, "userspace-cni-invocation": "another" }), 0)
        assert.isDefined(port)
        assert.strictEqual((yield* client.bridgeOf(port))?.name, bridge)
        const [row, ...rows] = yield* client.interfacesOf(port)
        assert.deepStrictEqual([row?.name, row?.options["vhost-server-path"], rows], [one.name, one.socket, []])
        assert.strictEqual((yield* client.portNamed(two.name))?.name, two.name)
        assert.isUndefined(yield* client.portNamed("nothing"))
        assert.lengthOf(yield* client.interfacesMarked({ ...one.mark }), 1)
      })
    ))

  test("removes a port once, and reports what was removed", () =>
    withClient((client) =>
      Effect.gen(function* () {
        const before = yield* look
        const plan = yield* planFor()
        yield* added(client, plan)
        const ports = yield* client.portsMarked(plan.mark)
        const both = yield* Effect.all([client.removePorts(ports), client.removePorts(ports)], {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(both.flat().sort(), [`bridge ${plan.bridge}`, `port ${plan.name}`])
        assert.deepStrictEqual(yield* client.removePorts(ports), [])
        assert.deepStrictEqual(yield* look, before)
      })
    ))

  test("reads no more on a bridge with many ports", () =>
    Effect.gen(function* () {
      const { transact } = yield* SwitchUnderTest
      const { port } = yield* administrator
      const bridge = yield* existing()
      const read = Effect.gen(function* () {
        let bytes = 0
        const never = () => Effect.die("no flow is needed")
        const client = clientOver(
          "",
          (operations) =>
            Effect.tap(transact(operations), (results) =>
              Effect.sync(() => {
                bytes += JSON.stringify(results).length
              })
            ),
          { learn: never, forget: never, learns: never }
        )
        const plan = yield* planFor({ bridge })
        const done = yield* client.addPort(plan, yield* client.survey(plan))
        assert.isDefined(done)
        yield* client.applied(done)
        yield* client.removePorts(yield* client.portsMarked(plan.mark))
        return bytes
      })
      // Otherwise ovs-vswitchd is still applying earlier changes, and is asked more often.
      const quiet = withClient((client) => Effect.flatMap(client.root, client.caughtUp))
      yield* quiet
      const alone = yield* read
      for (let number = 0; number < 50; number++) yield* port(bridge, `crowd${number}`, { type: "patch" })
      yield* quiet
      assert.isBelow(Math.abs((yield* read) - alone), 30)
    }))
})
