/**
 * The unplug of {@link OvsVswitch}: by mark; and, when nothing has it, the one port that the original plugin remembered.
 * Does not wait for ovs-vswitchd: tearing the last port down takes it a second, and a dead one must not stop a DEL.
 */
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import { portName } from "../../identity/Attachment.ts"
import type { Unplug } from "../../vswitch/Vswitch.ts"
import * as Marks from "../client/Marks.ts"
import type { OvsClient } from "../client/OvsClient.ts"
import { fromOvsdb } from "../client/PortError.ts"
import { serverSocket } from "../client/PortPlan.ts"
import type { SocketPlace } from "./SocketDirectory.ts"

export const unplug = (client: OvsClient["Service"], place: SocketPlace) =>
  Effect.fnUntraced(function* (asked: Unplug) {
    const name = portName(asked.attachment)
    const failed = fromOvsdb(`unplug port ${name}`)
    const marked = yield* Effect.mapError(
      client.portsMarked(Marks.selector(asked.attachment, asked.invocation)),
      failed
    )
    const ports = marked.length === 0 ? yield* Effect.mapError(original(client, asked), failed) : marked
    const gone = yield* Effect.mapError(client.removePorts(ports), failed)
    const idle =
      ports.length === 0 && asked.port?.engine === "ovs-dpdk"
        ? yield* Effect.mapError(client.removeIdleBridge(asked.port.bridge), failed)
        : []
    return [...gone, ...idle, ...(yield* leftover(client, place, asked, name))]
  })

/** Loaded when there is a state file. */
const original = Effect.fnUntraced(function* (client: OvsClient["Service"], { invocation, legacy }: Unplug) {
  if (invocation !== undefined || legacy?.portName === undefined) return []
  const { named } = yield* Effect.promise(() => import("../../legacy/OvsLegacyPorts.ts"))
  return (yield* named(client, legacy.portName)).map(({ port }) => port)
})

/** ovs-vswitchd removes its own socket; one that was killed cannot, and would stumble over it. */
const leftover = Effect.fnUntraced(function* (
  client: OvsClient["Service"],
  place: SocketPlace,
  { port }: Unplug,
  name: string
) {
  if (port !== undefined && (port.engine !== "ovs-dpdk" || port.mode === "client")) return []
  const path = serverSocket(port ?? { ovsSocketDir: dirname(client.peer) }, name)
  return yield* place.clear(path).pipe(
    Effect.map((cleared) => (cleared ? [`socket ${path}`] : [])),
    Effect.catch((error) => Effect.as(Effect.logWarning(`left a socket behind: ${error.message}`), []))
  )
})
