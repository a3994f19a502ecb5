/**
 * The objects UserspaceNode of an API server, by the schema of their definition in the examples: what it does not name is
 * refused here, where a real one drops it. And the Nodes that own them. Knows no HTTP.
 */
import { Schema } from "effect"
import { manifests } from "./Manifests.ts"
import { mergePatch } from "./Patches.ts"
import { at, decode, encode, type Json, Refused } from "./PodStore.ts"

export type NodeRight = "get nodes" | `${"get" | "list" | "create"} userspacenodes` | "patch userspacenodes/status"

interface Asked {
  readonly right: NodeRight
  readonly name: string
  /** Of a list: its part. */
  readonly from: number
}

const collection = "/apis/userspace-cni.io/v1alpha1/userspacenodes"

/** Undefined: it is about something else. */
export const nodeRequest = (method: string, url: string): Asked | undefined => {
  const { pathname, searchParams } = new URL(url, "https://server")
  const from = Number(searchParams.get("continue") ?? 0)
  const asked = (right: NodeRight, name = ""): Asked => ({ right, name, from })
  const [, node] = /^\/api\/v1\/nodes\/([^/]+)$/.exec(pathname) ?? []
  if (node !== undefined && method === "GET") return asked("get nodes", node)
  if (pathname === collection) return asked(method === "GET" ? "list userspacenodes" : "create userspacenodes")
  const [, name, status] = new RegExp(`^${collection}/([^/]+?)(/status)?$`).exec(pathname) ?? []
  if (name === undefined) return undefined
  if (method === "GET") return asked("get userspacenodes", name)
  return method === "PATCH" && status !== undefined ? asked("patch userspacenodes/status", name) : undefined
}

const notFound = () => new Refused(404, "NotFound", "the server could not find the requested resource")

export class NodeStore {
  /** False: the API server knows no such resource. */
  isDefined = true
  /** UIDs by name. */
  readonly nodes = new Map<string, string>()
  readonly objects = new Map<string, Json>()
  /** Objects in an answer. */
  part = 500

  answer({ from, name, right }: Asked, body: string): Json {
    if (right === "get nodes") {
      const uid = this.nodes.get(name)
      if (uid === undefined) throw notFound()
      return { kind: "Node", apiVersion: "v1", metadata: { name, uid } }
    }
    if (!this.isDefined) throw notFound()
    if (right === "list userspacenodes") {
      const all = [...this.objects.values()]
      const next = from + this.part
      return { metadata: next < all.length ? { continue: String(next) } : {}, items: all.slice(from, next) }
    }
    if (right === "create userspacenodes") return this.create(decode(body))
    const before = this.objects.get(name)
    if (before === undefined) throw notFound()
    if (right === "get userspacenodes") return before
    const patched = decode(encode(mergePatch(before, JSON.parse(body))))
    const wrong = faults(schemaOf.status, patched["status"], "status")
    if (wrong.length > 0) throw new Refused(422, "Invalid", wrong.join(", "))
    this.objects.set(name, patched)
    return patched
  }

  private create(object: Json): Json {
    const name = String(at(object, "metadata")["name"])
    if (this.objects.has(name)) throw new Refused(409, "AlreadyExists", `userspacenodes "${name}" already exists`)
    // The status is only written by its subresource.
    const { status: _, ...kept } = object
    this.objects.set(name, kept)
    return kept
  }
}

interface Structure {
  readonly type: "object" | "array" | "string" | "integer" | "boolean"
  readonly properties?: Readonly<Record<string, Structure>>
  readonly required?: ReadonlyArray<string>
  readonly items?: Structure
  readonly additionalProperties?: Structure
  readonly enum?: ReadonlyArray<string>
}

const inner = Schema.suspend((): Schema.Codec<Structure> => Structure)
const Structure: Schema.Codec<Structure> = Schema.Struct({
  type: Schema.Literals(["object", "array", "string", "integer", "boolean"]),
  properties: Schema.optionalKey(Schema.Record(Schema.String, inner)),
  required: Schema.optionalKey(Schema.Array(Schema.String)),
  items: Schema.optionalKey(inner),
  additionalProperties: Schema.optionalKey(inner),
  enum: Schema.optionalKey(Schema.Array(Schema.String))
})

const Version = Schema.Struct({
  schema: Schema.Struct({
    openAPIV3Schema: Schema.Struct({ properties: Schema.Struct({ status: Structure }) })
  })
})
const Definition = Schema.Struct({ spec: Schema.Struct({ versions: Schema.Tuple([Version]) }) })

const schemaOf = Schema.decodeUnknownSync(Definition)(manifests("userspacenodes.yaml")[0]).spec.versions[0].schema
  .openAPIV3Schema.properties

const typeOf = (value: unknown): string =>
  Array.isArray(value) ? "array" : typeof value === "bigint" ? "integer" : typeof value

/** Where a value is not as the schema has it. */
const faults = (structure: Structure, value: unknown, path: string): ReadonlyArray<string> => {
  if (typeOf(value) !== structure.type) return [`${path} is not of type ${structure.type}`]
  if (structure.enum?.includes(String(value)) === false) return [`${path} is none of ${structure.enum.join(", ")}`]
  if (Array.isArray(value)) {
    const { items } = structure
    return items === undefined ? [] : value.flatMap((one, index) => faults(items, one, `${path}[${index}]`))
  }
  if (structure.type !== "object") return []
  const entries = Object.entries(at({ value }, "value"))
  const missing = (structure.required ?? []).filter((key) => !entries.some(([own]) => own === key))
  return [
    ...missing.map((key) => `${path}.${key} is missing`),
    ...entries.flatMap(([key, one]) => {
      const own = structure.properties?.[key] ?? structure.additionalProperties
      return own === undefined ? [`${path}.${key} is unknown`] : faults(own, one, `${path}.${key}`)
    })
  ]
}
