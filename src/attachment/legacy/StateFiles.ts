/**
 * State files of the original plugin and its fork, which let DEL remove their attachments:
 * `<stateDir>/data/local-<id12>-<ifname>.json`, for OVS or for VPP. They are read and removed here, never written.
 */
import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { type Attachment, plainHandle } from "../../identity/Attachment.ts"
import { Files, orElse } from "../../platform/Files.ts"
import { objectOf, parsed } from "../../platform/text/Json.ts"
import { fromFile } from "../records/RecordError.ts"

export interface State {
  readonly portName: string | undefined
  /** Always verified: VPP reuses indices, and the original plugin wrote 0 when it had none. */
  readonly swIfIndex: number | undefined
}

/** A state file with the identity in its name: the first twelve characters of the id, and the interface. */
export interface NamedState extends State {
  readonly containerId: string
  readonly ifName: string
}

/** An unreadable file has no information, and is removed as well. */
const stateOf = (text: string): State => {
  const { swIfIndex, vhostname } = objectOf(parsed(text))
  return {
    portName: Predicate.isString(vhostname) && vhostname !== "" ? vhostname : undefined,
    swIfIndex: typeof swIfIndex === "number" && Number.isSafeInteger(swIfIndex) ? swIfIndex : undefined
  }
}

const nameOf = (file: string): Pick<NamedState, "containerId" | "ifName"> | undefined => {
  const [, containerId, ifName] = /^local-(.{12})-(.+)\.json$/.exec(file) ?? []
  return containerId === undefined || ifName === undefined ? undefined : { containerId, ifName }
}

/** Maximum size of a file in bytes. */
const limit = 16 << 20

const absent = ["ENOENT", "ENOTDIR"]
/** Not a file of theirs. */
const odd = ["EISDIR", "EINVAL", "ELOOP", "EFBIG"]

const pathOf = (stateDir: string, attachment: Attachment) =>
  join(stateDir, "data", `local-${plainHandle(attachment)}.json`)

const readState = fromFile("read the original plugin's state")

export const find = Effect.fnUntraced(function* (stateDir: string, attachment: Attachment) {
  const files = yield* Files
  const text = yield* orElse(absent, undefined)(files.read(pathOf(stateDir, attachment), limit))
  return text === undefined ? undefined : stateOf(text)
}, Effect.mapError(readState))

/** Returns the state files of all attachments. Other files are ignored. */
export const all = Effect.fnUntraced(function* (stateDir: string) {
  const files = yield* Files
  const directory = join(stateDir, "data")
  const found: Array<NamedState> = []
  for (const name of yield* orElse<ReadonlyArray<string>>(absent, [])(files.list(directory))) {
    const named = nameOf(name)
    if (named === undefined) continue
    const text = yield* orElse(["ENOENT", ...odd], undefined)(files.read(join(directory, name), limit))
    if (text !== undefined) found.push({ ...named, ...stateOf(text) })
  }
  return found
}, Effect.mapError(readState))

/** Removes the file, and the directory with the last one. */
export const remove = Effect.fnUntraced(
  function* (stateDir: string, attachment: Attachment) {
    const files = yield* Files
    const path = pathOf(stateDir, attachment)
    if (yield* files.unlink(path).pipe(Effect.as(false), orElse(absent, true))) return
    // The original plugin creates the directory for its next attachment, and removes it with its last.
    yield* orElse(["ENOTEMPTY", "EEXIST", "ENOENT", "EBUSY"], undefined)(files.removeDirectory(dirname(path)))
  },
  Effect.mapError(fromFile("remove the original plugin's state"))
)
