/**
 * What a person sees of a pod's attachments with `kubectl describe pod`, as the API server takes it: events.k8s.io/v1.
 * Its limits are those of the API server (pkg/apis/core/validation/events.go). Pure.
 */
import type { Pod } from "../../identity/Attachment.ts"

/** `action`: for programs, as `kind`, which is the event's reason. */
export const kinds = {
  Attached: { type: "Normal", action: "Attach" },
  NotConnected: { type: "Warning", action: "Observe" },
  Connected: { type: "Normal", action: "Observe" },
  Restored: { type: "Normal", action: "Restore" },
  Differs: { type: "Warning", action: "Observe" },
  SwitchEnded: { type: "Warning", action: "Observe" },
  Isolated: { type: "Warning", action: "Isolate" },
  StaleRemoved: { type: "Normal", action: "Remove" }
} as const

export type Kind = keyof typeof kinds

/**
 * What has become of an event. `limited`: the pod had one of this kind within the last minute. `refused`: by the API
 * server. `failed`: no answer, or no usable credentials. `dropped`: the queue was full, or nothing is sent with this
 * kubeconfig at the moment.
 */
export const results = ["posted", "limited", "refused", "failed", "dropped"] as const
type Result = (typeof results)[number]

/** Is told of each event. */
export type Count = (kind: Kind, result: Result) => void

export interface PodEvent {
  readonly kind: Kind
  readonly pod: Pod
  /** What happened, and what to do. */
  readonly note: string
}

export interface Origin {
  /** Names this agent among those of the cluster. */
  readonly instance: string
  /** Milliseconds since 1970. */
  readonly at: number
  /** Distinguishes the events of a pod. */
  readonly id: string
}

const controller = "userspace-cni"
/** In bytes. An event's note may have 1024. */
const longest = 1000

export const pathOf = ({ pod: { namespace } }: PodEvent): string =>
  `/apis/events.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/events`

export const bodyOf = ({ kind, note, pod }: PodEvent, { at, id, instance }: Origin): string => {
  const { action, type } = kinds[kind]
  const { name, namespace, uid } = pod
  return JSON.stringify({
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    // A name has at most 253 characters, and no label ends with a hyphen.
    metadata: { namespace, name: `${name.slice(0, 200).replace(/[.-]+$/, "")}.${id}` },
    eventTime: new Date(at).toISOString().replace("Z", "000Z"),
    reportingController: controller,
    reportingInstance: `${controller}-${instance}`.slice(0, 128),
    action,
    reason: kind,
    type,
    regarding: { apiVersion: "v1", kind: "Pod", namespace, name, ...(uid === "" ? {} : { uid }) },
    note: shortened(note)
  })
}

const shortened = (note: string): string => {
  const bytes = Buffer.from(note)
  return bytes.length <= longest ? note : `${bytes.subarray(0, longest).toString("utf8")}...`
}
