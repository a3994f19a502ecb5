/**
 * The error of `Pods`: which API server, which operation, what came back, what to do. It never contains a token or a
 * key.
 */
import * as Data from "effect/Data"
import { type ErrorCode, ErrorCodes, type Explained } from "../cni/types/CniError.ts"

export type Reason =
  /** The kubeconfig, or a file that it names. */
  | { readonly _tag: "NoAccess"; readonly path: string; readonly problem: string; readonly missing: boolean }
  /** No connection, or a broken one. */
  | { readonly _tag: "Unreachable"; readonly code: string }
  | { readonly _tag: "TooSlow"; readonly seconds: number }
  /** The certificate of the API server. */
  | { readonly _tag: "Untrusted"; readonly code: string }
  /** 401. `expired`: the expired credential, if known. */
  | { readonly _tag: "Unauthorized"; readonly expired?: string }
  /** 403. */
  | { readonly _tag: "Forbidden"; readonly said: string }
  /** 404, or 410. */
  | { readonly _tag: "NotFound" }
  /** Another pod has the name now. */
  | { readonly _tag: "Replaced"; readonly wanted: string; readonly found: string }
  /** 409. */
  | { readonly _tag: "Conflict" }
  /** 429, 500 and above. */
  | { readonly _tag: "Busy"; readonly status: number; readonly said: string; readonly seconds?: number }
  /** Any other status. */
  | { readonly _tag: "Refused"; readonly status: number; readonly said: string }
  /** Success without a pod. */
  | { readonly _tag: "Garbage"; readonly problem: string }
  /** The pod has no shared directory, or an invalid one. */
  | { readonly _tag: "NoSharedDir"; readonly problem: string; readonly cure: string }

export class PodsError
  extends Data.TaggedError("PodsError")<{
    /** URL of the API server; empty before it is known. */
    readonly server: string
    /** `read pod ns/name`, `annotate pod ns/name`. */
    readonly operation: string
    readonly reason: Reason
  }>
  implements Explained
{
  get code(): ErrorCode {
    return codes[this.reason._tag]
  }
  get failed(): string {
    const by = this.server === "" ? "" : ` on ${this.server}`
    return `Kubernetes: ${this.operation}${by}: ${answer(this.reason)}`
  }
  get cure(): string {
    const { reason } = this
    if (reason._tag === "NoSharedDir") return reason.cure
    return reason._tag === "Untrusted" && reason.code === "CERT_HAS_EXPIRED"
      ? "Renew the API server's certificate, or correct this node's clock."
      : cures[reason._tag]
  }
  override get message(): string {
    return this.failed
  }
}

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
      return "the pod does not exist"
    case "Replaced":
      return `the pod of that name has the UID ${reason.found}, but the call is for ${reason.wanted}`
    case "Conflict":
      return "the pod was changed concurrently, several times in a row"
    case "Busy":
    case "Refused":
      return `${reason.status}: ${reason.said}`
    case "Garbage":
    case "NoSharedDir":
      return reason.problem
  }
}

const gone = "Nothing to do if the pod was deleted. Otherwise check that the kubeconfig is for this cluster."

const cures: Readonly<Record<Exclude<Reason["_tag"], "NoSharedDir">, string>> = {
  NoAccess: "Correct that file, or the kubeconfig key of the network; without the key the API server is not used.",
  Unreachable: "Check that the API server is up, and that the server in the kubeconfig can be reached from this node.",
  TooSlow: "Try again. The API server is overloaded, or packets are dropped on the way.",
  Untrusted: "Set certificate-authority (and tls-server-name) of the cluster in the kubeconfig to what signed it.",
  Unauthorized:
    "Renew the token or the client certificate in the kubeconfig; what installed it can (docs/kubernetes.md).",
  Forbidden: "Allow the kubeconfig's user to get pods, and to update pods/status (docs/kubernetes.md has the role).",
  NotFound: gone,
  Replaced: gone,
  Conflict: "Try again. If it persists, find the controller that keeps changing this pod.",
  Busy: "Try again, and check the log of the API server.",
  Refused: "Read the message: the API server or an admission webhook rejected the change.",
  Garbage: "Check that the server in the kubeconfig is a Kubernetes API server."
}
