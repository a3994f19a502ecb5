/** A memif on a VPP that the plugin did not create, for suites that inspect it or connect to it. */
import { Effect } from "effect"
import * as Interface from "../../src/vpp/messages/Interface.ts"
import * as Ports from "../../src/vpp/messages/Ports.ts"
import { withSession } from "./VppUnderTest.ts"

/** Created by an administrator, the original plugin, or a killed ADD. Removed with the test. */
export const foreignMemif = (
  socket: number,
  path: string,
  tag = "",
  secret = "",
  { id = 0, role = "master" }: { readonly id?: number; readonly role?: "master" | "slave" } = {}
) => {
  const make = withSession(
    Effect.fnUntraced(function* (session) {
      yield* session.call(Ports.socketFilenameAddDel, { is_add: true, socket_id: socket, socket_filename: path })
      const { sw_if_index } = yield* session.call(Ports.createMemif, {
        role,
        mode: "ethernet",
        rx_queues: 0,
        tx_queues: 0,
        id,
        socket_id: socket,
        ring_size: 0,
        buffer_size: 0,
        no_zero_copy: false,
        hw_addr: "00:00:00:00:00:00",
        secret
      })
      if (tag !== "") yield* session.call(Interface.tagAddDel, { is_add: true, sw_if_index, tag })
      return sw_if_index
    })
  )
  const remove = (sw_if_index: number) =>
    withSession((session) =>
      Effect.andThen(
        Effect.ignore(session.call(Ports.removeMemif, { sw_if_index })),
        session.call(Ports.socketFilenameAddDel, { is_add: false, socket_id: socket, socket_filename: "" })
      )
    )
  return Effect.acquireRelease(make, (index) => Effect.ignore(remove(index)))
}
