/**
 * memif ports: a socket with its own id, and one interface on it. The id is derived from the attachment (see
 * `Mark.ts`), also with the newer messages, which could choose one: VPP's choice repeats after a restart, and would
 * have to be searched.
 */
import { basename } from "node:path"
import * as Effect from "effect/Effect"
import type { VppMemifPort, VppPort } from "../../cni/network/HostPort.ts"
import type { PortRequest } from "../../vswitch/Vswitch.ts"
import { judge, run, type Session, type Step, step } from "../client/Session.ts"
import * as Memif from "../messages/Memif.ts"
import { anyMac } from "../wire/Address.ts"
import type { Retval } from "../wire/Message.ts"

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

const addDel = (
  session: Session,
  is_add: boolean,
  number: number,
  filename: string,
  tolerated: ReadonlyArray<number> = []
) => {
  const values = { is_add, socket_id: number, socket_filename: filename }
  return session.offers(Memif.socketFilenameAddDelV2)
    ? step(Memif.socketFilenameAddDelV2, values, tolerated)
    : step(Memif.socketFilenameAddDel, values, tolerated)
}

/** True for a socket's request, false for an interface's. */
export const isRegistration = (request: string): boolean =>
  request === Memif.socketFilenameAddDelV2.name || request === Memif.socketFilenameAddDel.name

/** Registers the path under the id. `taken`: the id has another path. */
export const register = Effect.fnUntraced(function* (session: Session, number: number, filename: string) {
  const [added] = yield* run(session, [addDel(session, true, number, filename, [otherFile])])
  return added?.retval === otherFile ? "taken" : "registered"
})

/** False: another interface uses the socket, so it stays. */
export const unregister = (session: Session, number: number) =>
  Effect.map(
    run(session, [addDel(session, false, number, "", [inUse, isGone])]),
    ([answer]) => answer?.retval !== inUse
  )

/**
 * Creates the interface on a registered socket. The socket is registered again in the same write: VPP from 23.06
 * silently creates no socket file on an id on which a create has failed before. Not `alone`: another interface uses the
 * socket. The caller removes the interface when this fails or is not alone, except after a refused create.
 */
export const create = Effect.fnUntraced(function* (
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
  const made = session.offers(Memif.createV2)
    ? step(Memif.createV2, { ...values, use_dma: port.useDma })
    : step(Memif.create, values)
  const anew = [addDel(session, false, number, "", [inUse]), addDel(session, true, number, filename)]
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
export const remove = (session: Session, index: number) =>
  Effect.asVoid(run(session, [step(Memif.remove, { sw_if_index: index }, [isAbsent])]))

/** Removes the interface and its socket's id. False: another interface uses the socket, so it stays. */
export const removeBoth = (session: Session, index: number, socket: number) =>
  Effect.map(
    run(session, [
      step(Memif.remove, { sw_if_index: index }, [isAbsent]),
      addDel(session, false, socket, "", [inUse, isGone])
    ]),
    ([, answer]) => answer?.retval !== inUse
  )

/**
 * The MAC address of VPP's own end. A bridged port never uses it, so both ends may have the requested one; on a layer 3
 * link they must differ.
 */
export const ownMac = ({ mac, network }: Pick<VppMemifPort, "mac" | "network">): string | undefined =>
  network.netType === "interface" ? undefined : mac
