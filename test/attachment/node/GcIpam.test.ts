/** GC's calls of IPAM, for each attachment that it removes and for the network. On a node in memory. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Delegation } from "../../../src/ipam/Ipam.ts"
import { containerId, loseRecords, withList } from "../support/Collecting.ts"
import { network } from "../support/Networks.ts"
import { World, type Wrap } from "../support/World.ts"

describe("IPAM gets the DEL that did not come", () => {
  const asked =
    (verb: "del" | "gc", into: Array<Delegation>): Wrap =>
    (name, service) =>
      name !== "Ipam"
        ? service
        : new Proxy(service, {
            get: (target, key) => {
              const member: unknown = Reflect.get(target, key)
              return key !== verb || typeof member !== "function"
                ? member
                : (delegation: Delegation) => {
                    into.push(delegation)
                    return Reflect.apply(member, target, [delegation])
                  }
            }
          })

  const pod = { K8S_POD_NAMESPACE: "ns", K8S_POD_NAME: "pod-0", K8S_POD_UID: "uid" }
  const args = `IgnoreUnknown=1;MAC=02:00:00:00:00:07;${Object.entries(pod)
    .map(([key, value]) => `${key}=${value}`)
    .join(";")}`

  it.effect("with the arguments of the ADD, from the record", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf: network, args })
      const seen: Array<Delegation> = []
      const now = { ...network, ipam: { ...network.ipam, ranges: [[{ subnet: "10.9.9.0/24" }]] } }
      yield* world.call("GC", withList(now, []), asked("del", seen))
      const [{ configuration, path, variables } = assert.fail("nobody was asked"), ...others] = seen
      assert.lengthOf(others, 0)
      assert.deepStrictEqual(JSON.parse(configuration), network)
      assert.deepStrictEqual(path, ["/opt/cni/bin"])
      assert.deepInclude(variables, {
        CNI_COMMAND: "DEL",
        CNI_CONTAINERID: containerId,
        CNI_IFNAME: "net1",
        CNI_NETNS: "",
        CNI_ARGS: args,
        CNI_PATH: "/opt/cni/bin"
      })
    })
  )

  it.effect("with the pod from the mark, without a record", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf: network, args })
      loseRecords(world)
      const seen: Array<Delegation> = []
      yield* world.call("GC", withList(network, []), asked("del", seen))
      const [{ configuration, variables } = assert.fail("nobody was asked")] = seen
      assert.deepStrictEqual(JSON.parse(configuration), withList(network, []).conf)
      assert.include(variables["CNI_ARGS"], "K8S_POD_NAMESPACE=ns;K8S_POD_NAME=pod-0;K8S_POD_UID=uid")
      assert.deepInclude(variables, { CNI_COMMAND: "DEL", CNI_CONTAINERID: containerId, CNI_IFNAME: "net1" })
    })
  )

  it.effect("and GC with the list", () =>
    Effect.gen(function* () {
      const world = new World()
      const list = [{ containerID: containerId, ifname: "net1" }]
      const seen: Array<Delegation> = []
      yield* world.call("GC", withList(network, list), asked("gc", seen))
      const [{ configuration } = assert.fail("nobody was asked")] = seen
      assert.deepStrictEqual(JSON.parse(configuration), withList(network, list).conf)
      const { ipam: _, ...without } = network
      yield* world.call("GC", withList(without, list), asked("gc", seen))
      assert.lengthOf(seen, 1)
    })
  )
})
