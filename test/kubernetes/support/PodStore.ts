/**
 * The pods of an API server, with the rules for a writer: resource versions, UIDs, what an update may change, what each
 * subresource uses of it. Numbers keep their text, as with Go's int64. It knows no HTTP. Kubernetes:
 * pkg/registry/core/pod/strategy.go, pkg/apis/core/validation (ValidatePodUpdate, ValidateAnnotations).
 */
import { randomUUID } from "node:crypto"
import { isDeepStrictEqual } from "node:util"

export type Json = Readonly<Record<string, unknown>>

/** A failure with the API server's message. */
export class Refused extends Error {
  readonly code: number
  readonly reason: string
  constructor(code: number, reason: string, message: string) {
    super(message)
    this.code = code
    this.reason = reason
  }
}

export type Subresource = "" | "status"

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

/** An object at a key, or an empty one. */
export const at = (value: unknown, key: string): Json => {
  const inner = isJson(value) ? value[key] : undefined
  return isJson(inner) ? inner : {}
}

const text = (value: unknown): string => (typeof value === "string" ? value : "")

const int64 = (source: string): bigint => {
  if (!/^-?\d+$/.test(source) || BigInt.asIntN(64, BigInt(source)) !== BigInt(source)) {
    throw new Refused(400, "BadRequest", `json: cannot unmarshal number ${source} into Go struct field of type int64`)
  }
  return BigInt(source)
}

/** Every number as an exact integer: a pod has no others. */
export const decode = (body: string): Json => {
  const value: unknown = Reflect.apply(JSON.parse, JSON, [
    body,
    (_: string, inner: unknown, { source }: { readonly source: string }) =>
      typeof inner === "number" ? int64(source) : inner
  ])
  if (!isJson(value)) throw new Refused(400, "BadRequest", "the object provided is unrecognized")
  return value
}

export const encode = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? JSON.rawJSON(String(inner)) : inner))

const annotationLimit = 256 * 1024

export class PodStore {
  private readonly pods = new Map<string, Json>()
  private version = 1000

  private next(): string {
    this.version += 1
    return String(this.version)
  }

  /** A write by kubectl. */
  create(namespace: string, name: string, pod: Json): Json {
    const metadata = { ...at(pod, "metadata"), namespace, name, resourceVersion: this.next() }
    const uid = text(at(pod, "metadata")["uid"]) || randomUUID()
    const whole = {
      apiVersion: "v1",
      kind: "Pod",
      status: { phase: "Pending" },
      ...pod,
      metadata: { ...metadata, uid }
    }
    this.pods.set(`${namespace}/${name}`, whole)
    return whole
  }

  delete(namespace: string, name: string): void {
    this.pods.delete(`${namespace}/${name}`)
  }

  has(namespace: string, name: string): boolean {
    return this.pods.has(`${namespace}/${name}`)
  }

  get(namespace: string, name: string): Json {
    const pod = this.pods.get(`${namespace}/${name}`)
    if (pod === undefined) throw new Refused(404, "NotFound", `pods "${name}" not found`)
    return pod
  }

  /** PUT, and the last part of every PATCH. */
  update(namespace: string, name: string, subresource: Subresource, wanted: Json): Json {
    const pod = this.get(namespace, name)
    const old = at(pod, "metadata")
    const fresh = at(wanted, "metadata")
    if (text(fresh["name"]) !== name) {
      const message = `the name of the object (${text(fresh["name"])}) does not match the name on the URL (${name})`
      throw new Refused(400, "BadRequest", message)
    }
    if (fresh["uid"] !== undefined && fresh["uid"] !== old["uid"]) {
      const message = `Precondition failed: UID in precondition: ${text(fresh["uid"])}, UID in object meta: ${text(old["uid"])}`
      throw conflict(name, message)
    }
    if (fresh["resourceVersion"] !== undefined && fresh["resourceVersion"] !== old["resourceVersion"]) {
      throw conflict(
        name,
        "the object has been modified; please apply your changes to the latest version and try again"
      )
    }
    const bytes = Object.entries(at(fresh, "annotations")).reduce(
      (sum, [key, value]) => sum + key.length + text(value).length,
      0
    )
    if (bytes > annotationLimit) {
      throw invalid(name, `metadata.annotations: Too long: may not be more than ${annotationLimit} bytes`)
    }
    if (subresource === "" && !isDeepStrictEqual(frozen(wanted), frozen(pod))) {
      throw invalid(
        name,
        "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`, ..."
      )
    }
    const kept = subresource === "" ? { status: pod["status"] } : { spec: pod["spec"] }
    // Fields that only the server sets.
    const { creationTimestamp, uid } = old
    const metadata = { ...fresh, uid, ...(creationTimestamp === undefined ? {} : { creationTimestamp }) }
    const same = { ...wanted, ...kept, metadata: { ...metadata, resourceVersion: old["resourceVersion"] } }
    // An update that changes nothing makes no new version.
    if (isDeepStrictEqual(same, pod)) return pod
    const updated = { ...same, metadata: { ...metadata, resourceVersion: this.next() } }
    this.pods.set(`${namespace}/${name}`, updated)
    return updated
  }
}

/** The immutable part of a spec. Tolerations may be added, which nobody here does. */
const frozen = (pod: Json): unknown => {
  const { activeDeadlineSeconds: _, containers, ...spec } = at(pod, "spec")
  const list: ReadonlyArray<unknown> = Array.isArray(containers) ? containers : []
  return { ...spec, containers: list.map((container) => (isJson(container) ? { ...container, image: "" } : container)) }
}

const conflict = (name: string, why: string) =>
  new Refused(409, "Conflict", `Operation cannot be fulfilled on pods "${name}": ${why}`)

const invalid = (name: string, why: string) => new Refused(422, "Invalid", `Pod "${name}" is invalid: ${why}`)
