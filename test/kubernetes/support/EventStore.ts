/**
 * What the API server accepts as a new event. Kubernetes: pkg/apis/core/validation/events.go, `ValidateEventCreate`.
 */
import { at, type Json, Refused } from "./PodStore.ts"

export const eventsPath = /^\/apis\/events\.k8s\.io\/v1\/namespaces\/([^/]+)\/events$/

const subdomain = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/

/** Each with what it takes. */
const rules: ReadonlyArray<readonly [name: string, value: (event: Json) => unknown, is: RegExp]> = [
  ["apiVersion", ({ apiVersion }) => apiVersion, /^events\.k8s\.io\/v1$/],
  ["kind", ({ kind }) => kind, /^Event$/],
  ["metadata.name", (event) => at(event, "metadata")["name"], subdomain],
  ["eventTime", ({ eventTime }) => eventTime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/],
  [
    "reportingController",
    (event) => event["reportingController"],
    /^([a-z0-9.-]+\/)?[A-Za-z0-9][A-Za-z0-9._-]{0,61}[A-Za-z0-9]$/
  ],
  ["reportingInstance", (event) => event["reportingInstance"], /^.{1,128}$/],
  ["action", ({ action }) => action, /^.{1,128}$/],
  ["reason", ({ reason }) => reason, /^.{1,128}$/],
  ["type", ({ type }) => type, /^(Normal|Warning)$/],
  ["regarding.kind", (event) => at(event, "regarding")["kind"], /^Pod$/]
]

/** Fails as the API server does. */
export const createdEvent = (namespace: string, event: Json): Json => {
  const wrong = rules.filter(([, value, is]) => !is.test(String(value(event))))
  const { namespace: own } = at(event, "metadata")
  const { namespace: ofPod } = at(event, "regarding")
  const isTooLong = Buffer.byteLength(String(event["note"] ?? "")) > 1024
  if (wrong.length > 0 || own !== namespace || ofPod !== namespace || isTooLong) {
    const fields = [...wrong.map(([name]) => name), ...(isTooLong ? ["note"] : [])].join(", ")
    throw new Refused(422, "Invalid", `Event.events.k8s.io is invalid: ${fields} in namespace ${namespace}`)
  }
  return event
}
