/** VPP, a memif on a bridge domain that the plugin creates and removes. */
import { campaign } from "./support/Campaign.ts"
import { all, inTypeScript, on } from "./support/VppConfigurations.ts"

campaign(`${inTypeScript}, memif`, { ...on(all.memif), needs: ["root", "executable", "hostLocal"] })
