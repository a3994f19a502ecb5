/** Calls through an agent, on Open vSwitch: an administrator's bridge, the port's socket made by the container. */
import { agentCampaign } from "./support/AgentCampaign.ts"
import * as OvsGround from "./support/OvsGround.ts"

agentCampaign("Open vSwitch, through the agent", {
  needs: ["root", "executable", "ovs", "hostLocal"],
  ground: OvsGround.make({ vhost: { mode: "client" }, bridge: [], throughAgent: true }),
  blows: OvsGround.blows
})
