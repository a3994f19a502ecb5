/** vhost-user, with its error numbers: VPP removes whatever is at a server's path, also a live socket or a file. */
import { every } from "../../../src/vpp/messages/Control.ts"
import * as Ports from "../../../src/vpp/messages/Ports.ts"
import { type Handler, onDump, onRequest } from "./VppMessage.ts"
import type { VppModel } from "./VppModel.ts"

const vhosts = ({ interfaces }: VppModel) =>
  [...interfaces.values()].flatMap(({ row, vhost }) => (vhost === undefined ? [] : [{ row, vhost }]))

const nameOf = (instance: number) => `VirtualEthernet0/0/${instance}`

export const vhostMessages: ReadonlyArray<Handler> = [
  onRequest(Ports.createVhostUser, (model, asked) => {
    const { custom_dev_instance, is_server, mac_address, renumber, sock_filename, tag, use_custom_mac } = asked
    const { disk, instances } = model
    if (sock_filename === "") return { retval: -73, sw_if_index: every }
    const before = vhosts(model).find(({ vhost }) => vhost.sock_filename === sock_filename)
    if (before !== undefined) return { retval: -79, sw_if_index: before.row.sw_if_index }
    if (is_server) disk.remove(sock_filename)
    const listener = is_server ? disk.listen(sock_filename, 0o755) : undefined
    if (is_server && listener === undefined) return { retval: -12, sw_if_index: every }
    const instance = instances.take()
    const { row } = model.add(
      {
        interface_name: nameOf(renumber ? custom_dev_instance : instance),
        interface_dev_type: "vhost-user",
        tag,
        ...(use_custom_mac ? { l2_address: mac_address } : {})
      },
      { vhost: { is_server, sock_filename, listener, instance, sock_errno: is_server ? 0 : 2 }, asked }
    )
    return { retval: 0, sw_if_index: row.sw_if_index }
  }),
  onRequest(Ports.removeVhostUser, (model, { sw_if_index }) => {
    const vhost = model.interfaces.get(sw_if_index)?.vhost
    if (vhost === undefined) return { retval: -2 }
    model.remove(sw_if_index)
    if (vhost.instance !== undefined) model.instances.give(vhost.instance)
    vhost.listener?.close()
    if (vhost.is_server) model.disk.remove(vhost.sock_filename)
    return { retval: 0 }
  }),
  onDump(Ports.vhostUserDump, (model, { sw_if_index }) =>
    vhosts(model)
      .filter(({ row }) => sw_if_index === every || (sw_if_index !== 0 && row.sw_if_index === sw_if_index))
      .map(({ row, vhost }) => ({
        ...vhost,
        interface_name: row.interface_name,
        sock_errno: model.disk.kind(vhost.sock_filename) === undefined ? vhost.sock_errno : 0
      }))
  )
]
