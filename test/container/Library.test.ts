/** The library as another program gets it: built, found under its name, typed, run by Node without our sources. */
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, resolve } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { annotationFile, configurationData, element } from "./support/Pod.ts"

const repository = resolve(import.meta.dirname, "../..")
const tsc = ["--no-warnings", `${repository}/node_modules/typescript/bin/tsc`]

/** Runs it with this Node; returns its output. */
const node = (args: ReadonlyArray<string>, cwd: string): string => {
  const { status, stderr, stdout } = spawnSync(process.execPath, args, { cwd, encoding: "utf8" })
  assert.strictEqual(status, 0, stdout + stderr)
  return stdout
}

const Manifest = Schema.decodeUnknownSync(
  Schema.fromJsonString(
    Schema.Struct({
      name: Schema.String,
      exports: Schema.Record(Schema.String, Schema.Record(Schema.String, Schema.String))
    })
  )
)

/** A program's directory with this package in its node_modules, as npm would install it. */
const installed = Effect.acquireRelease(
  Effect.sync(() => {
    const directory = mkdtempSync(`${tmpdir()}/library-`)
    const manifest = readFileSync(`${repository}/package.json`, "utf8")
    const { exports, name } = Manifest(manifest)
    const own = `${directory}/node_modules/${name}`
    mkdirSync(own, { recursive: true })
    writeFileSync(`${own}/package.json`, manifest)
    writeFileSync(`${directory}/package.json`, JSON.stringify({ type: "module" }))
    symlinkSync(`${repository}/node_modules/effect`, `${directory}/node_modules/effect`)
    const out = dirname(dirname(exports["./container"]?.["default"] ?? ""))
    node([...tsc, "-p", `${repository}/scripts/library/tsconfig.json`, "--outDir", `${own}/${out}`], directory)
    return directory
  }),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
)

const program = `
import { type Interface, interfaces, presenceOf, socketMadeBy, vdevArguments, whenThere } from "userspace-cni/container"

const places = { annotations: process.argv[2] ?? "", directory: process.argv[3], containerId: "9c1f0b7a2d3e" }
const describe = (one: Interface): string =>
  one.kind === "memif" ? one.role : \`\${one.name} \${one.mode} \${socketMadeBy(one)} \${presenceOf(one).ready}\`

const found = await whenThere({ names: ["net1"] }, { places, timeout: "20 seconds" })
console.log(found.interfaces.map(describe).join())
console.log(interfaces(places).interfaces.length, JSON.stringify(vdevArguments(found.interfaces, { secrets: "refused" })))
await whenThere({ count: 2 }, { places, timeout: "1 millis" }).catch((error: Error) => console.log(error.name))
`

describe("the library", () => {
  it.effect(
    "is typed and works in a program of its own",
    () =>
      Effect.gen(function* () {
        const directory = yield* installed
        writeFileSync(`${directory}/program.ts`, program)
        writeFileSync(`${directory}/annotations`, annotationFile(configurationData(element("net1"))))
        const strict = ["--strict", "--exactOptionalPropertyTypes", "--target", "es2024", "--module", "nodenext"]
        const types = ["--types", "node", "--typeRoots", `${repository}/node_modules/@types`, "--skipLibCheck"]
        node([...tsc, ...strict, ...types, "program.ts"], directory)
        const args = [`${directory}/program.js`, `${directory}/annotations`, directory]
        const [first, second, third] = node(args, directory).split("\n")
        assert.strictEqual(first, "net1 server application true")
        assert.match(second ?? "", /^1 .*--vdev=net_virtio_user0,path=/)
        assert.strictEqual(third, "ContainerError")
      }),
    60_000
  )
})
