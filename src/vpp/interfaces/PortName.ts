/**
 * The number in VPP's name of a port. It is derived from the attachment, so that the port has one name, also after a
 * restart, and after an ADD that was killed before it set the tag. memif: id of the socket; vhost-user: number of the
 * device. Pure.
 */
import { sha256 } from "#sha256"

export type PortKind = "memif" | "vhostuser"

/** People and VPP itself use small numbers. With the sign bit, VPP prints a negative number. */
const lowest = 0x10000
const highest = 0x7fffffff

/** `attempt`: selects another number when the first one is in use (once in two thousand million ports). */
export const portNumber = (key: string, attempt = 0): number => {
  const digest = sha256(`vpp\0${key}\0${attempt}`)
  return lowest + (digest.readUInt32BE(0) % (highest - lowest))
}

export const attempts = 3

export const portName = (kind: PortKind, number: number): string =>
  kind === "memif" ? `memif${number}/0` : `VirtualEthernet0/0/${number}`

/** Returns the socket's id from VPP's name of the interface: `memif1013904223/0`. */
export const memifSocketOf = (name: string): number | undefined => {
  const [, number] = /^memif(\d+)\/\d+$/.exec(name) ?? []
  return number === undefined ? undefined : Number(number)
}
