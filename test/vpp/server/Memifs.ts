/** memif, with its retvals and quirks: `socket ids`, listeners, the poisoned id, the garbage index. */
import { dirname, join } from "node:path"
import * as Memif from "../../../src/vpp/messages/Memif.ts"
import { type Handler, onDump, onRequest } from "./Handler.ts"
import type { MemifSocket, State } from "./State.ts"

const auto = 0xffffffff

interface Registration {
  readonly is_add: boolean
  readonly socket_id: number
  readonly socket_filename: string
}

const usersOf = (state: State, id: number) =>
  [...state.interfaces.values()].filter(({ memif, sub }) => sub === undefined && memif?.socket === id)

const register = (state: State, { is_add, socket_filename, socket_id }: Registration) => {
  if (!is_add) {
    if (socket_id === 0 || !state.sockets.has(socket_id)) return -73
    if (usersOf(state, socket_id).length > 0) return -74
    state.sockets.delete(socket_id)
    return 0
  }
  if (socket_id === 0 || socket_id === auto || socket_filename === "") return -73
  const special = socket_filename.startsWith("abstract:") && state.traits.strictSockets
  const path = special || socket_filename.startsWith("/") ? socket_filename : join(state.runtimeDir, socket_filename)
  const before = state.sockets.get(socket_id)
  if (before !== undefined) return before.path === path ? 0 : -116
  if (!socket_filename.startsWith("/") && !special) state.disk.makeDirectory(dirname(path))
  else if (!state.traits.strictSockets && state.disk.kind(dirname(path)) === undefined) return -73
  state.sockets.set(socket_id, { id: socket_id, path, listener: undefined, poisoned: false })
  return 0
}

/** What binding the first master of a socket gives. */
const bind = (state: State, socket: MemifSocket): number => {
  const { path } = socket
  const { disk, traits } = state
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

interface Creation {
  readonly role: "master" | "slave"
  readonly mode: "ethernet" | "ip"
  readonly id: number
  readonly socket_id: number
  readonly ring_size: number
  readonly hw_addr: string
}

/** A failed create leaves garbage in the index: 0 here, and in the recordings. */
const failed = (retval: number) => ({ retval, sw_if_index: 0 })

const create = (state: State, asked: Creation) => {
  const { hw_addr, id, mode, ring_size, role, socket_id } = asked
  const socket = state.sockets.get(socket_id)
  if (socket === undefined || (ring_size & (ring_size - 1)) !== 0) return failed(-73)
  const users = usersOf(state, socket_id)
  if (users.some(({ memif }) => memif?.id === id)) return failed(-68)
  if (users.some(({ memif }) => memif?.master !== (role === "master"))) return failed(-68)
  if (role === "master" && socket.listener === undefined && !socket.poisoned) {
    const retval = bind(state, socket)
    if (retval !== 0) {
      socket.poisoned = state.traits.poisonsSockets
      return failed(retval)
    }
  }
  const zero = hw_addr === "00:00:00:00:00:00"
  const { index } = state.add("memif", () => ({
    name: `memif${socket_id}/${id}`,
    ...(mode === "ip" ? { linkMtu: 0, mtu: 0, mac: "00:00:00:00:00:00" } : zero ? {} : { mac: hw_addr }),
    memif: { socket: socket_id, id, master: role === "master", mode: mode === "ip" ? 1 : 0 },
    asked
  }))
  return { retval: 0, sw_if_index: index }
}

/** VPP dies on every mode but the two that our codec can write. */
const deadly = (handler: Handler): Handler => ({
  ...handler,
  handle: (state, raw) => (raw.length >= 18 && raw.readUInt32BE(14) > 1 ? "crash" : handler.handle(state, raw))
})

export const memifHandlers: ReadonlyArray<Handler> = [
  onRequest(Memif.socketFilenameAddDel, (state, values) => ({ retval: register(state, values) })),
  onRequest(Memif.socketFilenameAddDelV2, (state, values) => {
    const chosen = values.is_add && values.socket_id === auto ? state.anyNumber() : values.socket_id
    return { retval: register(state, { ...values, socket_id: chosen }), socket_id: chosen }
  }),
  onDump(Memif.socketFilenameDump, (state) =>
    [...state.sockets.values()].map(({ id, path }) => ({
      socket_id: id,
      socket_filename: Buffer.from(path).subarray(0, 107).toString("utf8")
    }))
  ),
  deadly(onRequest(Memif.create, create)),
  deadly(onRequest(Memif.createV2, create)),
  onRequest(Memif.remove, (state, { sw_if_index }) => {
    const found = state.interfaces.get(sw_if_index)
    if (found?.memif === undefined || found.sub !== undefined) return { retval: -2 }
    state.remove(sw_if_index)
    const socket = state.sockets.get(found.memif.socket)
    if (socket !== undefined && usersOf(state, socket.id).length === 0) {
      socket.listener?.close()
      socket.listener = undefined
    }
    return { retval: 0 }
  }),
  onDump(Memif.memifDump, (state) =>
    [...state.interfaces.values()].flatMap(({ flags, index, mac, memif, name, sub }) =>
      memif === undefined || sub !== undefined
        ? []
        : [
            {
              sw_if_index: index,
              hw_addr: mac,
              id: memif.id,
              role: memif.master ? ("master" as const) : ("slave" as const),
              mode: memif.mode === 1 ? "ip" : "ethernet",
              zero_copy: false,
              socket_id: memif.socket,
              ring_size: 1,
              buffer_size: 0,
              flags,
              if_name: name
            }
          ]
    )
  )
]
