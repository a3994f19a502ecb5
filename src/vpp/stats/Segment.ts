/**
 * VPP's stats segment, as its own clients read it: a directory of named vectors in shared memory. VPP's threads count
 * in it without locks, so that reading costs VPP nothing (src/vlib/stats/shared.h; version 2, as in all known
 * releases). Pointers in it are VPP's, relative to `base`. What was read while VPP changed the directory is discarded.
 * Pure, except for the file.
 */
import * as Data from "effect/Data"
import type { PassedFile } from "../../platform/PassedFile.ts"

/** VPP is changing the directory: read again. */
export class Busy extends Data.TaggedError("Busy") {}

/** It is not a stats segment, or one of an unknown release. */
export class Unreadable extends Data.TaggedError("Unreadable")<{ readonly detail: string }> {}

/** By the index of the interface, all threads added. */
type Simple = (index: number) => number

export interface Segment {
  /** Packets alone: `/if/rx-miss`. */
  readonly simple: (name: string) => Simple
  /** Packets and bytes: `/if/rx`. */
  readonly combined: (name: string) => { readonly packets: Simple; readonly bytes: Simple }
}

const version = 2
const headerSize = 40
/** enum type, union of a pointer or values, name. */
const entrySize = 144
const nameAt = 16
const entriesAtOnce = 256
/** Maximum number of elements of a valid vector. */
const longest = 1 << 20
const high = 2 ** 32

/**
 * VPP's count of changes of its directory: an interface that is added or removed is several. Throws like {@link
 * readSegment}.
 */
export const epochOf = (file: PassedFile): bigint => look(file).epoch

/** Throws {@link Busy}, also when the epoch changes meanwhile, or {@link Unreadable}. */
export const readSegment = <A>(
  file: PassedFile,
  wanted: ReadonlyArray<string>,
  since: bigint,
  use: (segment: Segment) => A
): A => {
  const bytes = (at: number, length: number) => bytesAt(file, at, length)
  const words = (at: number, count: number) => new BigUint64Array(bytes(at, count * 8).buffer)
  const { base, directory, epoch } = look(file)
  if (epoch !== since) throw new Busy()
  const placeOf = (pointer: bigint): number => Number(pointer - base)

  /** Number of elements of a vector, which VPP stores before the first. */
  const lengthAt = (at: number): number => {
    const [length = 0] = new Uint32Array(bytes(at - 8, 4).buffer)
    if (length > longest) throw new Unreadable({ detail: `a vector at ${at} has ${length} elements` })
    return length
  }
  const pointersAt = (pointer: bigint): ReadonlyArray<number> => {
    if (pointer === 0n) return []
    const at = placeOf(pointer)
    return Array.from(words(at, lengthAt(at)), (one) => placeOf(one))
  }

  const found = find(new Set(wanted), placeOf(directory), lengthAt, bytes)
  /** One for each thread: pairs of low and high halves. */
  const threads = (name: string, each: 1 | 2): ReadonlyArray<Uint32Array> =>
    pointersAt(found.get(name) ?? 0n)
      .filter(isPlace)
      .map((at) => new Uint32Array(bytes(at, lengthAt(at) * each * 8).buffer))
  const counter =
    (all: ReadonlyArray<Uint32Array>, each: 1 | 2, nth: 0 | 1): Simple =>
    (index) => {
      const at = (index * each + nth) * 2
      return all.reduce((sum, one) => sum + (one[at] ?? 0) + (one[at + 1] ?? 0) * high, 0)
    }
  const done = use({
    simple: (name) => counter(threads(name, 1), 1, 0),
    combined: (name) => {
      const all = threads(name, 2)
      return { packets: counter(all, 2, 0), bytes: counter(all, 2, 1) }
    }
  })
  if (look(file).epoch !== since) throw new Busy()
  return done
}

const look = (file: PassedFile) => {
  const header = new BigUint64Array(bytesAt(file, 0, headerSize).buffer)
  const [is = 0n, base = 0n, epoch = 0n, changing = 0n, directory = 0n] = header
  if (is !== BigInt(version)) throw new Unreadable({ detail: `it has version ${is}, not ${version}` })
  if (changing !== 0n) throw new Busy()
  return { base, epoch, directory }
}

const bytesAt = (file: PassedFile, at: number, length: number): Uint8Array => {
  const buffer = new Uint8Array(length)
  if (!isPlace(at) || file.read(at, buffer) !== length) {
    throw new Unreadable({ detail: `there are no ${length} bytes at ${at}` })
  }
  return buffer
}

/** A pointer may be any number: a valid one is not before the segment. */
const isPlace = (at: number): boolean => Number.isSafeInteger(at) && at >= 0

/** The values of the entries with these names. Entries of single interfaces come last, and are thousands. */
const find = (
  wanted: Set<string>,
  at: number,
  lengthAt: (at: number) => number,
  bytes: (at: number, length: number) => Uint8Array
): ReadonlyMap<string, bigint> => {
  const found = new Map<string, bigint>()
  const all = lengthAt(at)
  for (let first = 0; first < all && found.size < wanted.size; first += entriesAtOnce) {
    const count = Math.min(entriesAtOnce, all - first)
    const chunk = Buffer.from(bytes(at + first * entrySize, count * entrySize).buffer)
    for (let entry = 0; entry < chunk.length; entry += entrySize) {
      // Most are of nodes and their errors, and need no string.
      if (chunk[entry + nameAt + 1] !== letter || chunk[entry + nameAt + 2] !== next) continue
      const name = untilNul(chunk.subarray(entry + nameAt, entry + entrySize))
      if (wanted.has(name)) found.set(name, chunk.readBigUInt64LE(entry + 8))
    }
  }
  return found
}

/** The beginning of `/if/`. */
const [letter, next] = [0x69, 0x66]

const untilNul = (bytes: Uint8Array): string => {
  const end = bytes.indexOf(0)
  return Buffer.from(bytes.subarray(0, end === -1 ? bytes.length : end)).toString("latin1")
}
