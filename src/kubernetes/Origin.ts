/**
 * Whether an API server is configured, and where its credentials come from. This module is small because every call
 * needs it; nothing else of this folder is loaded without an API server. Pure.
 */
import type { Variables } from "../cni/types/Environment.ts"

export type Origin =
  | { readonly kubeconfig: string }
  /** A service account in the plugin's own pod, with the variables that kubelet sets there. */
  | { readonly host: string; readonly port: string }

export const account = "/var/run/secrets/kubernetes.io/serviceaccount"

/**
 * The configuration's kubeconfig takes precedence. The variables alone are not sufficient: Multus' thick plugin passes
 * them on to plugins that see the node's files, where no service account is mounted.
 */
export const originOf = (kubeconfig: string | undefined, variables: Variables): Origin | undefined => {
  if (kubeconfig !== undefined) return { kubeconfig }
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = variables
  return host && port ? { host, port } : undefined
}

/** Returns the file whose existence shows that credentials exist. */
export const fileOf = (origin: Origin): string => ("kubeconfig" in origin ? origin.kubeconfig : `${account}/token`)
