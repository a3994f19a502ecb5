/**
 * Open vSwitch with a socket that ovs-vswitchd creates: on a bridge that the plugin creates and removes, in a directory
 * too long for a socket's path, for a group, with device information.
 */
import { campaign } from "./support/Campaign.ts"
import * as OvsGround from "./support/OvsGround.ts"

campaign("Open vSwitch, server mode", {
  needs: ["root", "executable", "ovs", "hostLocal"],
  ground: OvsGround.make({
    vhost: { mode: "server", group: "107" },
    more: (directory) => ({
      sharedDir: `${directory}/shared/${"long".repeat(25)}`,
      capabilities: { CNIDeviceInfoFile: true },
      runtimeConfig: { CNIDeviceInfoFile: `${directory}/dev/cni/net1.json` }
    })
  }),
  blows: OvsGround.blows,
  like: {
    name: "Open vSwitch, client mode",
    but: ({ step }) => !/ state\/(attachments|data)/.test(step),
    struck: OvsGround.ofVswitchd
  }
})
