/** The expiry of credentials, if it can be determined. Pure. */
import { X509Certificate } from "node:crypto"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Access } from "./Credentials.ts"

export interface Expiry {
  readonly what: "the token" | "the client certificate"
  /** Milliseconds since 1970; undefined: unknown. */
  readonly at: number | undefined
}

export const expiriesOf = ({ tls, token }: Pick<Access, "tls" | "token">): ReadonlyArray<Expiry> => [
  { what: "the token", at: token === undefined ? undefined : expiryOfToken(Redacted.value(token)) },
  { what: "the client certificate", at: tls.client === undefined ? undefined : expiryOfCertificate(tls.client.cert) }
]

const Claims = Schema.fromJsonString(Schema.Struct({ exp: Schema.Finite }))
const decodeClaims = Schema.decodeUnknownOption(Claims)

/** The claim `exp` (RFC 7519, 4.1.4). Other tokens have no expiry that can be read. */
const expiryOfToken = (token: string): number | undefined => {
  const claims = decodeClaims(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"))
  return Option.isSome(claims) && Math.abs(claims.value.exp) < 8e12 ? claims.value.exp * 1000 : undefined
}

const expiryOfCertificate = (pem: string): number | undefined =>
  Result.getOrUndefined(Result.try(() => new X509Certificate(pem).validToDate.getTime()))
