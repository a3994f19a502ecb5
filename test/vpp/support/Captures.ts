/** Reads the recorded wire traffic; see `fixtures/README.md`. */
import * as fs from "node:fs"

export interface Frame {
  readonly dir: "tx" | "rx"
  readonly name: string
  readonly crc: string
  /** Header and message. */
  readonly bytes: Buffer
  readonly decoded: Readonly<Record<string, unknown>>
  readonly note: string
}

const fixture = (name: string) => fs.readFileSync(new URL(`../fixtures/${name}`, import.meta.url), "utf8")

export const recorded = (release: "v26.06" | "v23.02"): ReadonlyArray<Frame> =>
  fixture(`${release}.jsonl`)
    .trimEnd()
    .split("\n")
    .map((line) => {
      const { crc, decoded, dir, hex, name, note } = JSON.parse(line)
      return { dir, name, crc, bytes: Buffer.from(hex, "hex"), decoded, note: note ?? "" }
    })

const known = new Map<string, ReadonlyMap<number, string>>()

/** `name_crc` by number. */
export const messageNames = (release: "v26.06" | "v23.02" | "v21.10"): ReadonlyMap<number, string> => {
  const names = known.get(release) ?? readNames(release)
  known.set(release, names)
  return names
}

const readNames = (release: string): ReadonlyMap<number, string> =>
  new Map(
    fixture(`${release}.messages.txt`)
      .trimEnd()
      .split("\n")
      .map((line) => {
        const [number = "", name = ""] = line.split(" ")
        return [Number(number), name] as const
      })
  )

export const apiFile = (release: "v26.06" | "v23.02"): string => fixture(`api/${release}.api.json`)

const tables = new WeakMap<ReadonlyMap<number, string>, Buffer>()

/** In VPP's form: number, then 64 bytes of name. */
export const tableRows = (names: ReadonlyMap<number, string>): Buffer => {
  const rows = tables.get(names) ?? makeRows(names)
  tables.set(names, rows)
  return rows
}

const makeRows = (names: ReadonlyMap<number, string>): Buffer =>
  Buffer.concat(
    Array.from(names, ([number, name]) => {
      const row = Buffer.alloc(66)
      row.writeUInt16BE(number)
      row.write(name, 2, "latin1")
      return row
    })
  )

const numbers = new WeakMap<ReadonlyMap<number, string>, ReadonlyMap<string, number>>()

/** In the other direction. */
export const numbersOf = (names: ReadonlyMap<number, string>): ReadonlyMap<string, number> => {
  const found = numbers.get(names) ?? new Map(Array.from(names, ([number, name]) => [name, number]))
  numbers.set(names, found)
  return found
}
