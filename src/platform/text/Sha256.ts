/** SHA-256 where `node:crypto` is what there is: Node. The executable takes `BunSha256.ts` (package.json, "imports"). */
import { createHash } from "node:crypto"

export const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest()
