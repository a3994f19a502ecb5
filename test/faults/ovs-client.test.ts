/** Open vSwitch with a socket that the container creates: an administrator's bridge, addresses of host-local. */
import { campaign } from "./support/Campaign.ts"
import * as OvsGround from "./support/OvsGround.ts"

campaign("Open vSwitch, client mode", {
  needs: ["root", "executable", "ovs", "hostLocal"],
  ground: OvsGround.make({ vhost: { mode: "client" }, bridge: [] }),
  blows: OvsGround.blows
})
