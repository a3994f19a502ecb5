/** The generated modules: which schemas a call of the plugin needs in generated form. */
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { Record } from "../../src/attachment/records/Record.ts"
import { Bridge, Container, Host, Memif, NetConf, Vhost } from "../../src/cni/network/NetConf.ts"
import { AnyResult } from "../../src/cni/types/AnyResult.ts"
import { moduleOf } from "./Guard.ts"

export const root = new URL("../..", import.meta.url).pathname

const fields = { top: NetConf, host: Host, container: Container, memif: Memif, vhost: Vhost, bridge: Bridge }

const keys = `
/** The keys of each section. */
export const keys = ${JSON.stringify(
  Object.fromEntries(Object.entries(fields).map(([section, schema]) => [section, Object.keys(schema.fields)])),
  null,
  2
)} as const
`

const modules = [
  {
    path: "src/cni/network/NetConfGuard.ts",
    text: moduleOf(
      "Whether a value is a network configuration, as the schema in `NetConf.ts` has it. What is wrong with one that is\nnot, the schema says (`SchemaMismatch.ts`).",
      { name: "NetConf", schema: NetConf, from: "./NetConf.ts" },
      keys
    )
  },
  {
    path: "src/cni/types/AnyResultGuard.ts",
    text: moduleOf("Whether a value is a result of any version, as the schema in `AnyResult.ts` has it.", {
      name: "AnyResult",
      schema: AnyResult,
      from: "./AnyResult.ts"
    })
  },
  {
    path: "src/attachment/records/RecordGuard.ts",
    text: moduleOf("Whether a value is a record, as the schema in `Record.ts` has it.", {
      name: "Record",
      schema: Record,
      from: "./Record.ts"
    })
  }
]

const formatted = (path: string, text: string): string =>
  spawnSync(`${root}node_modules/.bin/biome`, ["format", `--stdin-file-path=${path}`], {
    cwd: root,
    input: text,
    encoding: "utf8"
  }).stdout

/** Each with its current and its expected text. */
export const generated = () =>
  modules.map(({ path, text }) => ({
    path,
    now: existsSync(`${root}${path}`) ? readFileSync(`${root}${path}`, "utf8") : "",
    wanted: formatted(path, text)
  }))
