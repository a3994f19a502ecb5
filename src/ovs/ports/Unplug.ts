/**
 * The unplug of {@link OvsVswitch}, by mark only. It does not wait for ovs-vswitchd: removing the last port takes it a
 * second, and a dead one must not block a DEL.
 */
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import { portName } from "../../identity/Attachment.ts"
import type { Unplug } from "../../vswitch/Vswitch.ts"
import * as Marks from "../client/Marks.ts"
import type { OvsClient } from "../client/OvsClient.ts"
import { fromOvsdb } from "../client/PortError.ts"
import { serverSocket } from "../client/PortPlan.ts"
import type { SocketDirectory } from "./SocketDirectory.ts"

export const unplug = (client: OvsClient["Service"], place: SocketDirectory) =>
  Effect.fnUntraced(function* (asked: Unplug) {
    const name = portName(asked.attachment)
    const failed = fromOvsdb(`unplug port ${name}`)
    const ports = yield* Effect.mapError(client.portsMarked(Marks.selector(asked.attachment, asked.invocation)), failed)
    const gone = yield* Effect.mapError(client.removePorts(ports), failed)
    const idle =
      ports.length === 0 && asked.port?.engine === "ovs-dpdk"
        ? yield* Effect.mapError(client.removeIdleBridge(asked.port.bridge), failed)
        : []
    return [...gone, ...idle, ...(yield* leftover(client, place, asked, name))]
  })

/**
 * Removes the socket that a killed ovs-vswitchd left, which would refuse to start a port on it. A live one removes its
 * own.
 */
const leftover = Effect.fnUntraced(function* (
  client: OvsClient["Service"],
  place: SocketDirectory,
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
