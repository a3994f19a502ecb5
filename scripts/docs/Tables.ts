/** The tables of the reference pages, in Markdown. */
import { join } from "node:path"
import { Struct } from "effect"
import { type Family, all as metricFamilies, ofInterface } from "../../src/agent/metrics/Families.ts"
import { groups } from "../../src/attachment/doctor/findings/Findings.ts"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { floors, roomOf as roomOnFloor } from "../house/Floors.ts"
import { importsOf, laterOf, valuesOf } from "../house/Imports.ts"
import { entries, way } from "../house/Way.ts"
import { commandReference } from "./CommandLine.ts"
import { errorNotes } from "./ErrorNotes.ts"
import { memifOutcomes, reproductions, vhostOutcomes } from "./HostileProcesses.ts"
import { type ContainerNote, containerNotes, type KeyNote, keyNotes } from "./KeyNotes.ts"
import { type Key, keys } from "./NetConfSchema.ts"

const code = (text: string) => `\`${text}\``

/** A bar would end the cell, also inside code. */
const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ")

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.map(cell).join(" | ")} |`).join("\n")

const absent = ({ absent: same }: KeyNote | ContainerNote) => {
  if (same === "not passed on") return same
  if ("as" in same) return code(same.as)
  if ("otherThan" in same) return `the other one of ${code(same.otherThan)}`
  return "words" in same ? same.words : code(typeof same.value === "string" ? same.value : JSON.stringify(same.value))
}

const head = ["Key", "Value", "When absent", "For", "Meaning", "Example"]

const notes: Readonly<Record<string, KeyNote | ContainerNote>> = { ...keyNotes, ...containerNotes }

const row = ({ allowed, description, path }: Key): ReadonlyArray<string> => {
  const note = notes[path]
  if (note === undefined) throw new Error(`scripts/docs/KeyNotes.ts says nothing about ${path}`)
  const meaning = "meaning" in note ? note.meaning : description
  return [code(path), allowed, absent(note), note.for, meaning, code(JSON.stringify(note.example))]
}

const rowsOf = (wanted: (path: string) => boolean) =>
  keys()
    .filter(({ path }) => wanted(path))
    .map(row)

/** Keys directly in a section: `host.` matches `host.mtu` and not `host.vhost.mode`. */
const section = (prefix: string) => (path: string) =>
  path.startsWith(prefix) && !path.slice(prefix.length).includes(".")

const errorRows = Struct.keys(ErrorCodes).map((name) => {
  const { cause, cure, meaning } = errorNotes[name]
  return [String(ErrorCodes[name]), meaning, cause, cure]
})

const findingsText = () =>
  groups
    .map(([title, findings]) => {
      const rows = Object.entries(findings).map(([id, { command, cure, means, severity }]) => [
        code(id),
        severity,
        means,
        `${cure} ${code(command.replace(/\{(\w+)\}/g, (_, name: string) => name.toUpperCase()))}`.replace(
          /\{(\w+)\}/g,
          (_, name: string) => name.toUpperCase()
        )
      ])
      return `### ${title}\n\n${table(["Finding", "Severity", "Meaning", "What to do"], rows)}`
    })
    .join("\n\n")

/** The files that an ADD passes, and from which it enters each. */
const wayRows = () => {
  const src = join(import.meta.dirname, "../../src")
  const entered = [...valuesOf(src), ...laterOf(src)]
  return way.map(({ file, what }) => {
    const [by] = entries(entered, file)
    return [code(`src/${file}`), by === undefined ? "the runtime" : code(by), what]
  })
}

/** The folders of `src`, each above all that it imports from. */
const folderRows = () => {
  const folderOf = (file: string) => file.split("/")[0] ?? file
  const imports = importsOf(join(import.meta.dirname, "../../src"))
  const order = [...new Set(floors.flat().map(({ name }) => folderOf(name)))]
  return order.map((folder) => {
    const used = new Set(imports.filter(({ from }) => folderOf(from) === folder).map(({ to }) => folderOf(to)))
    const others = order.filter((other) => other !== folder && used.has(other))
    return [code(folder), others.length > 0 ? others.join(", ") : "nothing of ours"]
  })
}

/** From roof to ground, with the description of each room; a room may import from everything below it. */
const houseRows = () => {
  const src = join(import.meta.dirname, "../../src")
  const imports = importsOf(src)
  const roomOf = (file: string) => roomOnFloor(file, floors)?.room.name
  return floors.flatMap((rooms, index) =>
    rooms.map(({ alone, name, what }) => {
      const used = new Set(imports.flatMap(({ from, to }) => (roomOf(from) === name ? (roomOf(to) ?? []) : [])))
      const others = floors.flat().flatMap((room) => (room.name !== name && used.has(room.name) ? [room.name] : []))
      return [
        String(floors.length - 1 - index),
        code(name),
        what,
        others.length > 0 ? others.join(", ") : alone === true ? "nothing of ours, ever" : "nothing of ours"
      ]
    })
  )
}

const metricRows = (wanted: (family: Family) => boolean) =>
  metricFamilies.filter(wanted).map(({ engine, help, labels, name, type }) => [
    code(name),
    type,
    isOfInterface(labels)
      ? labels
          .filter((label) => !ofInterface.includes(label))
          .map(code)
          .join(", ")
      : labels.map(code).join(", "),
    help,
    engine === undefined ? "both" : engine === "vpp" ? "VPP" : "Open vSwitch"
  ])

const isOfInterface = (labels: ReadonlyArray<string>) => ofInterface.every((label) => labels.includes(label))

const outcomeTable = ([head, ...rows]: readonly [ReadonlyArray<string>, ...ReadonlyArray<ReadonlyArray<string>>]) =>
  table(head, rows)

/** By the name in a page's markers. */
export const tables: Readonly<Record<string, () => string>> = {
  "metrics: interfaces": () =>
    table(
      ["Series", "Type", "More labels", "Meaning", "Engine"],
      metricRows(({ labels }) => isOfInterface(labels))
    ),
  "metrics: agent": () =>
    table(
      ["Series", "Type", "Labels", "Meaning"],
      metricRows(({ labels }) => !isOfInterface(labels)).map((row) => row.slice(0, 4))
    ),
  "keys: network": () => table(head, rowsOf(section(""))),
  "keys: host": () => table(head, rowsOf(section("host."))),
  "keys: host.vhost": () => table(head, rowsOf(section("host.vhost."))),
  "keys: host.bridge": () => table(head, rowsOf(section("host.bridge."))),
  "keys: host.memif": () => table(head, rowsOf(section("host.memif."))),
  "keys: container": () =>
    table(
      ["Key", "Value", "Published when absent", ...head.slice(3)],
      rowsOf((path) => path.startsWith("container."))
    ),
  "hostile processes: vhost-user": () => outcomeTable(vhostOutcomes()),
  "hostile processes: memif": () => outcomeTable(memifOutcomes()),
  "hostile processes: reproductions": () => outcomeTable(reproductions()),
  "the command line": () => commandReference,
  findings: findingsText,
  "the way of an ADD": () => table(["File", "Entered from", "What happens there"], wayRows()),
  "the folders": () => table(["Folder", "What it imports from"], folderRows()),
  "the house": () => table(["Floor", "Room", "What it is for", "What it imports from"], houseRows()),
  "error codes": () => table(["Code", "Meaning", "Cause", "What to do"], errorRows)
}
