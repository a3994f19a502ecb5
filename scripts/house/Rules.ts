/**
 * The rules of the house. Each violation is a line: which import violates which rule, and what to do. Biome checks
 * circles of files (`noImportCycles`).
 */
import { dirname } from "node:path"
import { type Floor, roomOf } from "./Floors.ts"
import type { Import } from "./Imports.ts"

/** Besides its sub-folders: what a reader can take in at once. */
export const mostFiles = 12

const floorsFile = "scripts/house/Floors.ts"

export const homeless = (files: ReadonlyArray<string>, floors: ReadonlyArray<Floor>): ReadonlyArray<string> =>
  [
    ...new Set(files.filter((file) => roomOf(file, floors) === undefined).map((file) => file.split("/")[0] ?? file))
  ].map((name) => `src/${name} is on no floor. Put it on one in ${floorsFile}, above all that it imports.`)

/** Imports that do not lead to a lower floor. */
export const upward = (imports: ReadonlyArray<Import>, floors: ReadonlyArray<Floor>): ReadonlyArray<string> =>
  imports.flatMap(({ from, to }) => {
    const [own, other] = [roomOf(from, floors), roomOf(to, floors)]
    if (own === undefined || other === undefined || own.room === other.room) return []
    const arrow = `src/${from} imports src/${to}`
    if (own.room.alone === true) {
      return [
        `${arrow}: ${own.room.name} imports nothing of ours but itself. Hand it what it needs, or move the code up.`
      ]
    }
    if (own.floor < other.floor) return []
    const where = own.floor === other.floor ? "beside" : "above"
    return [
      `${arrow}: ${other.room.name} is ${where} ${own.room.name}, and imports lead down. Move what both need to a room ` +
        `below them, or have src/app/Composition.ts hand it in.`
    ]
  })

/** Each circle of folders once, with the imports of a shortest way round. Sub-folders are rooms of their own. */
export const circles = (imports: ReadonlyArray<Import>): ReadonlyArray<string> => {
  const between = new Map<string, Map<string, Import>>()
  for (const one of imports) {
    const [above, below] = [dirname(one.from), dirname(one.to)]
    if (above === below) continue
    const known = between.get(above) ?? new Map<string, Import>()
    if (!known.has(below)) known.set(below, one)
    between.set(above, known)
  }
  const found = new Map<string, ReadonlyArray<Import>>()
  for (const folder of [...between.keys()].sort()) {
    const way = wayRound(folder, between)
    if (way === undefined) continue
    const folders = way
      .map(({ from }) => dirname(from))
      .sort()
      .join(" ")
    if (!found.has(folders)) found.set(folders, way)
  }
  return [...found].map(
    ([folders, way]) =>
      `${folders
        .split(" ")
        .map((folder) => `src/${folder}`)
        .join(", ")} import each other in a circle: ` +
      `${way.map(({ from, to }) => `src/${from} imports src/${to}`).join("; ")}. Move what both need to a folder below.`
  )
}

/** Breadth-first search. */
const wayRound = (
  start: string,
  between: ReadonlyMap<string, ReadonlyMap<string, Import>>
): ReadonlyArray<Import> | undefined => {
  const seen = new Set<string>()
  const ways: Array<{ readonly at: string; readonly way: ReadonlyArray<Import> }> = [{ at: start, way: [] }]
  for (const { at, way } of ways) {
    for (const [next, by] of between.get(at) ?? []) {
      if (next === start) return [...way, by]
      if (seen.has(next)) continue
      seen.add(next)
      ways.push({ at: next, way: [...way, by] })
    }
  }
  return undefined
}

/** The same for folders of `src`, each with all its rooms: a way up that no pair of rooms shows. */
export const circlesOfFolders = (imports: ReadonlyArray<Import>): ReadonlyArray<string> =>
  circles(
    imports.flatMap(({ from, to }) => {
      const [above = from, below = to] = [from.split("/")[0], to.split("/")[0]]
      return above === below || !from.includes("/") || !to.includes("/")
        ? []
        : [{ from: `${above}/${from.split("/").at(-1)}`, to: `${below}/${to.split("/").at(-1)}` }]
    })
  )

export const crowded = (files: ReadonlyArray<string>): ReadonlyArray<string> => {
  const counts = new Map<string, number>()
  for (const file of files) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1)
  return [...counts]
    .filter(([, count]) => count > mostFiles)
    .map(
      ([folder, count]) =>
        `src/${folder} has ${count} files beside its sub-folders, and at most ${mostFiles} may lie in one folder. Group ` +
        "them in sub-folders by what they are for, or join those that are always read together."
    )
}

export const broken = (
  files: ReadonlyArray<string>,
  imports: ReadonlyArray<Import>,
  floors: ReadonlyArray<Floor>
): ReadonlyArray<string> => [
  ...homeless(files, floors),
  ...upward(imports, floors),
  ...circles(imports),
  ...circlesOfFolders(imports),
  ...crowded(files)
]
