/** The same on installed real VPPs: memif on a bridge domain, memif with addresses, vhost-user. */
import { basename } from "node:path"
import { vppPrefixes } from "../e2e/support/Machine.ts"
import { campaign } from "./support/Campaign.ts"
import * as VppConfigurations from "./support/VppConfigurations.ts"

const prefixes = vppPrefixes.length > 0 ? vppPrefixes : [undefined]

for (const prefix of prefixes) {
  for (const [what, configuration] of Object.entries(VppConfigurations.all)) {
    const name = prefix === undefined ? "a real VPP" : `VPP at ${basename(prefix)}`
    campaign(`${name}, ${what}`, {
      ...VppConfigurations.on(configuration, prefix),
      needs: ["root", "executable", "hostLocal", "vpp"]
    })
  }
}
