/**
 * Every message that the plugin can send or parse: for the comparison with a VPP's definitions, and for `vpp-compat`.
 */

import * as BridgeDomain from "./BridgeDomain.ts"
import * as Control from "./Control.ts"
import type { Layout } from "./Field.ts"
import * as Interface from "./Interface.ts"
import { spanDump, spanEnableDisable } from "./Interface.ts"
import * as Ip from "./Ip.ts"
import type { Message, Plugin } from "./Message.ts"
import * as Policer from "./Policer.ts"
import * as Ports from "./Ports.ts"

export interface Entry {
  readonly name: string
  readonly crc: string
  readonly plugin: Plugin | undefined
  /** All fields after the number of the message. */
  readonly layout: ReadonlyArray<readonly [name: string, layout: Layout]>
}

type Described = Pick<Message<unknown>, "name" | "crc" | "plugin" | "headedAsRequest"> & {
  readonly fields: { readonly layout: Layout }
}
type Exchange = Described & ({ readonly reply: Described } | { readonly details: Described })

const client = ["client_index", "u32"] as const
const context = ["context", "u32"] as const

const headed = (head: Entry["layout"], { crc, fields, name, plugin }: Described): Entry => ({
  name,
  crc,
  plugin,
  layout: [...head, ...fieldsOf(fields.layout)]
})

const fieldsOf = (layout: Layout): Entry["layout"] => (isStruct(layout) ? layout : [])

const isStruct = (layout: Layout): layout is Entry["layout"] => Array.isArray(layout)

const both = (exchange: Exchange): ReadonlyArray<Entry> => {
  const answer = "reply" in exchange ? exchange.reply : exchange.details
  return [
    headed([client, context], exchange),
    headed(answer.headedAsRequest === true ? [client, context] : [context], answer)
  ]
}

export const catalogue: ReadonlyArray<Entry> = [
  headed([context], Control.sockclntCreate),
  headed([], Control.sockclntCreate.reply),
  ...[
    Control.sockclntDelete,
    Control.controlPing,
    Control.showVersion,
    Control.cliInband,
    Ports.socketFilenameAddDelV2,
    Ports.socketFilenameAddDel,
    Ports.socketFilenameDump,
    Ports.createMemifV2,
    Ports.createMemif,
    Ports.removeMemif,
    Ports.memifDump,
    Ports.createVhostUser,
    Ports.removeVhostUser,
    Ports.vhostUserDump,
    Interface.interfaceDump,
    Interface.rxPlacementDump,
    Interface.setFlags,
    Interface.setHardwareMtu,
    Interface.setMtu,
    Interface.tagAddDel,
    Interface.addDelAddress,
    BridgeDomain.addDelV2,
    BridgeDomain.addDel,
    BridgeDomain.bridgeDomainDump,
    BridgeDomain.setBridge,
    BridgeDomain.setLearnLimit,
    BridgeDomain.vlanTagRewrite,
    Ip.addressDump,
    Ip.routeAddDel,
    Ip.routeDump,
    Ip.routeLookup,
    Policer.addDel,
    Policer.input,
    Policer.output,
    Policer.policerDump,
    Ports.createHostInterfaceV3,
    Ports.createHostInterface,
    Ports.removeHostInterface,
    spanEnableDisable,
    spanDump
  ].flatMap(both)
]
