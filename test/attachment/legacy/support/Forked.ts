/** A pod that the fork attached, on a node in memory: port, socket and state file. */
import { Effect } from "effect"
import type { Row } from "../../../../src/ovs/client/OvsdbMessages.ts"
import { forkBridge, forkMarks, forkPort } from "../../../suites/ForkPort.ts"
import { network } from "../../support/Networks.ts"
import { stateDir, World } from "../../support/World.ts"

export const conf = { ...network, cniVersion: "0.4.0", host: { ...network.host, bridge: { bridgeName: "br-dpdk0" } } }
export const containerId = "0958c8871b32cafe"
export const handle = "0958c8871b32-net1"
export const directory = "/shared/0958c8871b32"
export const statePath = (name = handle) => `${stateDir}/data/local-${name}.json`

export interface Made {
  readonly name?: string
  readonly ifName?: string
  readonly ids?: Readonly<Record<string, string>>
  readonly row?: Row
  readonly port?: Row
}

export const bridge = (world: World) => world.ovs.transact(forkBridge("br-dpdk0"))

export const port = (world: World, { ids, ifName = "net1", name = handle, ...made }: Made = {}) =>
  world.ovs.transact(
    forkPort({
      ...{ bridge: "br-dpdk0", name, socketPath: `${directory}/${name}` },
      ids: ids ?? forkMarks(containerId, ifName),
      ...made
    })
  )

export const state = (world: World, name = handle, vhostname = name) =>
  world.files.put(statePath(name), "file", JSON.stringify({ vhostname, vhostmac: "", ifmac: "8e:bf:a9:6f:2d:1d" }))

export const fork = Effect.fnUntraced(function* (made: Made = {}) {
  const world = new World()
  world.files.put("/shared", "directory")
  yield* bridge(world)
  const before = world.dump()
  yield* port(world, made)
  world.files.put(directory, "directory", "", 0o750)
  world.files.put(`${directory}/${handle}`, "socket", "", 0o755)
  state(world)
  return { world, before }
})
