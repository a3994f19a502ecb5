/** memif, with its error numbers and quirks: socket ids, listeners, the unusable id, the garbage index. */
import { dirname, join } from "node:path"
import { every } from "../../../src/vpp/messages/Control.ts"
import { anyMac } from "../../../src/vpp/messages/Field.ts"
import * as Ports from "../../../src/vpp/messages/Ports.ts"
import { type Handler, onDump, onRequest } from "./VppMessage.ts"
import type { MemifSocket, Values, VppModel } from "./VppModel.ts"

interface Registration {
  readonly is_add: boolean
  readonly socket_id: number
  readonly socket_filename: string
}

const memifs = ({ interfaces }: VppModel) =>
  [...interfaces.values()].flatMap(({ memif, row }) => (memif === undefined ? [] : [{ memif, row }]))

const usersOf = (model: VppModel, id: number) => memifs(model).filter(({ memif }) => memif.socket_id === id)

const register = (model: VppModel, { is_add, socket_filename, socket_id }: Registration): number => {
  const { disk, sockets, traits } = model
  if (!is_add) {
    if (socket_id === 0 || !sockets.has(socket_id)) return -73
    if (usersOf(model, socket_id).length > 0) return -74
    sockets.delete(socket_id)
    return 0
  }
  if (socket_id === 0 || socket_id === every || socket_filename === "") return -73
  const special = socket_filename.startsWith("abstract:") && traits.strictSockets
  const path = special || socket_filename.startsWith("/") ? socket_filename : join(model.runtimeDir, socket_filename)
  const before = sockets.get(socket_id)
  if (before !== undefined) return before.path === path ? 0 : -116
  if (!socket_filename.startsWith("/") && !special) disk.makeDirectory(dirname(path))
  else if (!traits.strictSockets && disk.kind(dirname(path)) === undefined) return -73
  model.addSocket(socket_id, path)
  return 0
}

/** Binds a socket for its first master and returns the result. */
const bind = ({ disk, traits }: VppModel, socket: MemifSocket): number => {
  const { path } = socket
  if (path.startsWith("abstract:")) return 0
  const there = disk.kind(path)
  if (traits.strictSockets) {
    const refused =
      /[^A-Za-z0-9_./-]/.test(path) ||
      Buffer.byteLength(path) > 106 ||
      there === "other" ||
      (there === "socket" && disk.isListening(path))
    if (refused) return -14
  } else if (there === "other") return -81
  disk.remove(path)
  socket.listener = disk.listen(path, 0o775)
  return socket.listener === undefined ? -14 : 0
}

type Creation = Values<typeof Ports.createMemif>

/** A failed create leaves garbage in the index: 0 here, and in the recordings. */
const failed = (retval: number) => ({ retval, sw_if_index: 0 })

const create = (model: VppModel, asked: Creation) => {
  const { hw_addr, id, mode, ring_size, role, socket_id } = asked
  const socket = model.sockets.get(socket_id)
  if (socket === undefined || (ring_size & (ring_size - 1)) !== 0) return failed(-73)
  const users = usersOf(model, socket_id)
  if (users.some(({ memif }) => memif.id === id || memif.role !== role)) return failed(-68)
  if (role === "master" && socket.listener === undefined && !socket.poisoned) {
    const retval = users.length > 0 ? 0 : bind(model, socket)
    if (retval !== 0) {
      socket.poisoned = model.traits.poisonsSockets
      return failed(retval)
    }
  }
  const mac = mode === "ip" ? { l2_address: anyMac } : hw_addr === anyMac ? {} : { l2_address: hw_addr }
  const { row } = model.add(
    { interface_name: `memif${socket_id}/${id}`, interface_dev_type: "memif", ...mac },
    { memif: { socket_id, id, role, mode }, asked, ...(mode === "ip" ? { mtu: 0 } : {}) }
  )
  return { retval: 0, sw_if_index: row.sw_if_index }
}

export const memifMessages: ReadonlyArray<Handler> = [
  onRequest(Ports.socketFilenameAddDel, (model, values) => ({ retval: register(model, values) })),
  onRequest(Ports.socketFilenameAddDelV2, (model, values) => {
    const socket_id = values.is_add && values.socket_id === every ? model.anyNumber() : values.socket_id
    return { retval: register(model, { ...values, socket_id }), socket_id }
  }),
  onDump(Ports.socketFilenameDump, ({ sockets }) =>
    [...sockets.values()].map(({ id, path }) => ({
      socket_id: id,
      socket_filename: Buffer.from(path).subarray(0, 107).toString("utf8")
    }))
  ),
  onRequest(Ports.createMemif, create),
  onRequest(Ports.createMemifV2, create),
  onRequest(Ports.removeMemif, (model, { sw_if_index }) => {
    const memif = model.interfaces.get(sw_if_index)?.memif
    if (memif === undefined) return { retval: -2 }
    model.remove(sw_if_index)
    const socket = model.sockets.get(memif.socket_id)
    if (socket !== undefined && usersOf(model, socket.id).length === 0) {
      socket.listener?.close()
      socket.listener = undefined
    }
    return { retval: 0 }
  }),
  onDump(Ports.memifDump, (model) =>
    memifs(model).map(({ memif, row }) => ({
      ...memif,
      hw_addr: row.l2_address,
      flags: row.flags,
      if_name: row.interface_name
    }))
  )
]
