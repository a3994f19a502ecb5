/**
 * The configuration for the plugin's stdin, from a file: a network (.conf), a list (.conflist: this plugin's entry,
 * with the list's name and version, as libcni passes it on), or a NetworkAttachmentDefinition in JSON, which contains
 * one of the two as text; or, where several are allowed, a List of them. The form is detected by content. CNI
 * specification 1.1.0, section 1.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as Option from "effect/Option"
import { isReadonlyObject } from "effect/Predicate"
import { networkCall } from "../../app/NetworkVerbs.ts"
import { readEnvelope } from "../../cni/network/Configuration.ts"
import { readEnvironment, type Variables } from "../../cni/types/Environment.ts"
import { parserSaid } from "../../cni/types/Secrets.ts"
import { readList, readValidAttachments } from "../../cni/types/ValidAttachments.ts"
import type { NetworkVerb } from "../../cni/types/Versions.ts"
import { failureWords } from "../../platform/text/FailureWords.ts"
import { objectOf } from "../../platform/text/Json.ts"
import { CommandLineError } from "../print/Printer.ts"
import { withPluginPath } from "./Flags.ts"

type Json = Readonly<Record<string, unknown>>

const ours = "userspace"

/** Returns the only network in the file. */
export const readConfigurationFile = Effect.fnUntraced(function* (path: string) {
  const [first, ...others] = yield* readConfigurationFiles(path)
  return first !== undefined && others.length === 0 ? first : yield* several(path, 1 + others.length)
})

/** Returns every network of this plugin in the file; at least one. */
export const readConfigurationFiles = Effect.fnUntraced(function* (path: string) {
  const value = yield* parsed(yield* contents(path), path)
  const items = itemsOf(value)
  if (items === undefined) return [JSON.stringify(yield* network(value, path))]
  const found = yield* Effect.forEach(items, (item) => ofList(item, path))
  return found.flat().length > 0 ? found.flat() : yield* noneOfOurs(path, items.length)
})

/** The output of kubectl for several: a List with all networks, also those of other plugins. */
const itemsOf = (value: unknown): ReadonlyArray<unknown> | undefined => {
  const { items, kind } = objectOf(value)
  return /List$/.test(String(kind)) && Array.isArray(items) ? items : undefined
}

const ofList = Effect.fnUntraced(function* (item: unknown, path: string) {
  const { kind, metadata, spec } = objectOf(item)
  const { name, namespace = "default" } = objectOf(metadata)
  const { config } = objectOf(spec)
  if (kind !== undefined && kind !== "NetworkAttachmentDefinition") return []
  // Multus reads that configuration from the node's CNI directory.
  if (typeof config !== "string" || config.trim() === "") return []
  const which = `${String(namespace)}/${String(name)} in ${path}`
  const inner = yield* parsed(config, `spec.config of ${which}`)
  return isOurs(inner) ? [JSON.stringify(yield* network(item, which))] : []
})

/** The networks of this plugin among documents of any kind, in JSON or YAML. May be none. */
export const networksIn = (path: string) =>
  Effect.fnUntraced(function* (text: string) {
    const documents = yield* documentsIn(text, path)
    const found = yield* Effect.forEach(documents, (document) => {
      const items = itemsOf(document)
      if (items !== undefined)
        return Effect.map(
          Effect.forEach(items, (item) => ofList(item, path)),
          (all) => all.flat()
        )
      if (objectOf(document)["kind"] !== undefined) return ofList(document, path)
      if (isReadonlyObject(document) && !isOurs(document) && !("host" in document)) return Effect.succeed([])
      return Effect.map(network(document, path), (one) => [JSON.stringify(one)])
    })
    return found.flat()
  })

/** A network, or a list with one. */
const isOurs = (configuration: unknown): boolean => {
  const { plugins, type } = objectOf(configuration)
  const types = Array.isArray(plugins) ? plugins.filter(isReadonlyObject).map((plugin) => plugin["type"]) : [type]
  return types.includes(ours)
}

const documentsIn = (text: string, path: string): Effect.Effect<ReadonlyArray<unknown>, CommandLineError> =>
  Effect.catch(
    Effect.map(parsed(text, path, "Correct the file."), (document) => [document]),
    (notJson) =>
      Effect.flatMap(
        Effect.promise(() => import("js-yaml")),
        ({ loadAll }) =>
          isManifest(text)
            ? Effect.try({
                try: (): ReadonlyArray<unknown> => loadAll(text).filter((document) => document !== null),
                catch: (cause) => wrong(path, `it is not YAML: ${String(cause).split("\n")[0]}`, "Correct the file.")
              })
            : Effect.fail(notJson)
      )
  )

const isManifest = (text: string): boolean => /^\s*(apiVersion|kind)\s*:/m.test(text)

const several = (path: string, count: number) =>
  wrong(
    path,
    `the list has ${count} networks of type ${ours}`,
    "Give one: `kubectl get network-attachment-definition NAME -o json`."
  )

const noneOfOurs = (path: string, count: number) =>
  wrong(path, `the list has ${count} objects, and none is a network of type ${ours}`, "Give one of that type.")

const configurationWanted =
  "Give a network configuration: a .conf, a .conflist, or a NetworkAttachmentDefinition in JSON."

/** The text of a file; `cure` if it cannot be read. */
export const contents = Effect.fnUntraced(function* (path: string, cure = configurationWanted) {
  const files = yield* FileSystem.FileSystem
  return yield* Effect.mapError(
    files.readFileString(path),
    (error) =>
      new CommandLineError({
        failed: `cannot read ${path}`,
        answer: failureWords(error, path),
        cure
      })
  )
})

const cureForText = (text: string): string =>
  isManifest(text)
    ? "Convert YAML to JSON: `kubectl get network-attachment-definition NAME -o json`."
    : "Correct the file."

const parsed = (text: string, name: string, cure = cureForText(text)): Effect.Effect<unknown, CommandLineError> =>
  Effect.try({
    try: (): unknown => JSON.parse(text),
    catch: (cause) => wrong(name, `it is not JSON${parserSaid(text, cause)}`, cure)
  })

const network = (value: unknown, name: string): Effect.Effect<Json, CommandLineError> => {
  if (!isReadonlyObject(value)) return Effect.fail(wrong(name, "it is not a JSON object", "Correct the file."))
  if (value["kind"] === "NetworkAttachmentDefinition") return fromDefinition(value, name)
  if ("plugins" in value) return fromList(value, name)
  const type = value["type"]
  return type === undefined || type === ours || "host" in value
    ? Effect.succeed(value)
    : Effect.fail(wrong(name, `its type is ${JSON.stringify(type)}, not ${ours}`, `Give a network of type ${ours}.`))
}

const fromDefinition = (definition: Json, name: string): Effect.Effect<Json, CommandLineError> => {
  const { metadata, spec } = definition
  const { config } = objectOf(spec)
  if (typeof config !== "string" || config.trim() === "") {
    return Effect.fail(
      wrong(
        name,
        "the NetworkAttachmentDefinition has no spec.config",
        "Give the file of that name in the node's CNI directory, which Multus then uses."
      )
    )
  }
  return Effect.flatMap(parsed(config, `spec.config of ${name}`), (inner) =>
    Effect.map(network(inner, `spec.config of ${name}`), (found) =>
      // Multus names a network without a name after its definition.
      typeof found["name"] === "string" || !isReadonlyObject(metadata) ? found : { ...found, name: metadata["name"] }
    )
  )
}

const fromList = (
  { cniVersion, name: network, plugins }: Json,
  name: string
): Effect.Effect<Json, CommandLineError> => {
  const found = Array.isArray(plugins) ? plugins.filter(isReadonlyObject).filter(({ type }) => type === ours) : []
  const [plugin] = found
  return plugin === undefined || found.length > 1
    ? Effect.fail(
        wrong(
          name,
          `the list has ${found.length === 0 ? "no plugin" : `${found.length} plugins`} of type ${ours}`,
          found.length === 0 ? "Give a list that has one." : "Put the one to use into a file of its own."
        )
      )
    : Effect.succeed({
        ...plugin,
        ...(cniVersion === undefined ? {} : { cniVersion }),
        ...(network === undefined ? {} : { name: network })
      })
}

const wrong = (name: string, answer: string, cure: string) =>
  new CommandLineError({ failed: `cannot use ${name}`, answer, cure })

const cureForList =
  'Write [{"containerID": "ID", "ifname": "net1"}, ...]: one entry for each live attachment. ' +
  "`userspace list --json` and `crictl pods -q` list them."

/** Reads the list of valid attachments from a file: in the form of GC, alone or inside a configuration. */
export const readValidFile = Effect.fnUntraced(function* (path: string) {
  const files = yield* FileSystem.FileSystem
  const unusable = (answer: string) => wrong(path, answer, cureForList)
  const text = yield* Effect.mapError(files.readFileString(path), (error) => unusable(failureWords(error, path)))
  const value = yield* parsed(text, path, cureForList)
  // `null` in a configuration is Go's empty list; in a file of its own it is a mistake.
  const read = isReadonlyObject(value) ? readValidAttachments(value) : readList("list", value ?? "null")
  return yield* Effect.mapError(Effect.fromResult(read), ({ msg }) => unusable(msg))
})

/**
 * A verb for a whole network, called by a person. It is validated like a runtime's, except for the version, because the
 * network's may be older than the verb. `more`: keys besides those of the network. IPAM plugins get them as well.
 */
export const networkAsked = Effect.fnUntraced(function* (
  verb: NetworkVerb,
  text: string,
  { variables, ...options }: { readonly variables: Variables; readonly cniPath: Option.Option<string> },
  more: Readonly<Record<string, unknown>> = {}
) {
  const ofNone = { CNI_CONTAINERID: "", CNI_IFNAME: "", CNI_NETNS: "" }
  const environment = yield* Effect.fromResult(
    readEnvironment(verb, { ...withPluginPath(options, variables), ...ofNone, CNI_COMMAND: verb })
  )
  const network: Readonly<Record<string, unknown>> = JSON.parse(text)
  const envelope = yield* Effect.fromResult(readEnvelope(JSON.stringify({ ...network, ...more })))
  return { envelope, call: yield* networkCall({ envelope, environment }) }
})
