/**
 * The configuration that the plugin would get on stdin, out of the file that a person has: a network (.conf), a list
 * (.conflist: our plugin of it, with the list's name and version, as libcni hands it over), or a NetworkAttachmentDefinition
 * in JSON, which holds one of the two as text. Told apart by what is in them. CNI specification 1.1.0, section 1.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { parserSaid } from "../cni/Shown.ts"
import { failureWords } from "../platform/FailureWords.ts"
import { Complaint } from "./Complaint.ts"

type Json = Readonly<Record<string, unknown>>

const ours = "userspace"

export const readConfigurationFile = Effect.fnUntraced(function* (path: string) {
  return JSON.stringify(yield* network(yield* parsed(yield* contents(path), path), path))
})

const contents = Effect.fnUntraced(function* (path: string) {
  const files = yield* FileSystem.FileSystem
  return yield* Effect.mapError(
    files.readFileString(path),
    (error) =>
      new Complaint({
        failed: `cannot read ${path}`,
        answer: failureWords(error, path),
        cure: "Name a network configuration: a .conf, a .conflist, or a NetworkAttachmentDefinition in JSON."
      })
  )
})

const parsed = (text: string, name: string): Effect.Effect<unknown, Complaint> =>
  Effect.try({
    try: (): unknown => JSON.parse(text),
    catch: (cause) =>
      wrong(
        name,
        `it is not JSON${parserSaid(text, cause)}`,
        /^\s*(apiVersion|kind)\s*:/m.test(text)
          ? "YAML is not read yet: `kubectl get network-attachment-definition NAME -o json` gives JSON."
          : "Correct the file."
      )
  })

/** The network inside, whatever it is wrapped in. */
const network = (value: unknown, name: string): Effect.Effect<Json, Complaint> => {
  if (!isJson(value)) return Effect.fail(wrong(name, "it is not a JSON object", "Correct the file."))
  if (/List$/.test(String(value["kind"])) && Array.isArray(value["items"])) {
    const answer = `it is a list of ${value["items"].length} objects`
    return Effect.fail(wrong(name, answer, "Name one: `kubectl get network-attachment-definition NAME -o json`."))
  }
  if (value["kind"] === "NetworkAttachmentDefinition") return fromDefinition(value, name)
  if ("plugins" in value) return fromList(value, name)
  const type = value["type"]
  return type === undefined || type === ours || "host" in value
    ? Effect.succeed(value)
    : Effect.fail(
        wrong(name, `its type is ${JSON.stringify(type)}, not ${ours}`, `Name a network whose type is ${ours}.`)
      )
}

const fromDefinition = (definition: Json, name: string): Effect.Effect<Json, Complaint> => {
  const { metadata, spec } = definition
  const config = isJson(spec) ? spec["config"] : undefined
  if (typeof config !== "string" || config.trim() === "") {
    return Effect.fail(
      wrong(
        name,
        "the NetworkAttachmentDefinition has no spec.config",
        "Multus then takes the file of that name in the node's CNI directory: name that file."
      )
    )
  }
  return Effect.flatMap(parsed(config, `spec.config of ${name}`), (inner) =>
    Effect.map(network(inner, `spec.config of ${name}`), (found) =>
      // Multus names a network that has no name after its definition.
      typeof found["name"] === "string" || !isJson(metadata) ? found : { ...found, name: metadata["name"] }
    )
  )
}

const fromList = ({ cniVersion, name: network, plugins }: Json, name: string): Effect.Effect<Json, Complaint> => {
  const found = Array.isArray(plugins) ? plugins.filter(isJson).filter(({ type }) => type === ours) : []
  const [plugin] = found
  return plugin === undefined || found.length > 1
    ? Effect.fail(
        wrong(
          name,
          `the list has ${found.length === 0 ? "no plugin" : `${found.length} plugins`} of type ${ours}`,
          found.length === 0 ? "Name a list that has one." : "Put the one that is meant into a file of its own."
        )
      )
    : Effect.succeed({
        ...plugin,
        ...(cniVersion === undefined ? {} : { cniVersion }),
        ...(network === undefined ? {} : { name: network })
      })
}

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

const wrong = (name: string, answer: string, cure: string) =>
  new Complaint({ failed: `cannot use ${name}`, answer, cure })
