/**
 * The protocol between the agent and the process of a call: HTTP/1.1 on a unix socket, between two sides of one
 * version. The process sends the head of a `POST` that expects `100 Continue`, which means acceptance, and then the
 * body. A process that gives up before acceptance has not passed its call on; after it, the call is the agent's. The
 * answer has one JSON document on each line (NDJSON): log lines for stderr as they come, and at the end the answer. No
 * Effect, because every call that goes to the agent loads this module.
 */

/** The agent's default socket. */
export const defaultSocket = "/run/userspace-cni/agent.sock"

/**
 * Names another socket for the agent, for its commands and for calls. With a value that is not an absolute path, calls
 * are not passed to an agent. Plugins inherit the runtime's environment, so whoever can set this can set `CNI_PATH` as
 * well. Nothing from a pod becomes an environment variable.
 */
export const socketVariable = "USERSPACE_AGENT"

export const socketIn = (variables: Readonly<Record<string, string | undefined>>): string | undefined => {
  const path = variables[socketVariable] ?? defaultSocket
  return path.startsWith("/") ? path : undefined
}

export const callPath = "/v1/call"
/** `DELETE /v1/calls/<invocation>` interrupts the call, which then answers. */
export const callsPath = "/v1/calls/"
export const statusPath = "/v1/status"
export const healthPath = "/healthz"
export const readyPath = "/readyz"

/** Headers of a call. */
export const versionHeader = "userspace-version"
/** Root directory, network and PID namespace of the caller. */
export const namespacesHeader = "userspace-namespaces"
/** `<pid> <mount namespace>` of the caller. */
export const mountsHeader = "userspace-mounts"

/** A UUID chosen by the caller, under which an ADD's record is written. */
export const invocationHeader = "userspace-invocation"

export interface Handed {
  readonly environment: Readonly<Record<string, string>>
  readonly stdin: string
}

/**
 * One line of the answer. `document`: JSON for stdout; absent: nothing. `more`: log lines follow the answer, up to the
 * end of the body.
 */
export type Line =
  | { readonly log: string }
  | { readonly status: 0 | 1; readonly document?: string; readonly more?: true }

/** In bytes: more than any configuration and its environment. The process makes a longer call itself. */
export const longestBody = 5 << 20

/** Milliseconds in which a call must be accepted; otherwise its process makes it. */
export const patience = 1000

/** Milliseconds until an accepted call must answer: longer than the call's own deadline and its rollback. */
export const longestCall = 150_000
