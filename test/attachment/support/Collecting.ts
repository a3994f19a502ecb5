/** Actions of the tests of GC on a node in memory. */
import { Effect } from "effect"
import { OvsClient } from "../../../src/ovs/client/OvsClient.ts"
import * as OvsMemory from "../../ovs/support/OvsMemory.ts"
import { network } from "./Networks.ts"
import { type Asked, stateDir, type World } from "./World.ts"

export const containerId = "0958c8871b32cafe"
export const port = "usp6qmbqjaf4dkd"
export const recordPath = `${stateDir}/attachments/0958c8871b32-net1.json`

export const withList = (conf: object, list: unknown, key = "cni.dev/valid-attachments") => ({
  conf: { ...conf, cniVersion: "1.1.0", [key]: list }
})

/** GC with these as the valid attachments. */
export const gc = (world: World, valid: ReadonlyArray<Asked> = [], conf: object = network) =>
  world.call(
    "GC",
    withList(
      conf,
      valid.map(({ containerId: id = containerId, ifName = "net1" }) => ({ containerID: id, ifname: ifName }))
    )
  )

export const removeBelow = (world: World, path: string) => {
  for (const line of [...world.below(path)].reverse()) world.files.remove(line.split(" ")[0] ?? "")
}

export const loseRecords = (world: World) => removeBelow(world, `${stateDir}/attachments`)

/** A removal by somebody else. */
export const removePort = ({ ovs }: World) =>
  Effect.flatMap(OvsClient, (client) =>
    Effect.flatMap(client.portNamed(port), (row) => client.removePorts(row === undefined ? [] : [row]))
  ).pipe(Effect.provide(OvsMemory.layer(ovs)), Effect.orDie)

/** Except directories of ours, which the last attachment removes. */
export const withoutState = (world: World) => world.dump().filter((line) => !line.startsWith(stateDir))
