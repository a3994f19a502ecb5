/**
 * One HTTP exchange over TLS: the edge below the Kubernetes API. It knows no pods and makes no retries. Two layers
 * share one suite: Node's, and bun's `fetch`, which is ready 30 ms sooner in the executable than `node:https`. A proxy
 * in the environment is ignored: the runtime's is for pulling images.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"

export class HttpsError extends Data.TaggedError("HttpsError")<{
  /** `https://10.0.0.1:6443` */
  readonly origin: string
  /**
   * An error code of the system or OpenSSL: `ECONNREFUSED`, `ECONNRESET`, `ENOTFOUND`, `CERT_HAS_EXPIRED`, ...
   * `BADTLS`: certificate or key is unusable. `TOOBIG`: the answer exceeds the limit.
   */
  readonly code: string
}> {
  override get message(): string {
    return `${this.origin}: ${this.code}`
  }
}

/** Certificates and keys in PEM. */
export interface Tls {
  /** Undefined: the certificate authorities of the JavaScript runtime. */
  readonly ca: string | undefined
  readonly client: { readonly cert: string; readonly key: string } | undefined
  /** False: the server's certificate is not verified. */
  readonly verify: boolean
  /** The expected name in the server's certificate, if it is not the URL's. */
  readonly serverName: string | undefined
}

export interface HttpsRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  readonly tls: Tls
  /** Limit of the answer's body, in bytes. */
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
    /** Any status is an answer. Redirections are not followed. No deadline; interruption closes the connection. */
    readonly send: (request: HttpsRequest) => Effect.Effect<HttpsResponse, HttpsError>
  }
>()("userspace-cni/Https") {}
