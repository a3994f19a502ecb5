/**
 * vhost-user ports. One request creates a port with its mark; the plugin chooses the number in the name (see
 * `Mark.ts`).
 */
import * as Effect from "effect/Effect"
import type { VppVhostPort } from "../../cni/network/HostPort.ts"
import type { PortRequest } from "../../vswitch/Vswitch.ts"
import type { Session } from "../client/Session.ts"
import * as VhostUser from "../messages/VhostUser.ts"
import { anyMac } from "../wire/Address.ts"
import { refusedWith } from "../wire/VppError.ts"
import { markOf, toTag } from "./Mark.ts"
import { ownMac } from "./Memif.ts"

/** Returns the index. */
export const create = Effect.fnUntraced(function* (
  session: Session,
  { attachment, invocation, socketPath }: PortRequest,
  port: VppVhostPort,
  number: number,
  limited = false
) {
  const mac = ownMac(port)
  const { sw_if_index } = yield* session.call(VhostUser.create, {
    is_server: port.mode === "server",
    sock_filename: socketPath,
    renumber: true,
    disable_mrg_rxbuf: false,
    disable_indirect_desc: false,
    enable_gso: port.enableGso,
    enable_packed: port.enablePacked,
    enable_event_idx: port.enableEventIdx,
    custom_dev_instance: number,
    use_custom_mac: mac !== undefined,
    mac_address: mac ?? anyMac,
    tag: toTag(markOf(attachment, invocation, limited))
  })
  return sw_if_index
})

/** An absent interface is a success. VPP removes a server's socket file. */
export const remove = (session: Session, index: number) =>
  session.call(VhostUser.remove, { sw_if_index: index }).pipe(
    Effect.asVoid,
    Effect.catchIf(refusedWith(-2), () => Effect.void)
  )
