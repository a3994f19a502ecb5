/** The generated files: the JSON Schema whole, and the tables between their markers in the pages. */
import { existsSync, readFileSync } from "node:fs"
import { jsonSchema } from "./NetConfSchema.ts"
import { tables } from "./Tables.ts"

export const root = `${import.meta.dirname}/../..`

export interface Generated {
  /** Relative to the repository. */
  readonly path: string
  readonly now: string
  readonly wanted: string
}

const read = (path: string): string => (existsSync(`${root}/${path}`) ? readFileSync(`${root}/${path}`, "utf8") : "")

const region = /<!-- generated: (.*?) -->\n[\s\S]*?<!-- end of generated -->/g

/** Every region is made anew; a region with the name of an example shows that file. */
const filled = (page: string): string =>
  page.replaceAll(region, (_, name: string) => {
    const make = name.startsWith("examples/") ? () => `\`\`\`json\n${read(name)}\`\`\`` : tables[name]
    if (make === undefined) throw new Error(`no table is called ${name}`)
    return `<!-- generated: ${name} -->\n\n${make()}\n\n<!-- end of generated -->`
  })

const pages = ["README.md", "docs/configuration.md", "docs/errors.md"]

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
