/** vhost-user, with its retvals: VPP removes whatever is at a server's path, a live socket or a file included. */
import * as VhostUser from "../../../src/vpp/messages/VhostUser.ts"
import { type Handler, onDump, onRequest } from "./Handler.ts"
import type { State } from "./State.ts"

const none = 0xffffffff

const vhosts = (state: State) =>
  [...state.interfaces.values()].flatMap(({ index, name, vhost }) =>
    vhost === undefined ? [] : [{ index, name, vhost }]
  )

export const vhostHandlers: ReadonlyArray<Handler> = [
  onRequest(VhostUser.create, (state, values) => {
    const { custom_dev_instance, is_server, mac_address, renumber, sock_filename, tag, use_custom_mac } = values
    if (sock_filename === "") return { retval: -73, sw_if_index: none }
    const before = vhosts(state).find(({ vhost }) => vhost.path === sock_filename)
    if (before !== undefined) return { retval: -79, sw_if_index: before.index }
    if (is_server) state.disk.remove(sock_filename)
    const listener = is_server ? state.disk.listen(sock_filename, 0o755) : undefined
    if (is_server && listener === undefined) return { retval: -12, sw_if_index: none }
    const instance = state.instances.take()
    const { index } = state.add("vhost-user", () => ({
      name: `VirtualEthernet0/0/${renumber ? custom_dev_instance : instance}`,
      tag,
      ...(use_custom_mac ? { mac: mac_address } : {}),
      vhost: { path: sock_filename, server: is_server, listener, instance },
      asked: values
    }))
    return { retval: 0, sw_if_index: index }
  }),
  onRequest(VhostUser.remove, (state, { sw_if_index }) => {
    const vhost = state.interfaces.get(sw_if_index)?.vhost
    if (vhost === undefined) return { retval: -2 }
    state.remove(sw_if_index)
    state.instances.give(vhost.instance)
    vhost.listener?.close()
    if (vhost.server) state.disk.remove(vhost.path)
    return { retval: 0 }
  }),
  onDump(VhostUser.vhostUserDump, (state, { sw_if_index }) =>
    vhosts(state)
      .filter(({ index }) => sw_if_index === none || (sw_if_index !== 0 && index === sw_if_index))
      .map(({ index, name, vhost }) => ({
        sw_if_index: index,
        interface_name: name,
        virtio_net_hdr_sz: 0,
        features_first_32: 0,
        features_last_32: 0,
        is_server: vhost.server,
        sock_filename: vhost.path,
        num_regions: 0,
        sock_errno: vhost.server || state.disk.kind(vhost.path) !== undefined ? 0 : 2
      }))
  )
]
