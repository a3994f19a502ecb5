/**
 * The working directory for relative paths on the command line. The executable starts in `/` (scripts/build.sh), and
 * the kernel does not remember the caller's directory. Two sources do: `PWD`, which shells maintain and sudo removes,
 * and the directory of the parent process. This module only determines it; `Main.ts` changes to it.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type { Variables } from "../cni/types/Environment.ts"
import { CommandLineError } from "./print/Printer.ts"

/** Flags that take a path of the caller's. `--netns` and `--cni-path` must be absolute. */
export const pathFlags: ReadonlySet<string> = new Set([
  "--config",
  "-c",
  "--valid",
  "--state-dir",
  "--network-info",
  "--ovs-socket",
  "--report",
  "--resources",
  "--vpp-socket",
  "--socket",
  "--annotations",
  "--dir",
  "--device-info",
  "--cni-bin-dir",
  "--kubeconfig",
  "--token-file",
  "--service-account",
  "--write",
  "-w"
])

const pathVariables = ["USERSPACE_ANNOTATIONS", "USERSPACE_DIR", "USERSPACE_VPP_SOCKET"]

/** Returns relative paths on the command line, and in the variables that replace flags. */
export const relativePaths = (args: ReadonlyArray<string>, variables: Variables): ReadonlyArray<string> => {
  const given = args.flatMap((argument, index) => {
    const [flag = "", ...value] = argument.split("=")
    if (!pathFlags.has(flag)) return []
    const path = value.length > 0 ? value.join("=") : (args[index + 1] ?? "")
    return [flag === "--device-info" ? path.replace(/^[^=]*=/, "") : path]
  })
  // The only command whose arguments are files.
  const files = args[0] === "lint" ? args.slice(1).filter((argument) => !argument.startsWith("-")) : []
  return [...given, ...files, ...pathVariables.map((name) => variables[name] ?? "")].filter(
    (path) => path !== "" && path !== "-" && !path.startsWith("/")
  )
}

/** The directory of a process in /proc. */
export const processDirectory = (pid: number): string => `/proc/${pid}`

/** `parent`: the directory in /proc of the process that started this one. Fails with the reason. */
export const callerDirectory = Effect.fnUntraced(function* (variables: Variables, parent: string) {
  const files = yield* FileSystem.FileSystem

  const directory = Effect.fnUntraced(function* (path: string) {
    const info = yield* files.stat(path)
    if (info.type !== "Directory") return yield* Effect.fail("not a directory")
    // Device and inode, because a directory may have several names.
    return { path, identity: `${info.dev}:${Option.getOrElse(info.ino, () => "")}` }
  }, Effect.option)

  const told = variables["PWD"] ?? ""
  const pwd = told.startsWith("/") ? yield* directory(told) : Option.none()
  const there = yield* directory(`${parent}/cwd`)
  // A directory that was removed, or is outside of the root, has no usable name.
  const name = yield* Effect.option(files.readLink(`${parent}/cwd`))
  const named = Option.filter(Option.isSome(name) ? yield* directory(name.value) : Option.none(), ({ identity }) =>
    Option.exists(there, (place) => place.identity === identity)
  )

  if (Option.isNone(pwd)) {
    if (Option.isSome(named)) return named.value.path
    const said = told === "" ? "PWD is not set" : `PWD is ${JSON.stringify(told)}, which is not a directory`
    return yield* Effect.fail(`${said}, and the working directory of the parent process cannot be resolved`)
  }
  if (Option.isNone(there) || there.value.identity === pwd.value.identity) return told
  // The two differ. A shell that changed its directory and became this process has updated PWD; otherwise PWD is stale.
  const began = yield* Effect.orElseSucceed(files.readFileString(`${parent}/environ`), () => "")
  return began.split("\0").includes(`PWD=${told}`)
    ? yield* Effect.fail(`PWD is ${told}, and the parent process has the same PWD but another working directory`)
    : told
})

export const unknownDirectory = (relative: ReadonlyArray<string>, reason: string): CommandLineError =>
  new CommandLineError({
    failed: `cannot resolve ${relative.join(" and ")}`,
    answer: `the path is relative and the working directory is unknown: ${reason}`,
    cure: "Give absolute paths, or set PWD to the working directory."
  })
