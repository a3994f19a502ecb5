/** The manifests of `examples/kubernetes`, as data. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Schema } from "effect"
import { loadAll } from "js-yaml"

const examples = join(import.meta.dirname, "../../../examples/kubernetes")

const Manifest = Schema.StructWithRest(Schema.Struct({ apiVersion: Schema.String, kind: Schema.String }), [
  Schema.Record(Schema.String, Schema.Unknown)
])

export const manifests = (name: string): ReadonlyArray<typeof Manifest.Type> =>
  loadAll(readFileSync(join(examples, name), "utf8")).map((value) => Schema.decodeUnknownSync(Manifest)(value))

const Network = Schema.Struct({
  kind: Schema.Literal("NetworkAttachmentDefinition"),
  metadata: Schema.Struct({ name: Schema.String }),
  spec: Schema.Struct({ config: Schema.String })
})

/** The text of its `config`. */
export const network = Schema.decodeUnknownSync(Network)(manifests("network.yaml")[0])

const Definition = Schema.StructWithRest(
  Schema.Struct({
    name: Schema.String,
    capabilities: Schema.Record(Schema.String, Schema.Boolean),
    host: Schema.Record(Schema.String, Schema.Unknown)
  }),
  [Schema.Record(Schema.String, Schema.Unknown)]
)

export const definition = Schema.decodeUnknownSync(Schema.fromJsonString(Definition))(network.spec.config)

const Pod = Schema.Struct({
  kind: Schema.Literal("Pod"),
  metadata: Schema.Struct({ name: Schema.String, annotations: Schema.Record(Schema.String, Schema.String) }),
  spec: Schema.Record(Schema.String, Schema.Unknown)
})

export const pod = Schema.decodeUnknownSync(Pod)(manifests("pod.yaml")[0])

const Selections = Schema.fromJsonString(
  Schema.Array(
    Schema.Struct({
      name: Schema.String,
      interface: Schema.String,
      mac: Schema.String,
      bandwidth: Schema.Record(Schema.String, Schema.Number),
      deviceID: Schema.String
    })
  )
)

/** The pod's networks. */
export const selections = Schema.decodeUnknownSync(Selections)(pod.metadata.annotations["k8s.v1.cni.cncf.io/networks"])

const Texts = Schema.Array(Schema.String)
const Role = Schema.Struct({
  rules: Schema.Array(Schema.Struct({ apiGroups: Texts, resources: Texts, verbs: Texts }))
})

export const role = Schema.decodeUnknownSync(Role)(manifests("role.yaml").find(({ kind }) => kind === "ClusterRole"))

/** `get pods`, `update pods/status`. */
export const rights: ReadonlyArray<string> = role.rules.flatMap(({ resources, verbs }) =>
  resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`))
)
