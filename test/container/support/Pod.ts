/**
 * A container's files, in a directory of their own: annotations as kubelet writes them (links to links, replaced
 * atomically), and the volume shared with the node.
 */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { Effect, Schema } from "effect"
import type { SearchPaths } from "../../../src/container/Discovery.ts"

export interface Pod {
  readonly root: string
  /** The shared volume. */
  readonly directory: string
  readonly places: SearchPaths
  /** As flags of the commands. */
  readonly flags: ReadonlyArray<string>
  readonly annotate: (values: Readonly<Record<string, string>>) => void
  /** The file's text, unchanged. */
  readonly annotateText: (text: string) => void
  readonly put: (name: string, content: string) => void
}

/** Go's quotes; where Go writes a character unchanged, an escape means the same. */
export const quoted = (text: string): string =>
  `"${[...text]
    .map((character) => {
      const point = character.codePointAt(0) ?? 0
      if (character === '"' || character === "\\") return `\\${character}`
      if (point >= 0x20 && point < 0x7f) return character
      return point < 0x80
        ? `\\x${point.toString(16).padStart(2, "0")}`
        : point < 0x10000
          ? `\\u${point.toString(16).padStart(4, "0")}`
          : `\\U${point.toString(16).padStart(8, "0")}`
    })
    .join("")}"`

export const annotationFile = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .map(([key, value]) => `${key}=${quoted(value)}`)
    .join("\n")

export const pod = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(`${tmpdir()}/pod-`)),
    (root) => Effect.sync(() => rmSync(root, { recursive: true, force: true }))
  ),
  (root): Pod => {
    const podinfo = `${root}/podinfo`
    const directory = `${root}/shared`
    mkdirSync(podinfo)
    mkdirSync(directory)
    let version = 0
    const annotateText = (text: string) => {
      const fresh = `..2026_01_01_00_00_${++version}`
      mkdirSync(`${podinfo}/${fresh}`)
      writeFileSync(`${podinfo}/${fresh}/annotations`, text)
      symlinkSync(fresh, `${podinfo}/..data_tmp`)
      renameSync(`${podinfo}/..data_tmp`, `${podinfo}/..data`)
      if (version === 1) symlinkSync("..data/annotations", `${podinfo}/annotations`)
    }
    return {
      root,
      directory,
      places: { annotations: `${podinfo}/annotations`, directory, deviceInfo: {}, containerId: undefined },
      flags: ["--annotations", `${podinfo}/annotations`, "--dir", directory],
      annotate: (values) => annotateText(annotationFile(values)),
      annotateText,
      put: (name, content) => writeFileSync(`${directory}/${name}`, content)
    }
  }
)

/** Listens on a path until the scope ends. */
export const listening = (path: string) =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = createServer()
      server.listen(path, () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  )

const Values = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Record(Schema.String, Schema.String)))

/** The annotations of a recorded file, before kubelet wrote them. */
export const valuesOf = (json: string): Readonly<Record<string, string>> => Values(json)

export const containerId = "9c1f0b7a2d3e4f5061728394a5b6c7d8"

/** An element as ADD writes it; `config` replaces parts of a vhost-user port whose socket the application creates. */
export const element = (
  ifName: string,
  config: Readonly<Record<string, unknown>> = {},
  more: Readonly<Record<string, unknown>> = {}
) => ({
  containerId,
  ifName,
  name: "ovs",
  config: {
    engine: "ovs-dpdk",
    iftype: "vhostuser",
    netType: "interface",
    mac: "02:00:00:00:00:01",
    vhost: { mode: "server", socketfile: `${containerId.slice(0, 12)}-${ifName}` },
    ...config
  },
  ipResult: { interfaces: [], ips: [], routes: [], dns: {} },
  ...more
})

export const configurationData = (...elements: ReadonlyArray<unknown>) => ({
  "userspace/configuration-data": JSON.stringify(elements)
})
