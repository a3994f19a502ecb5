/**
 * The number in VPP's name of a port. It is derived from the attachment, so that its port is found by one name, after a
 * restart, and after an ADD that was killed before setting the tag. memif: id of the socket; vhost-user: number of the
 * device. Pure.
 */
import { sha256 } from "#sha256"

export type PortKind = "memif" | "vhostuser"

/** Small numbers are what people and VPP itself take; the sign bit is printed as one. */
const lowest = 0x10000
const highest = 0x7fffffff

/** `attempt`: another number, for when somebody has the first one (once in two thousand million ports). */
export const portNumber = (key: string, attempt = 0): number => {
  const digest = sha256(`vpp\0${key}\0${attempt}`)
  return lowest + (digest.readUInt32BE(0) % (highest - lowest))
}

export const attempts = 3

export const portName = (kind: PortKind, number: number): string =>
  kind === "memif" ? `memif${number}/0` : `VirtualEthernet0/0/${number}`

/** The socket's id, when VPP's name for the interface tells it: `memif1013904223/0`. */
export const memifSocketOf = (name: string): number | undefined => {
  const [, number] = /^memif(\d+)\/\d+$/.exec(name) ?? []
  return number === undefined ? undefined : Number(number)
}
