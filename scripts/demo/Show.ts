/** Shows what exists, as an administrator would see it: `ovs-vsctl show`, and a tree with modes. */
import * as Effect from "effect/Effect"
import type { Row, Value } from "../../src/ovs/client/OvsdbMessages.ts"
import { snapshot } from "../../test/ovs/model/Snapshot.ts"
import { atoms } from "../../test/ovs/model/Values.ts"
import type { MemorySwitch } from "../../test/ovs/support/OvsMemory.ts"

/** The files at and below a path. */
export interface Tree {
  readonly get: (path: string) => { readonly kind: string; readonly mode: number; readonly content: string } | undefined
  readonly names: (path: string) => ReadonlyArray<string>
}

export const switchLines = Effect.fnUntraced(function* (ovs: MemorySwitch) {
  const database = yield* snapshot(ovs.peer, ovs.transact)
  const below = (table: string, value: Value | undefined): ReadonlyArray<Row> =>
    atoms(value ?? ["set", []]).flatMap((atom) => {
      const row = typeof atom === "object" ? database.get(table)?.get(atom[1]) : undefined
      return row === undefined ? [] : [row]
    })
  const [root] = [...(database.get("Open_vSwitch")?.values() ?? [])]
  return below("Bridge", root?.["bridges"]).flatMap((bridge) => [
    `Bridge ${String(bridge["name"])}`,
    `    datapath_type: ${String(bridge["datapath_type"])}`,
    ...below("Port", bridge["ports"])
      .filter(({ name }) => name !== bridge["name"])
      .flatMap((port) => [
        `    Port ${String(port["name"])}`,
        ...below("Interface", port["interfaces"]).flatMap((row) => [
          `        type: ${String(row["type"])}`,
          ...options(row["options"]).map((option) => `        options: {${option}}`)
        ])
      ])
  ])
})

const options = (value: Value | undefined): ReadonlyArray<string> =>
  typeof value === "object" && value[0] === "map"
    ? value[1].map(([key, text]) => `${String(key)}=${JSON.stringify(text)}`)
    : []

/** Every name below `path`, with its mode. */
export const treeLines = (files: Tree, path: string): ReadonlyArray<string> => {
  const mode = (at: string) => (files.get(at)?.mode ?? 0).toString(8).padStart(4, "0")
  const lines = (at: string, indent: string): ReadonlyArray<string> =>
    files.names(at).flatMap((name, index, all) => {
      const last = index === all.length - 1
      const directory = files.get(`${at}/${name}`)?.kind === "directory"
      return [
        `${mode(`${at}/${name}`)}  ${indent}${last ? "└─" : "├─"} ${name}${directory ? "/" : ""}`,
        ...lines(`${at}/${name}`, `${indent}${last ? "   " : "│  "}`)
      ]
    })
  return files.get(path) === undefined ? [] : [`${mode(path)}  ${path}/`, ...lines(path, "")]
}
