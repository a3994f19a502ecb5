/** Calls through an agent, on VPP: a memif on a bridge domain that the plugin makes and removes. */
import { agentCampaign } from "./support/AgentCampaign.ts"
import { all, inTypeScript } from "./support/VppConfigurations.ts"
import * as VppGround from "./support/VppGround.ts"

agentCampaign(`${inTypeScript}, through the agent`, {
  needs: ["root", "executable", "hostLocal"],
  ground: VppGround.make({ ...all.memif.ground, throughAgent: true }),
  blows: VppGround.blows
})
