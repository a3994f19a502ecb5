/**
 * What the agent and the process of a call say to each other: HTTP/1.1 on a unix socket, by both sides of one version.
 * The process sends the head of a `POST` that expects `100 Continue`, which is the acceptance, and its body after it. So
 * whoever has given up before it was accepted has handed nothing over, and what was handed over is the agent's. The
 * answer is one JSON document a line (NDJSON): what the log has for stderr as it comes, and in the end the answer.
 * Loaded by every call that goes to the agent: no Effect.
 */

/** Where the agent is. */
export const defaultSocket = "/run/userspace-cni/agent.sock"

/**
 * Names another socket, for the agent, for the commands that ask it, and for calls; anything that is no absolute path is
 * none, and calls are then not handed over. A runtime gives plugins its own environment, so who can set it can set
 * `CNI_PATH` as well. Nothing that comes from a pod is an environment variable.
 */
export const socketVariable = "USERSPACE_AGENT"

export const socketIn = (variables: Readonly<Record<string, string | undefined>>): string | undefined => {
  const path = variables[socketVariable] ?? defaultSocket
  return path.startsWith("/") ? path : undefined
}

export const callPath = "/v1/call"
/** `DELETE /v1/calls/<invocation>`: the call is interrupted, and answers. */
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
/** A UUID of the caller's, under which an ADD's record is written. */
export const invocationHeader = "userspace-invocation"

export interface Handed {
  readonly environment: Readonly<Record<string, string>>
  readonly stdin: string
}

/**
 * Of the answer. `document`: JSON, as it goes to stdout; absent: nothing does. `more`: the log has lines after the answer,
 * up to the end of the body.
 */
export type Line =
  | { readonly log: string }
  | { readonly status: 0 | 1; readonly document?: string; readonly more?: true }

/** Of a body: more than any configuration has, and its environment. What is longer is the process's own business. */
export const longestBody = 5 << 20

/** Milliseconds in which a call is accepted, or is made by its process. */
export const patience = 1000

/** Until an accepted call has an answer: it has its own deadline, after which it undoes, step by step. */
export const longestCall = 150_000
