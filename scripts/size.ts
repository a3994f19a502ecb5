/**
 * `make size`: measures how much code each way of using the executable loads, in bytes as bundled, against the budget beside this file. Code costs start-up time even when it does not run. More than 2 % above the budget is an error; to raise the budget, run `make size NOTE="why"`, which writes both.
 */
import { readFileSync, writeFileSync } from "node:fs"

const path = `${import.meta.dirname}/size-budget.json`
const allowed = 1.02

/** The entry modules of each way. */
const ways: Readonly<Record<string, ReadonlyArray<string>>> = {
  VERSION: ["src/main.ts", "src/app/VersionProcess.ts"],
  "ADD, Open vSwitch": ["src/main.ts", "src/app/CniProcess.ts", "src/ovs/client/OvsClient.ts", "src/ovs/OvsVswitch.ts"],
  "DEL, Open vSwitch": [
    "src/main.ts",
    "src/app/CniProcess.ts",
    "src/app/RecordedVerbs.ts",
    "src/ovs/client/OvsClient.ts",
    "src/ovs/OvsVswitch.ts"
  ],
  "ADD, VPP": ["src/main.ts", "src/app/CniProcess.ts", "src/vpp/client/VppClient.ts", "src/vpp/VppVswitch.ts"],
  "a kubeconfig, besides": [
    "src/main.ts",
    "src/app/CniProcess.ts",
    "src/container-config/PodContainerConfig.ts",
    "js-yaml"
  ],
  "command line": ["src/main.ts", "src/cli/Main.ts"]
}

/** Files of `src` that a way may load, so that a reader can look through all of them. */
const mostFiles: Readonly<Record<string, number>> = { "ADD, Open vSwitch": 60 }

interface Output {
  readonly bytes: number
  readonly entryPoint?: string
  readonly imports: ReadonlyArray<{ readonly path: string; readonly kind: string }>
  readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>>
}

const built = await Bun.build({
  entrypoints: ["src/main.ts"],
  target: "bun",
  format: "esm",
  splitting: true,
  minify: true,
  metafile: true
})
const outputs = new Map<string, Output>(Object.entries(built.metafile?.outputs ?? {}))

/** A chunk and all that it imports statically. */
const loaded = (chunk: string, seen: Set<string>): Set<string> => {
  if (seen.has(chunk)) return seen
  seen.add(chunk)
  for (const { kind, path } of outputs.get(chunk)?.imports ?? []) if (kind === "import-statement") loaded(path, seen)
  return seen
}

const chunkOf = (module: string): string => {
  const holds = ({ inputs }: Output) =>
    Object.entries(inputs).some(
      ([name, { bytesInOutput }]) => bytesInOutput > 0 && (name === module || name.includes(`node_modules/${module}/`))
    )
  const found = [...outputs].find(([, output]) => holds(output))
  if (found === undefined) throw new Error(`size: no chunk has ${module}`)
  return found[0]
}

const chunksOf = (modules: ReadonlyArray<string>): ReadonlyArray<Output> => {
  const chunks = new Set<string>()
  for (const module of modules) loaded(chunkOf(module), chunks)
  return [...chunks].flatMap((chunk) => outputs.get(chunk) ?? [])
}

const sizes = Object.fromEntries(
  Object.entries(ways).map(([way, modules]) => [way, chunksOf(modules).reduce((sum, { bytes }) => sum + bytes, 0)])
)

const filesOf = (modules: ReadonlyArray<string>): number =>
  new Set(
    chunksOf(modules).flatMap(({ inputs }) =>
      Object.entries(inputs).flatMap(([name, { bytesInOutput }]) =>
        bytesInOutput > 0 && name.startsWith("src/") ? [name] : []
      )
    )
  ).size

const crowded = Object.entries(mostFiles).flatMap(([way, most]) => {
  const files = filesOf(ways[way] ?? [])
  process.stdout.write(`${way.padEnd(28)}${String(files).padStart(8)} files, at most ${most}\n`)
  return files > most ? [way] : []
})

interface Budget {
  readonly bytes: Readonly<Record<string, number>>
  readonly notes: ReadonlyArray<string>
}
const budget: Budget = JSON.parse(readFileSync(path, "utf8"))

const over = Object.entries(sizes).filter(([way, bytes]) => bytes > (budget.bytes[way] ?? 0) * allowed)
for (const [way, bytes] of Object.entries(sizes)) {
  const before = budget.bytes[way] ?? 0
  const change = `${(100 * (bytes / before - 1)).toFixed(1)} %`
  process.stdout.write(`${way.padEnd(28)}${String(bytes).padStart(8)} bytes, budget ${before} (${change})\n`)
}

if (crowded.length > 0) {
  process.stdout.write(
    `\nmore files than a reader can look through: ${crowded.join("; ")}\n` +
      "Load one when it is needed (import()), or join one that has a single importer.\n"
  )
  process.exitCode = 1
}

const note = process.env["NOTE"] ?? ""
if (note !== "") {
  const notes = [...budget.notes, `${new Date().toISOString().slice(0, 10)}: ${note}`]
  writeFileSync(path, `${JSON.stringify({ bytes: sizes, notes }, null, 2)}\n`)
} else if (over.length > 0) {
  process.stdout.write(
    `\nover the budget by more than 2 %: ${over.map(([way]) => way).join("; ")}\n` +
      'Load it when it is needed (import()), or say why it has to be there: make size NOTE="why"\n'
  )
  process.exitCode = 1
}
