/**
 * The environment of a call, as the specification defines it. `Versions.ts` lists the variables of each verb. Pure: the
 * environment is an argument. CNI specification 1.1.0, section 2 (Parameters).
 */
import * as Result from "effect/Result"
import { CniError, ErrorCodes } from "./CniError.ts"
import { type Verb, verbs } from "./Versions.ts"

export type Variables = Readonly<Record<string, string | undefined>>

/** CNI_ARGS: `K=V;K=V`. Keys match in any case, as users of OVN and Multus write them. */
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
  /** The whole environment, which delegates inherit. */
  readonly variables: Variables
}

const bad = (msg: string, details: string) => CniError.of(ErrorCodes.BadEnvironment, msg, details)

/** Checks what `verb` requires; all missing variables are reported together. */
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
  const netns = variables["CNI_NETNS"] ?? ""
  for (const { fits, form, is, name } of forms) {
    const value = variables[name] ?? ""
    if (value !== "" && !fits(value)) {
      return Result.fail(bad(`${name}=${excerpt(value)} (${value.length} characters) is not ${is}`, form))
    }
  }
  return Result.map(readArgs(variables["CNI_ARGS"] ?? ""), (args) => ({
    containerId,
    ifName,
    netns,
    // A relative directory would depend on the caller's working directory.
    path: (variables["CNI_PATH"] ?? "").split(":").filter((directory) => directory.startsWith("/")),
    args,
    variables
  }))
}

/** At most 255 characters: runtimes and IPAM plugins use it as a file name. */
export const isContainerId = (id: string): boolean => /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(id) && id.length <= 255

export const isIfName = (name: string): boolean => /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name) && name.length <= 15

/** The path appears in messages and, on VPP, in the name of an abstract socket. */
const isNetns = (path: string): boolean => /^\/[\x21-\x7e]{1,1023}$/.test(path)

/** What a variable that is not empty has to be. */
const forms = [
  {
    name: "CNI_CONTAINERID",
    is: "a container id",
    fits: isContainerId,
    form: "It is 1 to 255 letters, digits, `_`, `.` and `-`, beginning with a letter or a digit."
  },
  {
    name: "CNI_IFNAME",
    is: "an interface name",
    fits: isIfName,
    form: "It is 1 to 15 letters, digits, `_`, `.` and `-`, as for any network interface."
  },
  {
    name: "CNI_NETNS",
    is: "the path of a network namespace",
    fits: isNetns,
    form: "It is an absolute path without blanks, such as /var/run/netns/NAME or /proc/PID/ns/net."
  }
]

/** Quotes the beginning of a value, without line breaks. */
const excerpt = (value: string): string => JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value)

/** Parses CNI_ARGS. */
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
