/**
 * One HTTP exchange over TLS: the edge below the Kubernetes API. No pods and no retries. Two layers share one suite:
 * Node's, and bun's `fetch`, which is ready 30 ms sooner in the executable than `node:https`. Never uses a proxy: one
 * in the runtime's environment is for pulling images.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"

export class HttpsError extends Data.TaggedError("HttpsError")<{
  /** `https://10.0.0.1:6443` */
  readonly origin: string
  /**
   * The system's or OpenSSL's: `ECONNREFUSED`, `ECONNRESET`, `ENOTFOUND`, `CERT_HAS_EXPIRED`, ... `BADTLS`: certificate or
   * key could not be used. `TOOBIG`: more than was allowed.
   */
  readonly code: string
}> {
  override get message(): string {
    return `${this.origin}: ${this.code}`
  }
}

/** PEM texts. */
export interface Tls {
  /** Undefined: the certificate authorities that the runtime comes with. */
  readonly ca: string | undefined
  readonly client: { readonly cert: string; readonly key: string } | undefined
  /** False: whoever answers is believed. */
  readonly verify: boolean
  /** The name to look for in the server's certificate, when it is not the URL's. */
  readonly serverName: string | undefined
}

export interface HttpsRequest {
  readonly method: "GET" | "PUT" | "PATCH"
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  readonly tls: Tls
  /** Bytes of the answer's body. */
  readonly limit: number
}

export interface HttpsResponse {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly body: string
}

export class Https extends Context.Service<
  Https,
  {
    /** Any status is an answer; redirections are not followed. Has no deadline of its own; interruption ends it. */
    readonly send: (request: HttpsRequest) => Effect.Effect<HttpsResponse, HttpsError>
  }
>()("userspace-cni/Https") {}
