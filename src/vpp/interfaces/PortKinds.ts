/**
 * The two kinds of ports. memif: a socket with its own id, and one interface on it. The id is derived from the
 * attachment (see `Mark.ts`), also with the newer messages, which could choose one: VPP's choice repeats after a
 * restart, and would have to be searched. vhost-user: one request creates a port with its mark; the plugin chooses the
 * number in the name.
 */
import { basename } from "node:path"
import * as Effect from "effect/Effect"
import type { VppMemifPort, VppPort, VppVhostPort } from "../../cni/network/HostPort.ts"
import type { PortRequest } from "../../vswitch/Vswitch.ts"
import { judge, run, type Session, type Step, step } from "../client/Session.ts"
import { refusedWith } from "../client/VppError.ts"
import { anyMac } from "../messages/Field.ts"
import type { Retval } from "../messages/Message.ts"
import * as Ports from "../messages/Ports.ts"
import { markOf, toTag } from "./Mark.ts"

const isAbsent = -2
const inUse = -74
const isGone = -73
const otherFile = -116

/** True: VPP creates the socket. False: the application does. */
export const madeByVpp = (port: VppPort): boolean =>
  port.iftype === "memif" ? port.role === "master" && !port.abstract : port.mode === "server"

/** `abstract:<name>`, in the form for the container's end; the name is that of the file which it replaces. */
export const abstractName = (socketPath: string): string => `abstract:${basename(socketPath)}`

/** A name in the pod's network namespace, to which only the pod can connect. VPP: src/vppinfra/socket.c. */
export const filenameOf = ({ attachment, socketPath }: PortRequest, port: VppMemifPort): string =>
  port.abstract ? `${abstractName(socketPath)},netns_name=${attachment.netns}` : socketPath

const socketAddDel = (
  session: Session,
  is_add: boolean,
  number: number,
  filename: string,
  tolerated: ReadonlyArray<number> = []
) => {
  const values = { is_add, socket_id: number, socket_filename: filename }
  return session.offers(Ports.socketFilenameAddDelV2)
    ? step(Ports.socketFilenameAddDelV2, values, tolerated)
    : step(Ports.socketFilenameAddDel, values, tolerated)
}

/** True for a socket's request, false for an interface's. */
export const isRegistration = (request: string): boolean =>
  request === Ports.socketFilenameAddDelV2.name || request === Ports.socketFilenameAddDel.name

/** Registers the path under the id. `taken`: the id has another path. */
export const registerSocket = Effect.fnUntraced(function* (session: Session, number: number, filename: string) {
  const [added] = yield* run(session, [socketAddDel(session, true, number, filename, [otherFile])])
  return added?.retval === otherFile ? "taken" : "registered"
})

/** False: another interface uses the socket, so it stays. */
export const unregisterSocket = (session: Session, number: number) =>
  Effect.map(
    run(session, [socketAddDel(session, false, number, "", [inUse, isGone])]),
    ([answer]) => answer?.retval !== inUse
  )

/**
 * Creates the interface on a registered socket. The socket is registered again in the same write: VPP from 23.06
 * silently creates no socket file on an id on which a create has failed before. Not `alone`: another interface uses the
 * socket. The caller removes the interface when this fails or is not alone, except after a refused create.
 */
export const createMemif = Effect.fnUntraced(function* (
  session: Session,
  port: VppMemifPort,
  number: number,
  filename: string
) {
  const values = {
    role: port.role,
    mode: port.mode,
    rx_queues: port.rxQueues ?? 0,
    tx_queues: port.txQueues ?? 0,
    id: 0,
    socket_id: number,
    ring_size: port.ringSize ?? 0,
    buffer_size: port.bufferSize ?? 0,
    no_zero_copy: port.noZeroCopy,
    hw_addr: ownMac(port) ?? anyMac,
    secret: port.secret ?? ""
  }
  const made = session.offers(Ports.createMemifV2)
    ? step(Ports.createMemifV2, { ...values, use_dma: port.useDma })
    : step(Ports.createMemif, values)
  const anew = [socketAddDel(session, false, number, "", [inUse]), socketAddDel(session, true, number, filename)]
  const steps: ReadonlyArray<Step<Retval | { readonly retval: number; readonly sw_if_index: number }>> = [...anew, made]
  const answers = yield* session.together(steps.map(({ ask }) => ask))
  // The create's own reply is judged first: if VPP refused it, there is nothing to remove.
  const last = answers[anew.length]
  yield* judge(session, made, last?.retval ?? 0)
  const index = last !== undefined && "sw_if_index" in last ? last.sw_if_index : undefined
  if (index === undefined) return yield* Effect.die(new Error(`${made.ask.request.name} was answered without an index`))
  yield* Effect.forEach(anew, (one, n) => judge(session, one, answers[n]?.retval ?? 0), { discard: true })
  return { index, alone: answers[0]?.retval !== inUse }
})

/** An absent interface is a success. */
export const removeMemif = (session: Session, index: number) =>
  Effect.asVoid(run(session, [step(Ports.removeMemif, { sw_if_index: index }, [isAbsent])]))

/** Removes the interface and its socket's id. False: another interface uses the socket, so it stays. */
export const removeMemifAndSocket = (session: Session, index: number, socket: number) =>
  Effect.map(
    run(session, [
      step(Ports.removeMemif, { sw_if_index: index }, [isAbsent]),
      socketAddDel(session, false, socket, "", [inUse, isGone])
    ]),
    ([, answer]) => answer?.retval !== inUse
  )

/**
 * The MAC address of VPP's own end. A bridged port never uses it, so both ends may have the requested one; on a layer 3
 * link they must differ.
 */
const ownMac = ({ mac, network }: Pick<VppMemifPort, "mac" | "network">): string | undefined =>
  network.netType === "interface" ? undefined : mac

/** Returns the index. */
export const createVhostUser = Effect.fnUntraced(function* (
  session: Session,
  { attachment, invocation, socketPath }: PortRequest,
  port: VppVhostPort,
  number: number,
  limited = false
) {
  const mac = ownMac(port)
  const { sw_if_index } = yield* session.call(Ports.createVhostUser, {
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
export const removeVhostUser = (session: Session, index: number) =>
  session.call(Ports.removeVhostUser, { sw_if_index: index }).pipe(
    Effect.asVoid,
    Effect.catchIf(refusedWith(-2), () => Effect.void)
  )
