/**
 * memif ports: a socket with an id of its own, and one interface on it. The id follows from the attachment (see
 * `PortName.ts`), with the old messages and with the new ones, which could choose one: theirs repeat after a restart,
 * and would have to be looked for among all.
 */
import { basename } from "node:path"
import * as Effect from "effect/Effect"
import type { VppMemifPort } from "../cni/HostPort.ts"
import type { PortRequest } from "../vswitch/Vswitch.ts"
import { anyMac } from "./Address.ts"
import { run, step } from "./Batch.ts"
import * as Memif from "./messages/Memif.ts"
import type { Session } from "./Session.ts"

const isAbsent = -2
const inUse = -74
const isGone = -73
const otherFile = -116

/** `abstract:<name>`, as the container's end is told: the name of the file that it would have been. */
export const abstractName = (socketPath: string): string => `abstract:${basename(socketPath)}`

/** In the pod's network namespace, where nobody but the pod can connect. VPP: src/vppinfra/socket.c. */
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

/**
 * Gives the path the id; the answer is what became of it. Registered anew in one write when it was there: VPP from
 * 23.06 makes no socket file on an id on which a create has failed before, and says nothing.
 */
export const register = Effect.fnUntraced(function* (session: Session, number: number, filename: string) {
  const [added] = yield* run(session, [addDel(session, true, number, filename, [otherFile])])
  if (added?.retval === otherFile) return "taken"
  const [removed] = yield* run(session, [
    addDel(session, false, number, "", [inUse]),
    addDel(session, true, number, filename)
  ])
  return removed?.retval === inUse ? "in use" : "registered"
})

/** False: another interface uses it, and so it stays. */
export const unregister = (session: Session, number: number) =>
  Effect.map(
    run(session, [addDel(session, false, number, "", [inUse, isGone])]),
    ([answer]) => answer?.retval !== inUse
  )

/** Returns the index. */
export const create = Effect.fnUntraced(function* (session: Session, port: VppMemifPort, number: number) {
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
  const { sw_if_index } = session.offers(Memif.createV2)
    ? yield* session.call(Memif.createV2, { ...values, use_dma: port.useDma })
    : yield* session.call(Memif.create, values)
  return sw_if_index
})

/** Absent is success. */
export const remove = (session: Session, index: number) =>
  Effect.asVoid(run(session, [step(Memif.remove, { sw_if_index: index }, [isAbsent])]))

/** The interface and its socket's id. False: another interface uses that, and so it stays. */
export const removeBoth = (session: Session, index: number, socket: number) =>
  Effect.map(
    run(session, [
      step(Memif.remove, { sw_if_index: index }, [isAbsent]),
      addDel(session, false, socket, "", [inUse, isGone])
    ]),
    ([, answer]) => answer?.retval !== inUse
  )

/**
 * A bridged port's own address is never used, so the asked one may stand on both ends; on a layer 3 link the ends have
 * to differ.
 */
export const ownMac = ({ mac, network }: Pick<VppMemifPort, "mac" | "network">): string | undefined =>
  network.netType === "interface" ? undefined : mac
