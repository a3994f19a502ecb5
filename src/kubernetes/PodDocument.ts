/**
 * A pod of the API server: the parts that the plugin uses, and the whole document, so that only annotations change when
 * it is written back. Pure. ECMAScript: JSON.rawJSON.
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { isTooDeep } from "../cni/network/Validators.ts"
import { objectOf } from "../platform/text/Json.ts"

const optional = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

const Mount = Schema.Struct({
  name: Schema.String,
  mountPath: Schema.String,
  subPath: optional(Schema.String),
  subPathExpr: optional(Schema.String)
})

const Volume = Schema.StructWithRest(
  Schema.Struct({
    name: Schema.String,
    hostPath: optional(Schema.Struct({ path: Schema.String, type: optional(Schema.String) })),
    emptyDir: optional(Schema.Unknown)
  }),
  [Schema.Record(Schema.String, Schema.Unknown)]
)

const Containers = Schema.Array(
  Schema.Struct({ restartPolicy: optional(Schema.String), volumeMounts: optional(Schema.Array(Mount)) })
)

const Document = Schema.Struct({
  kind: Schema.Literal("Pod"),
  metadata: Schema.Struct({
    name: Schema.String,
    namespace: Schema.String,
    uid: Schema.String,
    resourceVersion: Schema.String,
    annotations: optional(Schema.Record(Schema.String, Schema.String))
  }),
  spec: Schema.Struct({
    volumes: optional(Schema.Array(Volume)),
    initContainers: optional(Containers),
    containers: optional(Containers)
  })
})

export type Annotations = Readonly<Record<string, string>>
/** Undefined: the annotation is removed. */
export type Changes = Readonly<Record<string, string | undefined>>

export interface PodDocument {
  readonly uid: string
  readonly resourceVersion: string
  readonly annotations: Annotations
  readonly volumes: ReadonlyArray<typeof Volume.Type>
  /** Of all containers. */
  readonly mounts: ReadonlyArray<typeof Mount.Type>
  /** As received. */
  readonly whole: unknown
}

/** A sidecar runs beside the other containers; other init containers end before them and use no socket. */
const isSidecar = ({ restartPolicy }: { readonly restartPolicy?: string | null | undefined }): boolean =>
  restartPolicy === "Always"

const decode = Schema.decodeUnknownOption(Document)

declare global {
  interface JSON {
    rawJSON(text: string): unknown
  }
}

/** Keeps the text of a number that JavaScript would change (`9223372036854775807`, a possible `tolerationSeconds`). */
const keepNumbers = (_: string, value: unknown, { source }: { readonly source?: string }): unknown =>
  typeof value === "number" && source !== undefined && String(value) !== source ? JSON.rawJSON(source) : value

const parse = (text: string): Result.Result<unknown, unknown> =>
  Result.try((): unknown => Reflect.apply(JSON.parse, JSON, [text, keepNumbers]))

export const readPod = (text: string): Option.Option<PodDocument> =>
  Option.flatMap(Option.fromNullishOr(isTooDeep(text) ? undefined : Result.getOrUndefined(parse(text))), (whole) =>
    Option.map(decode(whole), ({ metadata: { annotations, resourceVersion, uid }, spec }) => ({
      uid,
      resourceVersion,
      annotations: annotations ?? {},
      volumes: spec.volumes ?? [],
      mounts: [...(spec.initContainers ?? []).filter(isSidecar), ...(spec.containers ?? [])].flatMap(
        ({ volumeMounts }) => volumeMounts ?? []
      ),
      whole
    }))
  )

/** A static pod's manifest has its own UID, which kubelet and runtime use; its mirror in the API server has another. */
export const isPod = ({ annotations, uid }: PodDocument, wanted: string): boolean =>
  wanted === "" || uid === wanted || annotations["kubernetes.io/config.hash"] === wanted

/** Returns the changes that are not applied yet. */
export const outstanding = ({ annotations }: PodDocument, changes: Changes): Changes =>
  Object.fromEntries(Object.entries(changes).filter(([key, value]) => annotations[key] !== value))

/** The whole pod, for PUT. With its resourceVersion, the write is refused after a concurrent change. */
export const wholeWith = (pod: PodDocument, changes: Changes, resourceVersion = pod.resourceVersion): string => {
  const whole = objectOf(pod.whole)
  const metadata = objectOf(whole["metadata"])
  const annotations = Object.entries({ ...pod.annotations, ...changes }).filter(([, value]) => value !== undefined)
  return JSON.stringify({
    ...whole,
    metadata: { ...metadata, resourceVersion, annotations: Object.fromEntries(annotations) }
  })
}

/** The changes alone, for PATCH (RFC 7396), under the same condition. */
export const mergePatch = ({ resourceVersion }: PodDocument, changes: Changes): string => {
  const annotations = Object.entries(changes).map(([key, value]) => [key, value ?? null])
  return JSON.stringify({ metadata: { resourceVersion, annotations: Object.fromEntries(annotations) } })
}
