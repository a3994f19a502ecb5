/** The files that `--config` accepts, and the messages about others. */
import { NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { readConfigurationFile } from "../../src/cli/input/ConfigurationFile.ts"
import { network } from "../dry-run/support/Calls.ts"
import { file } from "./support/Terminal.ts"

const { cniVersion, name, ...plugin } = network
const definition = (config: unknown) => ({
  apiVersion: "k8s.cni.cncf.io/v1",
  kind: "NetworkAttachmentDefinition",
  metadata: { name: "named-by-kubernetes", namespace: "default" },
  spec: config === undefined ? {} : { config: typeof config === "string" ? config : JSON.stringify(config) }
})
const list = (...plugins: ReadonlyArray<unknown>) => ({ cniVersion, name, plugins })

const taken: ReadonlyArray<readonly [string, string, unknown, unknown]> = [
  ["a network", "net.conf", network, network],
  [
    "a network under another type, as the binary may be named",
    "net.conf",
    { ...network, type: "userspace-2" },
    { ...network, type: "userspace-2" }
  ],
  ["a list", "net.conflist", list({ type: "tuning" }, plugin), { ...plugin, cniVersion, name }],
  ["a definition that holds a network", "nad.json", definition(network), network],
  ["a definition that holds a list", "nad.json", definition(list(plugin)), { ...plugin, cniVersion, name }],
  [
    "a definition whose network has no name",
    "nad.json",
    definition({ cniVersion, ...plugin }),
    { ...plugin, cniVersion, name: "named-by-kubernetes" }
  ]
]

it.effect.each(taken)("takes %s", ([, called, content, wanted]) =>
  Effect.gen(function* () {
    const text = yield* readConfigurationFile(yield* file(called, content))
    assert.deepStrictEqual<unknown>(JSON.parse(text), wanted)
  }).pipe(Effect.provide(NodeServices.layer))
)

const refused: ReadonlyArray<readonly [string, unknown, string, string]> = [
  ["text", "hello", "it is not JSON", "Correct the file."],
  ["an array", [], "it is not a JSON object", "Correct the file."],
  [
    "YAML",
    "apiVersion: v1\nkind: NetworkAttachmentDefinition\n",
    "it is not JSON",
    "kubectl get network-attachment-definition"
  ],
  [
    "another plugin's network",
    { cniVersion, name, type: "bridge" },
    'its type is "bridge", not userspace',
    "network of type userspace"
  ],
  [
    "a list without us",
    list({ type: "bridge" }),
    "the list has no plugin of type userspace",
    "Give a list that has one."
  ],
  ["a list that has us twice", list(plugin, plugin), "the list has 2 plugins of type userspace", "a file of its own"],
  [
    "what kubectl prints without a name",
    { kind: "List", items: [definition(network), definition(network)] },
    "the list has 2 networks of type userspace",
    "kubectl get network-attachment-definition NAME -o json"
  ],
  ["a definition without a configuration", definition(undefined), "has no spec.config", "the node's CNI directory"],
  ["a definition with text in it", definition("{"), "it is not JSON", "Correct the file."]
]

it.effect.each(refused)("refuses %s", ([, content, answer, cure]) =>
  Effect.gen(function* () {
    const path = yield* file("net.conf", content)
    const commandLineError = yield* Effect.flip(readConfigurationFile(path))
    assert.include(commandLineError.failed, path)
    assert.include(commandLineError.answer, answer)
    assert.include(commandLineError.cure, cure)
  }).pipe(Effect.provide(NodeServices.layer))
)

const unreadable: ReadonlyArray<readonly [string, string]> = [
  ["/no/such/file.conf", "/no/such/file.conf does not exist"],
  ["/", "/ is not a file"]
]

it.effect.each(unreadable)("says why it cannot read %s", ([path, answer]) =>
  Effect.gen(function* () {
    const commandLineError = yield* Effect.flip(readConfigurationFile(path))
    assert.strictEqual(commandLineError.failed, `cannot read ${path}`)
    assert.strictEqual(commandLineError.answer, answer)
    assert.include(commandLineError.cure, ".conflist")
  }).pipe(Effect.provide(NodeServices.layer))
)
