/** The one error of `Pods`: which API server, what was asked, what came back, what to do. Never a token, never a key. */
import * as Schema from "effect/Schema"
import type { Explained } from "../cni/CniError.ts"
import { type ErrorCode, ErrorCodes } from "../cni/ErrorCodes.ts"

const Reason = Schema.Union([
  /** The kubeconfig, or a file that it names. */
  Schema.TaggedStruct("NoAccess", { path: Schema.String, problem: Schema.String, missing: Schema.Boolean }),
  /** No connection, or one that broke. */
  Schema.TaggedStruct("Unreachable", { code: Schema.String }),
  Schema.TaggedStruct("TooSlow", { seconds: Schema.Number }),
  /** Its certificate. */
  Schema.TaggedStruct("Untrusted", { code: Schema.String }),
  /** 401. `expired`: what has, when that is known. */
  Schema.TaggedStruct("Unauthorized", { expired: Schema.optionalKey(Schema.String) }),
  /** 403. */
  Schema.TaggedStruct("Forbidden", { said: Schema.String }),
  /** 404, or 410. */
  Schema.TaggedStruct("NotFound", {}),
  /** Another pod has the name now. */
  Schema.TaggedStruct("Replaced", { wanted: Schema.String, found: Schema.String }),
  /** 409. */
  Schema.TaggedStruct("Conflict", {}),
  /** 429, 500 and above. */
  Schema.TaggedStruct("Busy", { status: Schema.Int, said: Schema.String, seconds: Schema.optionalKey(Schema.Number) }),
  /** Any other status. */
  Schema.TaggedStruct("Refused", { status: Schema.Int, said: Schema.String }),
  /** Success, and no pod in it. */
  Schema.TaggedStruct("Garbage", { problem: Schema.String }),
  /** The pod does not say where its files shall be, or says what cannot be. */
  Schema.TaggedStruct("NoSharedDir", { problem: Schema.String, cure: Schema.String })
])

export type Reason = typeof Reason.Type

export class PodsError extends Schema.TaggedError<PodsError>()("PodsError", {
  /** URL of the API server; empty before it is known. */
  server: Schema.String,
  /** `read pod ns/name`, `annotate pod ns/name`. */
  operation: Schema.String,
  reason: Reason
}) {
  get code(): ErrorCode {
    return codes[this.reason._tag]
  }
  get failed(): string {
    const by = this.server === "" ? "" : ` on ${this.server}`
    return `Kubernetes: ${this.operation}${by}: ${answer(this.reason)}`
  }
  get cure(): string {
    return cure(this.reason)
  }
  override get message(): string {
    return this.failed
  }
}

/** Does not compile unless the error can explain itself. */
export const explained = (error: PodsError): Explained & { readonly code: ErrorCode } => error

const codes: Readonly<Record<Reason["_tag"], ErrorCode>> = {
  NoAccess: ErrorCodes.InvalidConfiguration,
  Unreachable: ErrorCodes.TryAgainLater,
  TooSlow: ErrorCodes.TryAgainLater,
  Untrusted: ErrorCodes.ApiServer,
  Unauthorized: ErrorCodes.ApiServer,
  Forbidden: ErrorCodes.ApiServer,
  NotFound: ErrorCodes.ApiServer,
  Replaced: ErrorCodes.ApiServer,
  Conflict: ErrorCodes.TryAgainLater,
  Busy: ErrorCodes.TryAgainLater,
  Refused: ErrorCodes.ApiServer,
  Garbage: ErrorCodes.ApiServer,
  NoSharedDir: ErrorCodes.InvalidConfiguration
}

const answer = (reason: Reason): string => {
  switch (reason._tag) {
    case "NoAccess":
      return `${reason.path} ${reason.problem}`
    case "Unreachable":
      return reason.code
    case "TooSlow":
      return `no answer within ${reason.seconds} s`
    case "Untrusted":
      return `its certificate is not trusted: ${reason.code}`
    case "Unauthorized":
      return `401 Unauthorized${reason.expired === undefined ? "" : `: ${reason.expired}`}`
    case "Forbidden":
      return `403 Forbidden: ${reason.said}`
    case "NotFound":
      return "there is no such pod"
    case "Replaced":
      return `the pod of that name has the UID ${reason.found}, and the call is for ${reason.wanted}`
    case "Conflict":
      return "others kept changing the pod meanwhile"
    case "Busy":
    case "Refused":
      return `${reason.status}: ${reason.said}`
    case "Garbage":
    case "NoSharedDir":
      return reason.problem
  }
}

const cure = (reason: Reason): string => {
  switch (reason._tag) {
    case "NoAccess":
      return "Correct that file, or the kubeconfig key of the network; without the key the pod is not looked at."
    case "Unreachable":
      return "Is the API server up, and is it the right server in the kubeconfig, as seen from this node?"
    case "TooSlow":
      return "The API server is overloaded, or something on the way drops packets. Try again."
    case "Untrusted":
      return reason.code === "CERT_HAS_EXPIRED"
        ? "Renew the API server's certificate; is this node's clock right?"
        : "Set certificate-authority (and tls-server-name) of the cluster in the kubeconfig to what signed it."
    case "Unauthorized":
      return "Renew the token or the client certificate in the kubeconfig; what installed it can (docs/kubernetes.md)."
    case "Forbidden":
      return "Allow the kubeconfig's user to get pods, and to update pods (docs/kubernetes.md has the role)."
    case "NotFound":
    case "Replaced":
      return "The pod was deleted meanwhile: nothing is to be done. If it was not: is it this cluster's kubeconfig?"
    case "Conflict":
      return "Try again. If it stays so: which controller writes to this pod all the time?"
    case "Busy":
      return "The API server is overloaded or broken; its log says more. Try again."
    case "Refused":
      return "The API server, or an admission webhook, does not take the change; its words say why."
    case "Garbage":
      return "Is the server in the kubeconfig a Kubernetes API server?"
    case "NoSharedDir":
      return reason.cure
  }
}
