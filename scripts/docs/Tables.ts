/** The tables of the reference pages, in Markdown. */
import { Struct } from "effect"
import { ErrorCodes } from "../../src/cni/ErrorCodes.ts"
import { errorNotes } from "./ErrorNotes.ts"
import { containerNotes, type KeyNote, keyNotes } from "./KeyNotes.ts"
import { type Key, keys } from "./NetConfSchema.ts"

const code = (text: string) => `\`${text}\``

/** A bar would end the cell, also inside code. */
const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ")

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.map(cell).join(" | ")} |`).join("\n")

const absent = ({ absent: same }: KeyNote) =>
  "words" in same ? same.words : code(typeof same.value === "string" ? same.value : JSON.stringify(same.value))

const head = ["Key", "Value", "When absent", "For", "Meaning", "Example"]

const row = ({ allowed, description, path }: Key): ReadonlyArray<string> => {
  const note = keyNotes[path]
  if (note === undefined) throw new Error(`scripts/docs/KeyNotes.ts says nothing about ${path}`)
  const { example, for: whom } = note
  return [code(path), allowed, absent(note), whom === "none" ? "" : whom, description, code(JSON.stringify(example))]
}

const rowsOf = (wanted: (path: string) => boolean) =>
  keys()
    .filter(({ path }) => wanted(path))
    .map(row)

/** Keys directly in a section: `host.` has `host.mtu` and not `host.vhost.mode`. */
const section = (prefix: string) => (path: string) =>
  path.startsWith(prefix) && !path.slice(prefix.length).includes(".")

const errorRows = Struct.keys(ErrorCodes).map((name) => {
  const { cause, cure, meaning } = errorNotes[name]
  return [String(ErrorCodes[name]), meaning, cause, cure]
})

/** By the name that stands in a page's markers. */
export const tables: Readonly<Record<string, () => string>> = {
  "keys: network": () => table(head, rowsOf(section(""))),
  "keys: host": () => table(head, rowsOf(section("host."))),
  "keys: host.vhost": () => table(head, rowsOf(section("host.vhost."))),
  "keys: host.bridge": () => table(head, rowsOf(section("host.bridge."))),
  "keys: host.memif": () => table(head, rowsOf(section("host.memif."))),
  "keys: container": () =>
    table(
      ["Key", "What the container is told when it is absent"],
      Object.entries(containerNotes).map(([path, told]) => [code(path), told])
    ),
  "error codes": () => table(["Code", "Meaning", "Cause", "What to do"], errorRows)
}
