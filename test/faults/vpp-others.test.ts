/** VPP, the differences from a memif on a bridge domain: addresses on the port, and vhost-user. */
import { campaign } from "./support/Campaign.ts"
import { all, inTypeScript, on } from "./support/VppConfigurations.ts"

const { memif: _, ...others } = all

for (const [what, configuration] of Object.entries(others)) {
  campaign(`${inTypeScript}, ${what}`, { ...on(configuration), needs: ["root", "executable", "hostLocal"] })
}
