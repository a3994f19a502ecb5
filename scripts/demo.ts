/**
 * `make demo`: a network of examples/ is added, checked and deleted on a switch in memory, one ADD fails half-way, and
 * nothing is left. What it says is checked as it is said: exit status 1 when something is not so.
 */
import { readFileSync } from "node:fs"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { resultLines } from "../src/cli/ResultText.ts"
import * as Show from "./demo/Show.ts"
import * as World from "./demo/World.ts"

const file = "examples/ovs-standalone.conf"
const containerId = "c0ffee0123456789"

const readNetwork = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Struct({ name: Schema.String, sharedDir: Schema.String }))
)
const readData = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Struct({ config: Schema.Record(Schema.String, Schema.Unknown) }))
)

class Untrue extends Schema.TaggedError<Untrue>()("Untrue", { claim: Schema.String }) {}

const colour = process.stdout.isTTY === true && !process.env["NO_COLOR"]
const strong = (text: string) => (colour ? `\x1b[1m${text}\x1b[0m` : text)
const faint = (text: string) => (colour ? `\x1b[2m${text}\x1b[0m` : text)
const green = (text: string) => (colour ? `\x1b[32m${text}\x1b[0m` : text)

const title = (text: string) => Console.log(`\n${strong(text)}`)
const block = (what: string, lines: ReadonlyArray<string>) =>
  Console.log([faint(`  ${what}`), ...lines.map((line) => `    ${line}`)].join("\n"))

const keyLines = (value: Readonly<Record<string, unknown>>) =>
  Object.entries(value).map(([key, inner]) => `${key.padEnd(8)} ${JSON.stringify(inner)}`)

/** Says it if it is so, and ends the demonstration if it is not. */
const claim = (holds: boolean, text: string) =>
  holds ? Console.log(`  ${green("ok")} ${text}`) : Effect.fail(new Untrue({ claim: text }))

const demo = Effect.gen(function* () {
  const world = World.make()
  const configuration = readFileSync(new URL(`../${file}`, import.meta.url), "utf8")
  const { name, sharedDir } = readNetwork(configuration)
  const before = world.state()
  yield* Console.log(
    faint("The plugin's own programs; switch, file system and IPAM plugin are in memory. No root needed.")
  )

  yield* title(`1. The network: ${file}`)
  yield* Console.log(configuration.trimEnd().replaceAll(/^/gm, "  "))

  yield* title(`2. ADD: a container gets a vhost-user port on ${name}`)
  const result = yield* world.call({ verb: "ADD", containerId, configuration })
  yield* block(
    "the runtime is told",
    resultLines(result).map((line) => line.trim())
  )
  const onSwitch = yield* Show.switchLines(world)
  yield* block("on the switch (ovs-vsctl show)", onSwitch)
  yield* block("in the shared directory", Show.treeLines(world, sharedDir))
  const data = world.files.get(`${sharedDir}/${containerId.slice(0, 12)}/configData-c0ffee012345-net1.json`)
  yield* block("the container reads there", keyLines(readData(data?.content).config))
  yield* claim(
    onSwitch.some((line) => line.includes("dpdkvhostuserclient")),
    "the port is on the bridge"
  )

  yield* title("3. CHECK")
  yield* world.call({ verb: "CHECK", containerId, configuration })
  yield* claim(true, "all is as ADD left it: record, switch, files, address")

  yield* title("4. An ADD that fails half-way: the range has one address, and it is taken")
  const added = world.state()
  const small = configuration.replace('"gateway"', '"rangeEnd": "10.56.217.2", "gateway"')
  world.log.length = 0
  const error = yield* Effect.mapError(
    Effect.flip(world.call({ verb: "ADD", containerId: "decaf", configuration: small })),
    () => new Untrue({ claim: "the second ADD fails" })
  )
  const undone = world.log.filter((line) => line.startsWith("undid"))
  yield* block(`the runtime is told (code ${error.code})`, [error.msg, error.details])
  yield* block("and what was done is undone, last step first", undone)
  yield* claim(
    undone.length >= 3 && world.state() === added,
    "the first container's port is untouched, of the second nothing is left"
  )

  yield* title("5. DEL, twice")
  yield* world.call({ verb: "DEL", containerId, configuration })
  yield* world.call({ verb: "DEL", containerId, configuration })
  yield* claim(world.state() === before, "switch, files and addresses are as before step 2")
  yield* claim((yield* Show.switchLines(world)).length === 0, "the bridge went with its last port: it was ours")
  yield* Console.log(
    `\nNext: ${strong("userspace add --dry-run --config FILE")} shows the same for your node, and changes nothing.`
  )
})

NodeRuntime.runMain(
  Effect.tapError(demo, (error) =>
    Console.error(`the demonstration is wrong: ${error._tag === "Untrue" ? error.claim : error.message}`)
  ),
  { disableErrorReporting: true }
)
