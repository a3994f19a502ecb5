/** SHA-256 by bun itself. `node:crypto` costs 2 ms to load, and every call derives names from a hash. */

export const sha256 = (text: string): Buffer => new Bun.CryptoHasher("sha256").update(text).digest()
