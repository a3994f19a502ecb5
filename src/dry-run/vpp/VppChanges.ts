/**
 * Every change of the plugin on a VPP: what it does to {@link VppRows}, as far as the plan reads it again, and the lines
 * for `vppctl` that do the same. VPP is taken to accept it; where the state is already as requested, or the object is
 * missing, it answers with the number that VPP has for that. Requests are encoded, so that what cannot be sent is
 * refused here as well.
 */
import * as Result from "effect/Result"
import { shellWord } from "../../platform/text/ShellWord.ts"
import * as BridgeDomain from "../../vpp/messages/BridgeDomain.ts"
import { anyMac } from "../../vpp/messages/Field.ts"
import * as Interface from "../../vpp/messages/Interface.ts"
import * as Ip from "../../vpp/messages/Ip.ts"
import * as Message from "../../vpp/messages/Message.ts"
import * as Policer from "../../vpp/messages/Policer.ts"
import * as Ports from "../../vpp/messages/Ports.ts"
import type { Values, VppRows } from "./VppRows.ts"
import * as Rows from "./VppRows.ts"

/** Returns the name of the interface with an index. */
type NameOf = (index: number) => string

export interface Told {
  readonly arguments: Readonly<Record<string, unknown>>
  /** Without `vppctl` in front. */
  readonly vppctl: ReadonlyArray<string>
}

export interface Change {
  readonly name: string
  /** Before the change, while a removed object still has a name. */
  readonly tell: (request: Buffer, nameOf: NameOf) => Told | undefined
  /** Changes the rows, and returns VPP's reply; undefined when the request is too short. */
  readonly make: (rows: VppRows, request: Buffer) => Buffer | undefined
}

/** `shown`: selects the values to print; by default all. */
const change = <A extends object, R>(
  message: Message.Request<A, R>,
  effect: (rows: VppRows, values: A) => R,
  lines: (values: A, name: NameOf) => string | ReadonlyArray<string>,
  shown: (values: A) => object = (values) => values
): Change => {
  const decoded = (raw: Buffer) => Result.getOrUndefined(Message.decodeRequest(message, raw))
  return {
    name: message.name,
    tell: (raw, nameOf) => {
      const values = decoded(raw)
      return values === undefined
        ? undefined
        : { arguments: presentable(shown(values), nameOf), vppctl: [lines(values, nameOf)].flat() }
    },
    make: (rows, raw) => {
      const values = decoded(raw)
      if (values === undefined) return undefined
      const head = { id: 0, context: 0 }
      return Buffer.from(Result.getOrThrow(Message.encodeReply(message.reply, head, effect(rows, values))))
    }
  }
}

/** Of one interface. */
const setting = <A extends { readonly sw_if_index: number }>(
  message: Message.Request<A, Message.Retval>,
  effect: (row: Values<typeof Interface.interfaceDump.details>, values: A, rows: VppRows) => object | number,
  lines: (values: A, name: NameOf) => string
): Change =>
  change(
    message,
    (rows, values) => {
      const row = rows.interfaces.get(values.sw_if_index)
      const done = row === undefined ? missing : effect(row, values, rows)
      if (typeof done === "number") return { retval: done }
      if (row !== undefined) rows.interfaces.set(values.sw_if_index, { ...row, ...done })
      return { retval: 0 }
    },
    lines
  )

const missing = -2
const well = { retval: 0 }

/** VPP's numbers for what the plugin tolerates. */
const exists = -119
const gone = -6
const hasMembers = -120
const noSocket = -73
const socketInUse = -74
const noDriver = -126
const noEthernet = -30

interface Registration {
  readonly is_add: boolean
  readonly socket_id: number
  readonly socket_filename: string
}

const register = ({ memifs, sockets }: VppRows, { is_add, socket_filename, socket_id }: Registration): number => {
  if (is_add) {
    sockets.set(socket_id, socket_filename)
    return 0
  }
  if ([...memifs.values()].some((memif) => memif.socket_id === socket_id)) return socketInUse
  return sockets.delete(socket_id) ? 0 : noSocket
}

const registerLine = ({ is_add, socket_filename, socket_id }: Registration) =>
  is_add
    ? `create memif socket id ${socket_id} filename ${shellWord(socket_filename)}`
    : `delete memif socket id ${socket_id}`

type Creation = Values<typeof Ports.createMemif>

const createMemif = (rows: VppRows, { hw_addr, id, mode, role, socket_id }: Creation) => ({
  retval: 0,
  sw_if_index: Rows.addMemif(rows, { hw_addr, id, mode, role, socket_id })
})

const createMemifLine = (values: Creation & { readonly use_dma?: boolean }) =>
  [
    `create interface memif id ${values.id} socket-id ${values.socket_id} ${values.role}`,
    ...(values.mode === "ip" ? ["mode ip"] : []),
    ...(values.rx_queues === 0 ? [] : [`rx-queues ${values.rx_queues}`]),
    ...(values.tx_queues === 0 ? [] : [`tx-queues ${values.tx_queues}`]),
    ...(values.ring_size === 0 ? [] : [`ring-size ${values.ring_size}`]),
    ...(values.buffer_size === 0 ? [] : [`buffer-size ${values.buffer_size}`]),
    ...(values.no_zero_copy ? ["no-zero-copy"] : []),
    ...(values.use_dma === true ? ["use-dma"] : []),
    ...(values.hw_addr === anyMac ? [] : [`hw-addr ${values.hw_addr}`]),
    ...(values.secret === "" ? [] : ["secret (secret)"])
  ].join(" ")

const vhostName = (instance: number) => `VirtualEthernet0/0/${instance}`

type AddDel = Values<typeof BridgeDomain.addDel>

const addDelDomain = ({ domains }: VppRows, { bd_id, bd_tag, is_add }: AddDel): number => {
  const there = domains.get(bd_id)
  if (is_add) {
    if (there !== undefined) return exists
    domains.set(bd_id, Rows.newDomain(bd_id, bd_tag))
    return 0
  }
  if (there === undefined) return gone
  if (there.sw_if_details.length > 0) return hasMembers
  domains.delete(bd_id)
  return 0
}

const addDelDomainLine = ({ bd_id, bd_tag, is_add }: AddDel) =>
  is_add
    ? `create bridge-domain ${bd_id} learn 1 forward 1 uu-flood 1 flood 1 arp-term 0 bd-tag ${bd_tag}`
    : `create bridge-domain ${bd_id} del`

const policing = (message: typeof Policer.input, direction: "input" | "output"): Change =>
  change(
    message,
    ({ policers }, { name }) => ({ retval: policers.has(name) ? 0 : gone }),
    ({ apply, name, sw_if_index }, nameOf) =>
      `policer ${direction} ${apply ? "" : "unapply "}name ${name} ${nameOf(sw_if_index)}`
  )

const noRewrite = { vtr_op: 0, vtr_push_dot1q: 0, vtr_tag1: 0, vtr_tag2: 0 }

const all: ReadonlyArray<Change> = [
  change(Ports.socketFilenameAddDel, (rows, values) => ({ retval: register(rows, values) }), registerLine),
  change(
    Ports.socketFilenameAddDelV2,
    (rows, values) => ({ retval: register(rows, values), socket_id: values.socket_id }),
    registerLine
  ),
  change(Ports.createMemif, createMemif, createMemifLine),
  change(Ports.createMemifV2, createMemif, createMemifLine),
  change(
    Ports.removeMemif,
    (rows, { sw_if_index }) => {
      Rows.remove(rows, sw_if_index)
      return well
    },
    ({ sw_if_index }, name) => `delete interface memif ${name(sw_if_index)}`
  ),
  change(
    Ports.createVhostUser,
    (rows, { custom_dev_instance, is_server, sock_filename, tag }) => {
      const interface_name = vhostName(custom_dev_instance)
      return { retval: 0, sw_if_index: Rows.addVhost(rows, tag, { interface_name, is_server, sock_filename }) }
    },
    (values) => [
      [
        `create vhost-user socket ${values.sock_filename}`,
        ...(values.is_server ? ["server"] : []),
        ...(values.use_custom_mac ? [`hwaddr ${values.mac_address}`] : []),
        `renumber ${values.custom_dev_instance}`,
        ...(values.enable_gso ? ["gso"] : []),
        ...(values.enable_packed ? ["packed"] : []),
        ...(values.enable_event_idx ? ["event-idx"] : [])
      ].join(" "),
      `set interface tag ${vhostName(values.custom_dev_instance)} ${values.tag}`
    ]
  ),
  change(
    Ports.removeVhostUser,
    (rows, { sw_if_index }) => {
      Rows.remove(rows, sw_if_index)
      return well
    },
    ({ sw_if_index }, name) => `delete vhost-user ${name(sw_if_index)}`
  ),
  change(BridgeDomain.addDel, (rows, values) => ({ retval: addDelDomain(rows, values) }), addDelDomainLine),
  change(
    BridgeDomain.addDelV2,
    (rows, values) => ({ retval: addDelDomain(rows, values), bd_id: values.bd_id }),
    addDelDomainLine
  ),
  change(
    BridgeDomain.setBridge,
    (rows, { bd_id, enable, rx_sw_if_index }) => {
      const row = rows.interfaces.get(rx_sw_if_index)
      if (enable) Rows.join(rows, rx_sw_if_index, bd_id)
      else Rows.leave(rows, rx_sw_if_index)
      // Tag rewrites go with the last bridge domain.
      if (!enable && row !== undefined) rows.interfaces.set(rx_sw_if_index, { ...row, ...noRewrite })
      return well
    },
    ({ bd_id, enable, rx_sw_if_index }, name) =>
      enable ? `set interface l2 bridge ${name(rx_sw_if_index)} ${bd_id}` : `set interface l3 ${name(rx_sw_if_index)}`
  ),
  change(
    BridgeDomain.setLearnLimit,
    ({ domains }, { bd_id }) => ({ retval: domains.has(bd_id) ? 0 : gone }),
    ({ bd_id, learn_limit }) => `set bridge-domain learn-limit ${bd_id} ${learn_limit}`
  ),
  setting(
    BridgeDomain.vlanTagRewrite,
    (_, { push_dot1q, tag1, tag2, vtr_op }) => ({
      ...{ vtr_op, vtr_push_dot1q: push_dot1q, vtr_tag1: tag1, vtr_tag2: tag2 }
    }),
    ({ sw_if_index }, name) => `set interface l2 tag-rewrite ${name(sw_if_index)} disable`
  ),
  setting(
    Interface.setFlags,
    (row, { flags }) => ({ flags: (row.flags & ~Interface.adminUp) | (flags & Interface.adminUp) }),
    ({ flags, sw_if_index }, name) =>
      `set interface state ${name(sw_if_index)} ${flags === Interface.adminUp ? "up" : "down"}`
  ),
  setting(
    Interface.setHardwareMtu,
    (_, { mtu, sw_if_index }, { memifs }) => {
      const memif = memifs.get(sw_if_index)
      if (memif?.mode !== "ethernet") return memif === undefined ? noDriver : noEthernet
      return { link_mtu: mtu, mtu: [mtu, 0, 0, 0] }
    },
    ({ mtu, sw_if_index }, name) => `set interface mtu ${mtu} ${name(sw_if_index)}`
  ),
  setting(
    Interface.setMtu,
    (_, { mtu }) => ({ mtu }),
    ({ mtu, sw_if_index }, name) => `set interface mtu packet ${mtu[0]} ${name(sw_if_index)}`
  ),
  setting(
    Interface.tagAddDel,
    (_, { is_add, tag }) => ({ tag: is_add ? tag : "" }),
    ({ is_add, sw_if_index, tag }, name) =>
      is_add ? `set interface tag ${name(sw_if_index)} ${tag}` : `clear interface tag ${name(sw_if_index)}`
  ),
  change(
    Interface.spanEnableDisable,
    ({ spans }, span) => {
      if (span.state === Interface.spanDisabled) spans.delete(Rows.spanKey(span))
      return well
    },
    ({ state, sw_if_index_from, sw_if_index_to }, name) =>
      `set interface span ${name(sw_if_index_from)} destination ${name(sw_if_index_to)} ${["disable", "rx", "tx", "both"][state]}`
  ),
  change(
    Interface.addDelAddress,
    ({ addresses }, { is_add, prefix, sw_if_index }) => {
      const others = (addresses.get(sw_if_index) ?? []).filter((one) => one !== prefix)
      // VPP does not list link-local addresses.
      addresses.set(sw_if_index, is_add && !/^fe[89ab]/.test(prefix) ? [...others, prefix] : others)
      return well
    },
    ({ is_add, prefix, sw_if_index }, name) =>
      `set interface ip address ${is_add ? "" : "del "}${name(sw_if_index)} ${prefix}`
  ),
  change(
    Ip.routeAddDel,
    ({ routes }, { is_add, route }) => {
      routes.set(route.prefix, is_add ? route : undefined)
      return { retval: 0, stats_index: 0 }
    },
    ({ is_add, route: { paths, prefix } }, name) =>
      [
        `ip route ${is_add ? "add" : "del"} ${prefix}`,
        ...(paths.length === 0 ? [] : [`via ${paths.map(({ sw_if_index }) => name(sw_if_index)).join()}`])
      ].join(" "),
    ({ is_add, route: { paths, prefix } }) => ({ is_add, prefix, sw_if_index: paths[0]?.sw_if_index })
  ),
  change(
    Policer.addDel,
    ({ policers }, { is_add, ...values }) => {
      const { cb, cir, name } = values
      const retval = is_add || policers.delete(name) ? 0 : gone
      if (is_add) policers.set(name, { ...Rows.zero(Policer.policerDump), ...values, cir, cb })
      return { retval, policer_index: 0 }
    },
    ({ cb, cir, is_add, name }) =>
      is_add
        ? `policer add name ${name} type 1r2c cir ${cir} cb ${cb} rate kbps round closest conform-action transmit exceed-action drop violate-action drop`
        : `policer del name ${name}`,
    ({ cb, cir, is_add, name }) => (is_add ? { is_add, name, cir, cb } : { is_add, name })
  ),
  policing(Policer.input, "input"),
  policing(Policer.output, "output")
]

/** By the message's name. */
export const changes: ReadonlyMap<string, Change> = new Map(all.map((one) => [one.name, one]))

/** Replaces indices, which are not known before, by names, and omits secrets. */
const presentable = (values: object, name: NameOf): Told["arguments"] =>
  Object.fromEntries(
    Object.entries(values).map(([key, value]: [string, unknown]) => [
      key,
      /sw_if_index(_from|_to)?$/.test(key) && typeof value === "number"
        ? name(value)
        : key === "secret" && value !== ""
          ? "(secret)"
          : value
    ])
  )
