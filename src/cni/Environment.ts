/**
 * The environment of a call, as the specification hands it over: which variables a verb needs is in `Versions.ts`.
 * Pure: the process's environment comes in as a record. CNI specification 1.1.0, section 2 (Parameters).
 */
import * as Result from "effect/Result"
import type { Attachment } from "../attachment/Attachment.ts"
import { CniError } from "./CniError.ts"
import { ErrorCodes } from "./ErrorCodes.ts"
import { type Verb, verbs } from "./Versions.ts"

export type Variables = Readonly<Record<string, string | undefined>>

/** CNI_ARGS: `K=V;K=V`. Keys are compared without case, as OVN's and Multus' users write them. */
export interface CniArgs {
  readonly get: (key: string) => string | undefined
}

export interface Environment {
  readonly containerId: string
  readonly ifName: string
  /** May be empty on DEL. */
  readonly netns: string
  readonly path: ReadonlyArray<string>
  readonly args: CniArgs
  /** The whole environment, which a delegate gets as it is. */
  readonly variables: Variables
}

const bad = (msg: string, details: string) => CniError.of(ErrorCodes.BadEnvironment, msg, details)

/** Checks what `verb` requires; all missing variables are named together. */
export const readEnvironment = (verb: Verb, variables: Variables): Result.Result<Environment, CniError> => {
  const missing = verbs[verb].requires.filter((name) => (variables[name] ?? "") === "")
  if (missing.length > 0) {
    return Result.fail(
      bad(
        `CNI_COMMAND=${verb} needs ${missing.join(", ")}, which the caller did not set`,
        "A container runtime sets them. By hand, use `userspace add --container-id ... --netns ... --ifname ...`."
      )
    )
  }
  const containerId = variables["CNI_CONTAINERID"] ?? ""
  const ifName = variables["CNI_IFNAME"] ?? ""
  const wrong = wrongContainerId(containerId) ?? wrongIfName(ifName)
  if (wrong !== undefined) return Result.fail(wrong)
  return Result.map(readArgs(variables["CNI_ARGS"] ?? ""), (args) => ({
    containerId,
    ifName,
    netns: variables["CNI_NETNS"] ?? "",
    path: (variables["CNI_PATH"] ?? "").split(":").filter((directory) => directory !== ""),
    args,
    variables
  }))
}

/** 255: runtimes and IPAM plugins make file names of it. */
const wrongContainerId = (id: string): CniError | undefined =>
  id === "" || (/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(id) && id.length <= 255)
    ? undefined
    : bad(
        `CNI_CONTAINERID=${excerpt(id)} (${id.length} characters) is not a container id`,
        "It is 1 to 255 letters, digits, `_`, `.` and `-`, beginning with a letter or a digit."
      )

const wrongIfName = (name: string): CniError | undefined =>
  name === "" || (/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name) && name.length <= 15)
    ? undefined
    : bad(
        `CNI_IFNAME=${excerpt(name)} (${name.length} characters) is not an interface name`,
        "It is 1 to 15 letters, digits, `_`, `.` and `-`, as for any network interface."
      )

/** Enough of a value to recognise it, and nothing that breaks a line. */
const excerpt = (value: string): string => JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value)

/** CNI_ARGS from text. */
export const readArgs = (text: string): Result.Result<CniArgs, CniError> => {
  const values = new Map<string, string>()
  for (const pair of text.split(";")) {
    if (pair.trim() === "") continue
    const at = pair.indexOf("=")
    if (at < 1) {
      return Result.fail(bad(`CNI_ARGS has ${excerpt(pair)}, which is not KEY=VALUE`, "Separate pairs with `;`."))
    }
    values.set(pair.slice(0, at).toLowerCase(), pair.slice(at + 1))
  }
  return Result.succeed({ get: (key) => values.get(key.toLowerCase()) })
}

export const attachmentOf = (network: string, environment: Environment): Attachment => {
  const { args, containerId, ifName, netns } = environment
  const name = args.get("K8S_POD_NAME")
  const namespace = args.get("K8S_POD_NAMESPACE")
  return {
    network,
    containerId,
    ifName,
    netns,
    pod: name && namespace ? { namespace, name, uid: args.get("K8S_POD_UID") ?? "" } : undefined
  }
}
