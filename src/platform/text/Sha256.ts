/** SHA-256 on Node, with `node:crypto`. The executable uses `BunSha256.ts` (package.json, "imports"). */
import { createHash } from "node:crypto"

export const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest()
