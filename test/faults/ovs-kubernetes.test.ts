/** Open vSwitch in client mode with pod annotations, the pod's volume, and device information for Multus. */
import { campaign } from "./support/Campaign.ts"
import * as OvsGround from "./support/OvsGround.ts"

campaign("Open vSwitch, with Kubernetes", {
  needs: ["root", "executable", "ovs", "hostLocal"],
  ground: OvsGround.make({
    vhost: { mode: "client" },
    bridge: [],
    kubernetes: true,
    more: (directory) => ({
      capabilities: { CNIDeviceInfoFile: true },
      runtimeConfig: { CNIDeviceInfoFile: `${directory}/dev/cni/net1.json` }
    })
  }),
  blows: OvsGround.blows,
  like: {
    name: "Open vSwitch, client mode",
    but: ({ edge, step }) => edge === "Https" || /kubeconfig| dev\/| shared\/volume/.test(step),
    struck: OvsGround.ofVswitchd
  }
})
