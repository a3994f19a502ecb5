/** The generated files: the JSON Schema, and the tables between their markers in the pages. */
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { jsonSchema } from "./NetConfSchema.ts"
import { tables } from "./Tables.ts"

export const root = `${import.meta.dirname}/../..`

interface Generated {
  /** Relative to the repository. */
  readonly path: string
  readonly now: string
  readonly wanted: string
}

const read = (path: string): string => (existsSync(`${root}/${path}`) ? readFileSync(`${root}/${path}`, "utf8") : "")

/** The demonstration's output after the network, which the README shows above. */
const demonstration = (): string => {
  const { status, stderr, stdout } = spawnSync(process.execPath, [`${root}/scripts/demo.ts`], {
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" }
  })
  const from = stdout.indexOf("2. ADD")
  if (status !== 0 || from < 0) throw new Error(`scripts/demo.ts ended with ${status}: ${stdout}${stderr}`)
  return `\`\`\`\n...\n${stdout.slice(from).trimEnd()}\n\`\`\``
}

const region = /<!-- generated: (.*?) -->\n[\s\S]*?<!-- end of generated -->/g

const made = (name: string): string => {
  if (name.startsWith("examples/")) return `\`\`\`json\n${read(name)}\`\`\``
  if (name === "make demo") return demonstration()
  const table = tables[name]
  if (table === undefined) throw new Error(`no table is called ${name}`)
  return table()
}

/** Regenerates every region; a region with the name of an example shows that file. */
const filled = (page: string): string =>
  page.replaceAll(region, (_, name: string) => {
    return `<!-- generated: ${name} -->\n\n${made(name)}\n\n<!-- end of generated -->`
  })

const pages = [
  "README.md",
  "docs/architecture.md",
  "docs/command-line.md",
  "docs/configuration.md",
  "docs/errors.md",
  "docs/metrics.md",
  "docs/security.md",
  "docs/vpp-reproductions.md"
]

/** The tables that the pages show. */
export const shown = (): ReadonlyArray<string> =>
  pages.flatMap((path) => [...read(path).matchAll(region)].flatMap(([, name]) => name ?? []))

export const generated = (): ReadonlyArray<Generated> => [
  {
    path: "docs/netconf.schema.json",
    now: read("docs/netconf.schema.json"),
    wanted: `${JSON.stringify(jsonSchema(), null, 2)}\n`
  },
  ...pages.map((path) => {
    const now = read(path)
    return { path, now, wanted: filled(now) }
  })
]
