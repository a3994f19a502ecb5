/**
 * `examples/kubernetes`, as Kubernetes and Multus read it: every network, every pod with the networks of its annotation, volumes, mounts and limits of its containers.
 */
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { assert } from "@effect/vitest"
import { Schema } from "effect"
import type { Selection } from "../../e2e/support/Multus.ts"
import { manifests } from "./Manifests.ts"

export const files: ReadonlyArray<string> = readdirSync(
  join(import.meta.dirname, "../../../examples/kubernetes")
).sort()

const all = files.flatMap((file) => manifests(file).map((manifest) => ({ file, manifest })))

const decoded = <A, I>(kind: string, schema: Schema.Codec<A, I>) =>
  all
    .filter(({ manifest }) => manifest.kind === kind)
    .map(({ file, manifest }) => ({ file, ...Schema.decodeUnknownSync(schema)(manifest), manifest }))

const Config = Schema.StructWithRest(
  Schema.Struct({
    name: Schema.String,
    kubeconfig: Schema.String,
    capabilities: Schema.optionalKey(Schema.Record(Schema.String, Schema.Boolean))
  }),
  [Schema.Record(Schema.String, Schema.Unknown)]
)

export const networks = decoded(
  "NetworkAttachmentDefinition",
  Schema.Struct({
    metadata: Schema.Struct({ name: Schema.String }),
    spec: Schema.Struct({ config: Schema.fromJsonString(Config) })
  })
)

export const networkNamed = (name: string): typeof Config.Type => {
  const found = networks.find(({ metadata }) => metadata.name === name)
  assert.isDefined(found, `there is no network ${name}`)
  return found.spec.config
}

const Container = Schema.Struct({
  name: Schema.String,
  image: Schema.String,
  imagePullPolicy: Schema.optionalKey(Schema.String),
  command: Schema.optionalKey(Schema.Array(Schema.String)),
  args: Schema.optionalKey(Schema.Array(Schema.String)),
  env: Schema.optionalKey(Schema.Array(Schema.Struct({ name: Schema.String, value: Schema.String }))),
  volumeMounts: Schema.Array(Schema.Struct({ name: Schema.String, mountPath: Schema.String })),
  resources: Schema.Struct({ limits: Schema.Record(Schema.String, Schema.String) })
})

const Field = Schema.Struct({ path: Schema.String, fieldRef: Schema.Struct({ fieldPath: Schema.String }) })
const Volume = Schema.Struct({
  name: Schema.String,
  emptyDir: Schema.optionalKey(Schema.Struct({ medium: Schema.optionalKey(Schema.String) })),
  downwardAPI: Schema.optionalKey(Schema.Struct({ items: Schema.Array(Field) })),
  configMap: Schema.optionalKey(Schema.Struct({ name: Schema.String }))
})

const Pod = Schema.Struct({
  metadata: Schema.Struct({ name: Schema.String, annotations: Schema.Record(Schema.String, Schema.String) }),
  spec: Schema.Struct({ containers: Schema.Tuple([Container]), volumes: Schema.Array(Volume) })
})

const SelectionList = Schema.decodeUnknownSync(
  Schema.fromJsonString(
    Schema.Array(
      Schema.StructWithRest(
        Schema.Struct({
          name: Schema.String,
          interface: Schema.optionalKey(Schema.String),
          mac: Schema.optionalKey(Schema.String),
          deviceID: Schema.optionalKey(Schema.String),
          bandwidth: Schema.optionalKey(Schema.Record(Schema.String, Schema.Number))
        }),
        [Schema.Record(Schema.String, Schema.Unknown)]
      )
    )
  )
)

interface Selected extends Selection {
  readonly name: string
  readonly ifName: string
}

/** A list in JSON, or `name@interface` with commas between (Network Custom Resource De-facto Standard, 4.1.2). */
const selected = (text: string): ReadonlyArray<Selected> =>
  (text.trim().startsWith("[")
    ? SelectionList(text)
    : text.split(",").map((part) => {
        const [name = "", ifName] = part.trim().split("@")
        return { name, ...(ifName === undefined ? {} : { interface: ifName }) }
      })
  ).map((selection, index) => ({ ...selection, ifName: selection.interface ?? `net${index + 1}` }))

export const pods = decoded("Pod", Pod).map((pod) => ({
  ...pod,
  name: pod.metadata.name,
  selections: selected(pod.metadata.annotations["k8s.v1.cni.cncf.io/networks"] ?? "")
}))

export type ExamplePod = (typeof pods)[number]

export const configMaps = decoded(
  "ConfigMap",
  Schema.Struct({
    metadata: Schema.Struct({ name: Schema.String }),
    data: Schema.Record(Schema.String, Schema.String)
  })
)
