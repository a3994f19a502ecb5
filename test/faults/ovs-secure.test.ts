/** Open vSwitch in client mode without addresses, on a bridge that forwards by flows only. */
import { campaign } from "./support/Campaign.ts"
import * as OvsGround from "./support/OvsGround.ts"

campaign("Open vSwitch, a bridge in fail_mode secure, no IPAM", {
  needs: ["root", "executable", "ovs"],
  ground: OvsGround.make({ vhost: { mode: "client" }, bridge: ["fail_mode=secure"], ipam: false }),
  blows: OvsGround.blows,
  like: {
    name: "Open vSwitch, client mode",
    but: ({ edge, step }) => edge === "Sockets" && !/^OVSDB select/.test(step),
    struck: OvsGround.ofVswitchd
  }
})
