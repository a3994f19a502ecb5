/** The objects that `make deploy` passes to kubectl: which, where, with what image. */
import { Schema } from "effect"
import { loadAll } from "js-yaml"

const Container = Schema.Struct({ image: Schema.String })

const Thing = Schema.Struct({
  kind: Schema.String,
  metadata: Schema.Struct({ name: Schema.String, namespace: Schema.optionalKey(Schema.String) })
})

const DaemonSet = Schema.Struct({
  kind: Schema.Literal("DaemonSet"),
  spec: Schema.Struct({
    template: Schema.Struct({
      spec: Schema.Struct({
        serviceAccountName: Schema.String,
        initContainers: Schema.Array(Container),
        containers: Schema.Array(Container)
      })
    })
  })
})

const Binding = Schema.Struct({
  kind: Schema.Literal("ClusterRoleBinding"),
  roleRef: Schema.Struct({ kind: Schema.String, name: Schema.String }),
  subjects: Schema.Array(Schema.Struct({ kind: Schema.String, name: Schema.String, namespace: Schema.String }))
})

const Role = Schema.Struct({
  kind: Schema.Literal("ClusterRole"),
  rules: Schema.Array(Schema.Struct({ resources: Schema.Array(Schema.String), verbs: Schema.Array(Schema.String) }))
})

const only = <T>(schema: Schema.Decoder<T>, objects: ReadonlyArray<unknown>): T => {
  const [found, ...more] = objects.filter(Schema.is(schema))
  if (found === undefined || more.length > 0) throw new Error(`${more.length + 1} objects, or none, of a kind`)
  return found
}

export const clusterOf = (yaml: string) => {
  const objects = loadAll(yaml)
  const { initContainers, containers, serviceAccountName } = only(DaemonSet, objects).spec.template.spec
  const { roleRef, subjects } = only(Binding, objects)
  return {
    /** `DaemonSet kube-system/userspace-cni`, in order of names. */
    names: objects
      .map((object) => Schema.decodeUnknownSync(Thing)(object))
      .map(
        ({ kind, metadata: { name, namespace } }) => `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`
      )
      .toSorted(),
    images: [...initContainers, ...containers].map(({ image }) => image),
    account: serviceAccountName,
    bound: subjects.map(
      ({ kind, name, namespace }) => `${kind} ${namespace}/${name} to ${roleRef.kind} ${roleRef.name}`
    ),
    rights: only(Role, objects).rules.flatMap(({ resources, verbs }) =>
      resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`))
    )
  }
}
