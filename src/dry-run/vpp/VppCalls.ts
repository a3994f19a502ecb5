/**
 * What each message that changes VPP would do to the copy, how it would be answered, and the line for `vppctl` that does
 * the same. Messages stand in the bytes that would be sent, so that what cannot be sent is refused here as well.
 */
import * as Result from "effect/Result"
import * as BridgeDomain from "../../vpp/messages/BridgeDomain.ts"
import * as Interface from "../../vpp/messages/Interface.ts"
import * as Ip from "../../vpp/messages/Ip.ts"
import * as Memif from "../../vpp/messages/Memif.ts"
import * as Policer from "../../vpp/messages/Policer.ts"
import * as VhostUser from "../../vpp/messages/VhostUser.ts"
import * as Message from "../../vpp/wire/Message.ts"
import type { VppCopy } from "./VppCopy.ts"
import * as Copy from "./VppCopy.ts"
import {
  addDelDomain,
  addDelPolicer,
  bindLine,
  bindPolicer,
  createMemif,
  createMemifLine,
  domainLine,
  isMemif,
  joinDomain,
  policerLine,
  register,
  registerLine
} from "./VppEffects.ts"

type Values = Readonly<Record<string, unknown>>

export interface Done {
  readonly arguments: Values
  readonly retval: number
  readonly reply: Uint8Array
  /** Without `vppctl` in front. */
  readonly vppctl: ReadonlyArray<string>
}

type Outcome<A> = Result.Result<A, Message.CodecFault>

export interface Call {
  readonly name: string
  readonly make: (copy: VppCopy, request: Buffer) => Outcome<Done>
}

const head = { id: 0, context: 0 }

/** `lines` is asked before the change, when what it removes still has a name. */
const on = <A extends Values, R extends Message.Retval>(
  message: Message.Request<A, R>,
  apply: (copy: VppCopy, values: A) => R,
  lines: (values: A, name: (index: number) => string) => ReadonlyArray<string>,
  shown: (values: A) => Values = (values) => values
): Call => ({
  name: message.name,
  make: (copy, request) =>
    Result.flatMap(Message.decodeRequest(message, request), (values) => {
      const name = (index: number) => Copy.nameOf(copy, index)
      const told = named(shown(values), name)
      const vppctl = lines(values, name)
      const answer = apply(copy, values)
      return Result.map(Message.encodeReply(message.reply, head, answer), (reply) => ({
        arguments: told,
        retval: answer.retval,
        reply,
        vppctl
      }))
    })
})

/** An index is not known before; a secret is nobody's business. */
const named = (values: Values, name: (index: number) => string): Values =>
  Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key,
      /sw_if_index$/.test(key) && typeof value === "number"
        ? name(value)
        : key === "secret" && value !== ""
          ? "(secret)"
          : value
    ])
  )

/** Every message that changes something, of those that the engine sends. */
export const calls: ReadonlyMap<string, Call> = new Map(
  [
    on(Memif.socketFilenameAddDel, (copy, values) => ({ retval: register(copy, values) }), registerLine),
    on(
      Memif.socketFilenameAddDelV2,
      (copy, values) => ({ retval: register(copy, values), socket_id: values.socket_id }),
      registerLine
    ),
    on(Memif.create, createMemif, (values) => createMemifLine(values)),
    on(Memif.createV2, createMemif, (values) => createMemifLine(values, values.use_dma)),
    on(
      Memif.remove,
      (copy, { sw_if_index }) => ({ retval: Copy.removeInterface(copy, sw_if_index) }),
      ({ sw_if_index }, name) => [`delete interface memif ${name(sw_if_index)}`]
    ),
    on(
      VhostUser.create,
      (copy, { custom_dev_instance, is_server, sock_filename, tag }) => {
        const taken = copy.vhosts.find((one) => one.sock_filename === sock_filename)
        if (taken !== undefined) return { retval: -79, sw_if_index: taken.sw_if_index }
        const interface_name = vhostName(custom_dev_instance)
        const sw_if_index = Copy.addInterface(copy, interface_name, "vhost-user", 9000)
        Copy.changeInterface(copy, sw_if_index, () => ({ tag }))
        const features = { virtio_net_hdr_sz: 0, features_first_32: 0, features_last_32: 0 }
        const row = {
          sw_if_index,
          interface_name,
          ...features,
          is_server,
          sock_filename,
          num_regions: 0,
          sock_errno: 0
        }
        copy.vhosts = [...copy.vhosts, row]
        if (is_server) copy.appear(sock_filename)
        return { retval: 0, sw_if_index }
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
    on(
      VhostUser.remove,
      (copy, { sw_if_index }) => {
        const row = copy.vhosts.find((one) => one.sw_if_index === sw_if_index)
        if (row?.is_server) copy.vanish(row.sock_filename)
        return { retval: Copy.removeInterface(copy, sw_if_index) }
      },
      ({ sw_if_index }, name) => [`delete vhost-user ${name(sw_if_index)}`]
    ),
    on(
      Interface.tagAddDel,
      (copy, { is_add, sw_if_index, tag }) => ({
        retval: Copy.changeInterface(copy, sw_if_index, () => ({ tag: is_add ? tag : "" }))
      }),
      ({ is_add, sw_if_index, tag }, name) => [
        is_add ? `set interface tag ${name(sw_if_index)} ${tag}` : `clear interface tag ${name(sw_if_index)}`
      ]
    ),
    on(
      Interface.setHardwareMtu,
      (copy, { mtu, sw_if_index }) => ({
        retval:
          copy.anyLinkMtu || isMemif(copy, sw_if_index)
            ? Copy.changeInterface(copy, sw_if_index, () => ({ link_mtu: mtu, mtu: [mtu, 0, 0, 0] }))
            : copy.memifs.some((one) => one.sw_if_index === sw_if_index)
              ? -30
              : -126
      }),
      ({ mtu, sw_if_index }, name) => [`set interface mtu ${mtu} ${name(sw_if_index)}`]
    ),
    on(
      Interface.setMtu,
      (copy, { mtu, sw_if_index }) => ({ retval: Copy.changeInterface(copy, sw_if_index, () => ({ mtu })) }),
      ({ mtu, sw_if_index }, name) => [`set interface mtu packet ${mtu[0]} ${name(sw_if_index)}`]
    ),
    on(
      Interface.setFlags,
      (copy, { flags, sw_if_index }) => ({ retval: Copy.changeInterface(copy, sw_if_index, () => ({ flags })) }),
      ({ flags, sw_if_index }, name) => [
        `set interface state ${name(sw_if_index)} ${flags === Interface.adminUp ? "up" : "down"}`
      ]
    ),
    on(
      Interface.addDelAddress,
      (copy, { is_add, prefix, sw_if_index }) => ({ retval: Copy.changeAddress(copy, sw_if_index, prefix, is_add) }),
      ({ is_add, prefix, sw_if_index }, name) => [
        `set interface ip address ${is_add ? "" : "del "}${name(sw_if_index)} ${prefix}`
      ]
    ),
    on(
      Ip.routeAddDel,
      ({ routes }, { is_add, route }) => {
        routes.set(route.prefix, is_add ? route : undefined)
        return { retval: 0, stats_index: 0 }
      },
      ({ is_add, route: { paths, prefix } }, name) => [
        [
          `ip route ${is_add ? "add" : "del"} ${prefix}`,
          ...(paths.length === 0 ? [] : [`via ${paths.map(({ sw_if_index }) => name(sw_if_index)).join()}`])
        ].join(" ")
      ],
      ({ is_add, route: { paths, prefix } }) => ({ is_add, prefix, sw_if_index: paths[0]?.sw_if_index })
    ),
    on(BridgeDomain.addDel, (copy, values) => ({ retval: addDelDomain(copy, values) }), domainLine),
    on(
      BridgeDomain.addDelV2,
      (copy, values) => ({ retval: addDelDomain(copy, values), bd_id: values.bd_id }),
      domainLine
    ),
    on(
      BridgeDomain.setBridge,
      (copy, { bd_id, enable, rx_sw_if_index }) => ({ retval: joinDomain(copy, rx_sw_if_index, enable ? bd_id : 0) }),
      ({ bd_id, enable, rx_sw_if_index }, name) => [
        enable ? `set interface l2 bridge ${name(rx_sw_if_index)} ${bd_id}` : `set interface l3 ${name(rx_sw_if_index)}`
      ]
    ),
    on(
      BridgeDomain.setLearnLimit,
      () => ({ retval: 0 }),
      ({ bd_id, learn_limit }) => [`set bridge-domain learn-limit ${bd_id} ${learn_limit}`]
    ),
    on(
      BridgeDomain.vlanTagRewrite,
      (copy, { push_dot1q, sw_if_index, tag1, vtr_op }) => ({
        retval: Copy.changeInterface(copy, sw_if_index, () => ({
          vtr_op,
          vtr_push_dot1q: push_dot1q,
          vtr_tag1: tag1
        }))
      }),
      ({ sw_if_index }, name) => [`set interface l2 tag-rewrite ${name(sw_if_index)} disable`]
    ),
    on(
      BridgeDomain.efpFilter,
      () => ({ retval: 0 }),
      ({ sw_if_index }, name) => [`set interface l2 efp-filter ${name(sw_if_index)} disable`]
    ),
    on(
      Policer.addDel,
      (copy, values) => ({ retval: addDelPolicer(copy, values), policer_index: 0 }),
      policerLine,
      ({ cb, cir, is_add, name }) => (is_add ? { is_add, name, cir, cb } : { is_add, name })
    ),
    on(Policer.input, (copy, values) => ({ retval: bindPolicer(copy, values) }), bindLine("input")),
    on(Policer.output, (copy, values) => ({ retval: bindPolicer(copy, values) }), bindLine("output"))
  ].map((call) => [call.name, call])
)

const vhostName = (instance: number) => `VirtualEthernet0/0/${instance}`
