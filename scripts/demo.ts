/**
 * `make demo`, `make demo ENGINE=vpp`: adds, checks and deletes a network of examples/ on a switch that needs no root, or on a real VPP; one ADD fails half-way, and nothing is left. Every statement is verified when it is printed: exit status 1 when one is wrong.
 */
import { readFileSync } from "node:fs"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { resultLines } from "../src/cli/print/PlanText.ts"
import * as Show from "./demo/Show.ts"
import * as VppWorld from "./demo/VppWorld.ts"
import * as World from "./demo/World.ts"

interface Demonstration {
  readonly file: string
  readonly where: string
  readonly port: string
  readonly look: string
  /** On the switch, once the port exists. */
  readonly there: RegExp
  readonly place: string
  readonly all: string
  /** The network with a range of one address. */
  readonly small: (configuration: string) => string
  readonly world: Effect.Effect<World.World, Error, Scope.Scope>
}

const ovs: Demonstration = {
  file: "examples/ovs-standalone.conf",
  where: "switch, file system and IPAM plugin are in memory. No root needed",
  port: "a vhost-user port",
  look: "on the switch (ovs-vsctl show)",
  there: /^Bridge .*dpdkvhostuserclient/s,
  place: "bridge",
  all: "switch",
  small: (configuration) => configuration.replace('"gateway"', '"rangeEnd": "10.56.217.2", "gateway"'),
  world: Effect.sync(World.make)
}

const vpp: Demonstration = {
  file: "examples/90-userspace.conf",
  where: `VPP is ${VppWorld.which}, the IPAM plugin is in memory`,
  port: "a memif",
  look: "on VPP (vppctl show interface, memif, bridge-domain)",
  there: /^interface (memif\d+\/0) up,.*\nmemif socket .*\nbridge-domain 4\n.*\n {4}member: \1$/s,
  place: "bridge domain",
  all: "VPP",
  small: (configuration) => configuration.replace(/("rangeEnd": )"[^"]*"/, '$1"10.56.217.131"'),
  world: VppWorld.make
}

const engine = process.env["ENGINE"] || "ovs"
const { all, file, look, place, port, small, there, where, world: makeWorld } = engine === "vpp" ? vpp : ovs
const containerId = "c0ffee0123456789"

const readNetwork = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Struct({ name: Schema.String, sharedDir: Schema.optionalKey(Schema.String) }))
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

/** Prints the statement if it is true, and ends the demonstration otherwise. */
const claim = (holds: boolean, text: string) =>
  holds ? Console.log(`  ${green("ok")} ${text}`) : Effect.fail(new Untrue({ claim: text }))

const demo = Effect.gen(function* () {
  if (!["ovs", "vpp"].includes(engine)) return yield* new Untrue({ claim: `ENGINE is ovs or vpp, not ${engine}` })
  const world = yield* makeWorld
  const example = readFileSync(new URL(`../${file}`, import.meta.url), "utf8")
  // CHECK exists since 0.4.0.
  const configuration = example.replace('"cniVersion": "0.3.1"', '"cniVersion": "1.0.0"')
  const { name, sharedDir = "/var/run/vpp" } = readNetwork(configuration)
  const before = yield* world.state
  yield* Console.log(faint(`The plugin's own programs; ${where}.`))

  yield* title(`1. The network: ${file}${configuration === example ? "" : ", with a cniVersion that has CHECK"}`)
  yield* Console.log(configuration.trimEnd().replaceAll(/^/gm, "  "))

  yield* title(`2. ADD: a container gets ${port} on ${name}`)
  const result = yield* world.call({ verb: "ADD", containerId, configuration })
  yield* block(
    "the runtime receives",
    resultLines(result).map((line) => line.trim())
  )
  const onSwitch = yield* world.switchLines
  yield* block(look, onSwitch)
  yield* block("in the shared directory", Show.treeLines(world.files, sharedDir))
  const data = world.files.get(`${sharedDir}/${containerId.slice(0, 12)}/configData-c0ffee012345-net1.json`)
  yield* block("container config", keyLines(readData(data?.content).config))
  yield* claim(there.test(onSwitch.join("\n")), `the port is ${place === "bridge" ? "on" : "in"} the ${place}`)

  yield* title("3. CHECK")
  yield* world.call({ verb: "CHECK", containerId, configuration })
  yield* claim(true, "nothing has changed since ADD: record, switch, files, address")

  yield* title("4. An ADD that fails half-way: the range has one address, which is in use")
  const added = yield* world.state
  world.log.length = 0
  const error = yield* Effect.mapError(
    Effect.flip(world.call({ verb: "ADD", containerId: "decaf", configuration: small(configuration) })),
    () => new Untrue({ claim: "the second ADD fails" })
  )
  const undone = world.log.filter((line) => line.startsWith("undid"))
  yield* block(`the runtime receives (code ${error.code})`, [error.msg, error.details])
  yield* block("and the changes are rolled back, last step first", undone)
  yield* claim(
    undone.length >= 3 && (yield* world.state) === added,
    "the first container's port is unchanged, nothing of the second is left"
  )

  yield* title("5. DEL, twice")
  yield* world.call({ verb: "DEL", containerId, configuration })
  yield* world.call({ verb: "DEL", containerId, configuration })
  yield* claim((yield* world.state) === before, `${all}, files and addresses are as before step 2`)
  yield* claim(
    (yield* world.switchLines).length === 0,
    `the ${place} was removed with its last port: it has the plugin's mark`
  )
  yield* Console.log(
    `\nNext: ${strong("userspace add --dry-run --config FILE")} shows the same for your node, and changes nothing.`
  )
}).pipe(Effect.scoped)

NodeRuntime.runMain(
  Effect.tapCause(demo, (cause) => {
    const error = Cause.squash(cause)
    return Console.error(`the demonstration is wrong: ${error instanceof Untrue ? error.claim : String(error)}`)
  }),
  { disableErrorReporting: true }
)
