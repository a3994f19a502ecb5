/**
 * VPP's handling of one flooded frame, as far as bridge domains and tag rewrites decide it. No learning, no split
 * horizon.
 */

import { pushOne } from "../../../src/vpp/messages/BridgeDomain.ts"
import type { Interface, VppModel } from "../model/VppModel.ts"

interface Delivered {
  readonly to: string
  readonly frame: Buffer
}

const addresses = 12
const tagged = 0x8100

const push = (frame: Buffer, vlan: number): Buffer => {
  const tag = Buffer.alloc(4)
  tag.writeUInt16BE(tagged, 0)
  tag.writeUInt16BE(vlan, 2)
  return Buffer.concat([frame.subarray(0, addresses), tag, frame.subarray(addresses)])
}

const pop = (frame: Buffer): Buffer =>
  frame.readUInt16BE(addresses) === tagged
    ? Buffer.concat([frame.subarray(0, addresses), frame.subarray(addresses + 4)])
    : frame

/** Of a port that pushes one tag. */
const rewrites = ({ row }: Interface): boolean => row.vtr_op === pushOne

export const flood = (model: VppModel, from: string, frame: Buffer): ReadonlyArray<Delivered> => {
  const source = model.named(from)
  if (source?.domain === undefined) return []
  const inside = rewrites(source) ? push(frame, source.row.vtr_tag1) : frame
  const delivered: Array<Delivered> = []
  for (const member of model.membersOf(source.domain)) {
    if (member === source) continue
    const leaving = rewrites(member) ? pop(inside) : inside
    delivered.push({ to: member.row.interface_name, frame: leaving })
  }
  return delivered
}
