/** What memif's sockets and interfaces, bridge domains and policers do in the copy of VPP, and their lines for `vppctl`. */
import { shellWord } from "../../platform/text/ShellWord.ts"
import { every } from "../../vpp/messages/Control.ts"
import type * as Memif from "../../vpp/messages/Memif.ts"
import type * as Policer from "../../vpp/messages/Policer.ts"
import { anyMac } from "../../vpp/wire/Address.ts"
import type { VppCopy } from "./VppCopy.ts"
import * as Copy from "./VppCopy.ts"

interface Registration {
  readonly is_add: boolean
  readonly socket_id: number
  readonly socket_filename: string
}

export const register = (copy: VppCopy, { is_add, socket_filename, socket_id }: Registration): number => {
  const there = copy.sockets.find((one) => one.socket_id === socket_id)
  if (is_add) {
    if (there !== undefined) return there.socket_filename === socket_filename ? 0 : -116
    copy.sockets = [...copy.sockets, { socket_id, socket_filename }]
    return 0
  }
  if (there === undefined) return -73
  if (copy.memifs.some((memif) => memif.socket_id === socket_id)) return -74
  copy.sockets = copy.sockets.filter((one) => one !== there)
  return 0
}

export const registerLine = ({ is_add, socket_filename, socket_id }: Registration) => [
  is_add
    ? `create memif socket id ${socket_id} filename ${shellWord(socket_filename)}`
    : `delete memif socket id ${socket_id}`
]

type Creation = Parameters<typeof Memif.create.fields.write>[1]

export const createMemif = (copy: VppCopy, { hw_addr, id, mode, ring_size, role, socket_id }: Creation) => {
  const path = Copy.pathOf(copy, socket_id)
  const if_name = `memif${socket_id}/${id}`
  const sw_if_index = Copy.addInterface(copy, if_name, "memif", mode === "ip" ? 0 : 9000)
  const row = { sw_if_index, hw_addr, id, role, mode, zero_copy: false, socket_id, ring_size, buffer_size: 0 }
  copy.memifs = [...copy.memifs, { ...row, flags: 0, if_name }]
  if (role === "master" && !path.startsWith("abstract:")) copy.appear(path)
  return { retval: 0, sw_if_index }
}

export const createMemifLine = (values: Creation, useDma = false) => [
  [
    `create interface memif id ${values.id} socket-id ${values.socket_id} ${values.role}`,
    ...(values.mode === "ip" ? ["mode ip"] : []),
    ...(values.rx_queues === 0 ? [] : [`rx-queues ${values.rx_queues}`]),
    ...(values.tx_queues === 0 ? [] : [`tx-queues ${values.tx_queues}`]),
    ...(values.ring_size === 0 ? [] : [`ring-size ${values.ring_size}`]),
    ...(values.buffer_size === 0 ? [] : [`buffer-size ${values.buffer_size}`]),
    ...(values.no_zero_copy ? ["no-zero-copy"] : []),
    ...(useDma ? ["use-dma"] : []),
    ...(values.hw_addr === anyMac ? [] : [`hw-addr ${values.hw_addr}`]),
    ...(values.secret === "" ? [] : ["secret (secret)"])
  ].join(" ")
]

interface Domain {
  readonly bd_id: number
  readonly bd_tag: string
  readonly is_add: boolean
  readonly flood: boolean
  readonly uu_flood: boolean
  readonly forward: boolean
  readonly learn: boolean
}

const newDomain = ({ bd_id, bd_tag, flood, forward, learn, uu_flood }: Omit<Domain, "is_add">) => ({
  ...{ bd_id, bd_tag, flood, forward, learn, uu_flood },
  arp_term: false,
  arp_ufwd: false,
  mac_age: 0,
  bvi_sw_if_index: every,
  uu_fwd_sw_if_index: every,
  sw_if_details: []
})

export const addDelDomain = (copy: VppCopy, values: Domain): number => {
  const there = copy.domains.find(({ bd_id }) => bd_id === values.bd_id)
  if (values.is_add) {
    if (there !== undefined) return -119
    copy.domains = [...copy.domains, newDomain(values)]
    return 0
  }
  if (there === undefined) return -6
  if (there.sw_if_details.length > 0) return -120
  copy.domains = copy.domains.filter((one) => one !== there)
  return 0
}

export const domainLine = ({ bd_id, bd_tag, is_add }: Domain) => [
  is_add
    ? `create bridge-domain ${bd_id} learn 1 forward 1 uu-flood 1 flood 1 arp-term 0 bd-tag ${bd_tag}`
    : `create bridge-domain ${bd_id} del`
]

/** 0: none, and what is set for layer 2 goes with it. */
export const joinDomain = (copy: VppCopy, index: number, domain: number): number => {
  Copy.leaveDomains(copy, index)
  if (domain === 0) return Copy.changeInterface(copy, index, () => ({ vtr_op: 0, vtr_push_dot1q: 0, vtr_tag1: 0 }))
  const all = { bd_id: domain, bd_tag: "", flood: true, uu_flood: true, forward: true, learn: true }
  const there = copy.domains.some(({ bd_id }) => bd_id === domain)
  copy.domains = (there ? copy.domains : [...copy.domains, newDomain(all)]).map((one) =>
    one.bd_id === domain
      ? { ...one, sw_if_details: [...one.sw_if_details, { context: 0, sw_if_index: index, shg: 0 }] }
      : one
  )
  return 0
}

export const isMemif = (copy: VppCopy, index: number) =>
  copy.memifs.some(({ mode, sw_if_index }) => sw_if_index === index && mode === "ethernet")

type Policing = Parameters<typeof Policer.addDel.fields.write>[1]

export const addDelPolicer = (copy: VppCopy, { is_add, ...values }: Policing): number => {
  const others = copy.policers.filter(({ name }) => name !== values.name)
  const there = others.length < copy.policers.length
  if (is_add === there) return is_add ? -81 : -6
  const row = { ...values, single_rate: true, scale: 0, cir_tokens_per_period: 0, pir_tokens_per_period: 0 }
  const buckets = { current_limit: 0, current_bucket: 0, extended_limit: 0, extended_bucket: 0, last_update_time: 0 }
  copy.policers = is_add ? [...others, { ...row, ...buckets }] : others
  return 0
}

export const policerLine = ({ cb, cir, is_add, name }: Policing) => [
  is_add
    ? `policer add name ${name} type 1r2c cir ${cir} cb ${cb} rate kbps round closest conform-action transmit exceed-action drop violate-action drop`
    : `policer del name ${name}`
]

/** Where they are is not told by VPP, and so not copied. */
export const bindPolicer = (copy: VppCopy, { name }: Binding): number =>
  copy.policers.some((one) => one.name === name) ? 0 : -6

type Binding = Parameters<typeof Policer.input.fields.write>[1]

export const bindLine =
  (direction: "input" | "output") =>
  ({ apply, name, sw_if_index }: Binding, nameOf: (index: number) => string) => [
    `policer ${direction} ${apply ? "" : "unapply "}name ${name} ${nameOf(sw_if_index)}`
  ]
