/** The bridge of the network, in use. */
import { Effect } from "effect"
import { CniNode } from "./CniNode.ts"

/** With a port that stays: removing a bridge's last vhost port takes ovs-vswitchd a second. */
export const busyBridge = Effect.gen(function* () {
  const node = yield* CniNode
  const name = node.network.host.bridge.bridgeName
  yield* Effect.acquireRelease(
    node.vsctl(
      ...["add-br", name, "--", "set", "Bridge", name, "datapath_type=netdev"],
      ...["--", "add-port", name, "stays", "--", "set", "Interface", "stays", "type=dpdkvhostuserclient"],
      `options:vhost-server-path=${node.directory}/stays`
    ),
    () => Effect.ignore(node.vsctl("del-br", name))
  )
})
