/**
 * The valid attachments of a GC call. They are validated strictly, because everything else is removed. There are two
 * keys: the specification's, and one that libcni wrote by mistake and still writes beside it. Go writes an empty list
 * as `null`. Pure. CNI specification 1.1.0, section 2 (GC).
 */
import * as Result from "effect/Result"
import { CniError, ErrorCodes } from "./CniError.ts"
import { isContainerId, isIfName } from "./Environment.ts"
import { redacted } from "./Secrets.ts"

export interface ValidAttachment {
  readonly containerId: string
  readonly ifName: string
}

export const validKeys = ["cni.dev/valid-attachments", "cni.dev/attachments"] as const

type Judged<A> = Result.Result<A, CniError>

/** Returns the union of both lists. */
export const readValidAttachments = (
  configuration: Readonly<Record<string, unknown>>
): Judged<ReadonlyArray<ValidAttachment>> => {
  const given = validKeys.filter((key) => configuration[key] !== undefined)
  if (given.length === 0) return Result.fail(absent)
  return Result.map(Result.all(given.map((key) => readList(key, configuration[key]))), (lists) => lists.flat())
}

/** Validates one list from any source; `name` is used in messages. */
export const readList = (name: string, list: unknown): Judged<ReadonlyArray<ValidAttachment>> => {
  if (list === null) return Result.succeed([])
  if (!Array.isArray(list)) return Result.fail(wrong(name, list, "is not a list"))
  return Result.all(list.map((entry: unknown, index) => readEntry(`${name}[${index}]`, entry)))
}

const readEntry = (name: string, entry: unknown): Judged<ValidAttachment> => {
  if (typeof entry !== "object" || entry === null) return Result.fail(wrong(name, entry, "is not an object"))
  const containerId: unknown = Reflect.get(entry, "containerID")
  const ifName: unknown = Reflect.get(entry, "ifname")
  if (typeof containerId !== "string" || !isContainerId(containerId)) {
    return Result.fail(wrong(`${name}.containerID`, containerId, "is not a container id"))
  }
  if (typeof ifName !== "string" || !isIfName(ifName)) {
    return Result.fail(wrong(`${name}.ifname`, ifName, "is not an interface name"))
  }
  return Result.succeed({ containerId, ifName })
}

const absent = CniError.of(
  ErrorCodes.InvalidConfiguration,
  `GC needs ${validKeys[0]}, the list of valid attachments, and it is missing`,
  "Nothing was removed. Pass the list, even an empty one; cnitool gc does not. By hand, use `userspace gc`."
)

const wrong = (path: string, value: unknown, why: string) =>
  CniError.of(
    ErrorCodes.InvalidConfiguration,
    value === undefined ? `${path}: is missing` : `${path}: ${redacted(path, value)} ${why}`,
    'Nothing was removed. An entry is {"containerID": CNI_CONTAINERID of its ADD, "ifname": CNI_IFNAME of its ADD}.'
  )
