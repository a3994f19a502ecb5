/**
 * A port with a VLAN as earlier releases attached it: in the bridge's own bridge domain, whose tag has no number, with
 * a tag rewrite and VPP's filter.
 */
import { Effect } from "effect"
import type { VppMemifPort, VppVhostPort } from "../../src/cni/network/HostPort.ts"
import { run, step } from "../../src/vpp/client/Session.ts"
import { byName } from "../../src/vpp/interfaces/Interfaces.ts"
import * as BridgeDomain from "../../src/vpp/messages/BridgeDomain.ts"
import { unplugOf } from "../vswitch/support/UnplugOf.ts"
import { memif, plug, unplug, vhost, type Wanted, withSession } from "./VppUnderTest.ts"

/** The tag of every bridge domain of those releases. */
export const earlierTag = "userspace/1/bridge-domain"

const exists = -119

/** Created by another release or person. An existing one is left unchanged. */
export const makeDomain = (bd_id: number, bd_tag: string) =>
  step(
    BridgeDomain.addDel,
    {
      ...{ bd_id, flood: true, uu_flood: true, forward: true, learn: true, arp_term: false, arp_ufwd: false },
      ...{ mac_age: 0, bd_tag, is_add: true }
    },
    [exists]
  )

/** Removed at the end of the test. */
export const attachedByEarlier = (wanted: Wanted<VppMemifPort | VppVhostPort>) => {
  const { port } = wanted
  const { network } = port
  if (network.netType !== "bridge") return Effect.die("an access port is in a bridge domain")
  const alone = { ...wanted, port: { ...port, network: { netType: "none" } as const } }
  const { bridgeDomain, vlan = 0 } = network
  const attach = Effect.gen(function* () {
    const made = yield* plug(alone)
    yield* withSession((session) =>
      Effect.gen(function* () {
        const sw_if_index = (yield* byName(session, made.port))?.sw_if_index ?? 0
        yield* run(session, [
          makeDomain(bridgeDomain, earlierTag),
          step(BridgeDomain.setBridge, {
            ...{ rx_sw_if_index: sw_if_index, bd_id: bridgeDomain, port_type: 0, shg: 0, enable: true }
          }),
          step(BridgeDomain.vlanTagRewrite, {
            ...{ sw_if_index, vtr_op: BridgeDomain.pushOne, push_dot1q: 1, tag1: vlan, tag2: 0 }
          }),
          step(BridgeDomain.efpFilter, { sw_if_index, enable_disable: true }, "any")
        ])
      })
    )
    return made
  })
  return Effect.acquireRelease(attach, () => Effect.ignore(unplug(unplugOf(wanted))))
}

export const kindsInVlans = [memif, vhost] as const
