/**
 * The error of `Pods`: which API server, which operation, what came back, what to do. It never contains a token or a
 * key.
 */
import { ErrorCodes, ServiceError } from "../cni/types/CniError.ts"

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

export class PodsError extends ServiceError("PodsError", "Kubernetes: ") {
  readonly reason: Reason
  /** `server`: URL of the API server, empty before it is known. `operation`: `read pod ns/name`. */
  constructor(of: { readonly server: string; readonly operation: string; readonly reason: Reason }) {
    const { operation, reason, server } = of
    const [code, answer, cure] = wordsFor(reason)
    super({ operation: server === "" ? operation : `${operation} on ${server}`, answer, cure, code: ErrorCodes[code] })
    this.reason = reason
  }
}

/** The code, what came back, and what to do. */
const wordsFor = (reason: Reason): readonly [code: keyof typeof ErrorCodes, answer: string, cure: string] => {
  switch (reason._tag) {
    case "NoAccess":
      return [
        "InvalidConfiguration",
        `${reason.path} ${reason.problem}`,
        "Correct that file, or the kubeconfig key of the network; without the key the API server is not used."
      ]
    case "Unreachable":
      return [
        "TryAgainLater",
        reason.code,
        "Check that the API server is up, and that the server in the kubeconfig can be reached from this node."
      ]
    case "TooSlow":
      return [
        "TryAgainLater",
        `no answer within ${reason.seconds} s`,
        "Try again. The API server is overloaded, or packets are dropped on the way."
      ]
    case "Untrusted":
      return [
        "ApiServer",
        `its certificate is not trusted: ${reason.code}`,
        reason.code === "CERT_HAS_EXPIRED"
          ? "Renew the API server's certificate, or correct this node's clock."
          : "Set certificate-authority (and tls-server-name) of the cluster in the kubeconfig to what signed it."
      ]
    case "Unauthorized":
      return [
        "ApiServer",
        `401 Unauthorized${reason.expired === undefined ? "" : `: ${reason.expired}`}`,
        "Renew the token or the client certificate in the kubeconfig; what installed it can (docs/kubernetes.md)."
      ]
    case "Forbidden":
      return [
        "ApiServer",
        `403 Forbidden: ${reason.said}`,
        "Allow the kubeconfig's user to get pods, and to update pods/status (docs/kubernetes.md has the role)."
      ]
    case "NotFound":
      return ["ApiServer", "the pod does not exist", gone]
    case "Replaced": {
      const { found, wanted } = reason
      return ["ApiServer", `the pod of that name has the UID ${found}, but the call is for ${wanted}`, gone]
    }
    case "Conflict":
      return [
        "TryAgainLater",
        "the pod was changed concurrently, several times in a row",
        "Try again. If it persists, find the controller that keeps changing this pod."
      ]
    case "Busy":
      return ["TryAgainLater", `${reason.status}: ${reason.said}`, "Try again, and check the log of the API server."]
    case "Refused":
      return [
        "ApiServer",
        `${reason.status}: ${reason.said}`,
        "Read the message: the API server or an admission webhook rejected the change."
      ]
    case "Garbage":
      return ["ApiServer", reason.problem, "Check that the server in the kubeconfig is a Kubernetes API server."]
    case "NoSharedDir":
      return ["InvalidConfiguration", reason.problem, reason.cure]
  }
}

const gone = "Nothing to do if the pod was deleted. Otherwise check that the kubeconfig is for this cluster."
