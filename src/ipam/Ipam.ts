/**
 * Delegation to an IPAM plugin: found along CNI_PATH, run with the call's environment and the whole configuration, its
 * output validated. It has no addresses and no state. Its error has which plugin, which verb, what came back, what to
 * do. CNI specification 1.1.0, section 4 (Delegation).
 */

import { join } from "node:path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Rec from "effect/Record"
import { isTooDeep } from "../cni/network/Validators.ts"
import { isAnyResult } from "../cni/types/AnyResultGuard.ts"
import { ErrorCodes, ServiceError } from "../cni/types/CniError.ts"
import { type CniResult, fromAnyResult } from "../cni/types/CniResult.ts"
import type { Variables } from "../cni/types/Environment.ts"
import { hide, secretsIn } from "../cni/types/Secrets.ts"
import { Files } from "../platform/Files.ts"
import { type Ended, Processes } from "../platform/Processes.ts"
import { objectOf, parsed } from "../platform/text/Json.ts"
import { Deadlines } from "../program/Step.ts"

type Reason =
  /** No such program along CNI_PATH. */
  | { readonly _tag: "NotFound"; readonly path: ReadonlyArray<string> }
  /** It could not be started, or its output exceeded the limit. */
  | { readonly _tag: "NotRun"; readonly answer: string }
  /** It returned an error document. */
  | { readonly _tag: "Refused"; readonly code: number; readonly msg: string; readonly details: string }
  /** It failed without one. */
  | { readonly _tag: "Broke"; readonly status: string; readonly stderr: string }
  /** It succeeded, but its output is not a result. */
  | { readonly _tag: "Garbage"; readonly answer: string }
  | { readonly _tag: "NoAddress" }
  /** It does not support the network's version. */
  | { readonly _tag: "TooOld"; readonly cniVersion: string; readonly supported: ReadonlyArray<string> }
  | { readonly _tag: "TimedOut"; readonly seconds: number }
  /** Processes of an earlier, killed call are still running. */
  | { readonly _tag: "StillRuns"; readonly pids: ReadonlyArray<string>; readonly seconds: number }

export type Call = "ADD" | "DEL" | "CHECK" | "GC" | "STATUS" | "VERSION"

export class IpamError extends ServiceError("IpamError", "IPAM plugin ") {
  readonly reason: Reason
  /** `said`: the last lines of its stderr, quoted, if the reason does not contain them. */
  constructor(of: { readonly plugin: string; readonly verb: Call; readonly reason: Reason; readonly said?: string }) {
    const { plugin, reason, said = "", verb } = of
    const [answer, cure] = wordsFor(plugin, reason)
    super({
      operation: `${plugin} ${verb}`,
      answer: said === "" ? answer : `${answer}; on stderr: ${said}`,
      cure,
      code: isLater(reason) ? ErrorCodes.TryAgainLater : ErrorCodes.IpamFailed
    })
    this.reason = reason
  }
}

/** Code 11 (try again later) is kept, because the runtime acts on it. */
const isLater = (reason: Reason): boolean =>
  reason._tag === "TimedOut" ||
  reason._tag === "StillRuns" ||
  (reason._tag === "Refused" && reason.code === ErrorCodes.TryAgainLater)

/** What came back, and what to do. */
const wordsFor = (plugin: string, reason: Reason): readonly [answer: string, cure: string] => {
  const byHand = `Run ${plugin} by hand with the same configuration, and check its log.`
  const newer = `Set cniVersion to one that ${plugin} supports, or install a newer ${plugin}.`
  switch (reason._tag) {
    case "NotFound":
      return [
        `not found along CNI_PATH=${reason.path.join(":")}`,
        `Install ${plugin} in a directory of CNI_PATH (usually /opt/cni/bin), or correct ipam.type.`
      ]
    case "NotRun":
      return [`could not be run: ${reason.answer}`, byHand]
    case "Refused":
      return [
        `code ${reason.code}: ${reason.msg}${reason.details === "" ? "" : `; ${reason.details}`}`,
        reason.code === ErrorCodes.IncompatibleVersion
          ? newer
          : `Check the ipam section of the network, and the state of ${plugin}.`
      ]
    case "Broke":
      return [
        `ended with ${reason.status} and no error document${reason.stderr === "" ? "" : `: ${reason.stderr}`}`,
        byHand
      ]
    case "Garbage":
      return [`returned an invalid result: ${reason.answer}`, byHand]
    case "NoAddress":
      return ["returned no address", `Check the ipam section of the network: ${plugin} needs a range, or addresses.`]
    case "TooOld":
      return [`supports cniVersion ${reason.supported.join(", ")}, but the network has ${reason.cniVersion}`, newer]
    case "TimedOut":
      return [`no answer within ${reason.seconds} s; it was killed`, byHand]
    case "StillRuns":
      return [
        `started by a killed ADD, and still running after ${reason.seconds} s (pid ${reason.pids.join(", ")})`,
        "Wait for it to end: the next DEL, which runtimes send by themselves, releases its address. If it hangs, kill " +
          "that process."
      ]
  }
}

/** The parameters of one call of a delegate. */
export interface Delegation {
  /** `ipam.type`. */
  readonly plugin: string
  /** The complete text of the network configuration. */
  readonly configuration: string
  /** The plugin's environment; CNI_COMMAND is set for each call. */
  readonly variables: Variables
  readonly path: ReadonlyArray<string>
}

export class Ipam extends Context.Service<
  Ipam,
  {
    /** Fails when the plugin does not exist. Runs nothing. */
    readonly preflight: (delegation: Delegation) => Effect.Effect<void, IpamError>
    /** Returns a result with at least one address. */
    readonly add: (delegation: Delegation) => Effect.Effect<CniResult, IpamError>
    readonly del: (delegation: Delegation) => Effect.Effect<void, IpamError>
    /** Returns when no ADD of this attachment by a killed caller is running, which could still reserve an address. */
    readonly ended: (delegation: Delegation) => Effect.Effect<void, IpamError>
    /** A plugin that does not implement CHECK counts as a success. */
    readonly check: (delegation: Delegation) => Effect.Effect<void, IpamError>
    /** The configuration has the list of valid attachments. A plugin that does not implement GC counts as a success. */
    readonly gc: (delegation: Delegation) => Effect.Effect<void, IpamError>
    /** Fails when its ADD would fail. For a plugin without STATUS only the supported versions are checked. */
    readonly status: (delegation: Delegation) => Effect.Effect<void, IpamError>
  }
>()("userspace-cni/Ipam") {
  static readonly layer = Layer.effect(
    Ipam,
    Effect.suspend(() => make)
  )
}

/** Returns the plugin's program: the first of its name along CNI_PATH. */
export const findPlugin = Effect.fnUntraced(function* (
  files: Files["Service"],
  verb: Call,
  { path, plugin }: Delegation
) {
  for (const directory of path) {
    const program = join(directory, plugin)
    const there = yield* Effect.orElseSucceed(files.lstat(program), () => undefined)
    if (there?.kind === "file" || there?.kind === "symlink") return program
  }
  return yield* new IpamError({ plugin, verb, reason: { _tag: "NotFound", path } })
})

/**
 * Gives a running plugin a grace period before it is killed. host-local reserves an address in one step and writes its
 * owner in the next; after a kill in between, nobody can release it.
 */
const toItsEnd = <A, E>(run: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.forkChild(Effect.interruptible(run), { startImmediately: true }), (fiber) =>
      Effect.onInterrupt(restore(Fiber.join(fiber)), () =>
        Effect.andThen(Effect.timeoutOption(Fiber.await(fiber), "1 second"), Fiber.interrupt(fiber))
      )
    )
  )

const make = Effect.gen(function* () {
  const files = yield* Files
  const processes = yield* Processes

  const call = Effect.fnUntraced(function* (verb: Call, delegation: Delegation) {
    const program = yield* findPlugin(files, verb, delegation)
    const { ipam: seconds } = yield* Deadlines
    const heard = hearing()
    // Before the program exits, only the stderr received so far is known.
    const failed = (reason: IpamError["reason"], stderr = heard.text()) => failure(verb, delegation, reason, stderr)
    const run = processes.run({
      program,
      args: [],
      env: environment(verb, delegation.variables),
      stdin: delegation.configuration,
      limit: 1 << 20,
      onStderr: heard.add
    })
    const ended = yield* toItsEnd(run).pipe(
      Effect.mapError(({ code }) => failed({ _tag: "NotRun", answer: code })),
      Effect.timeoutOrElse({
        duration: `${seconds} seconds`,
        orElse: () => Effect.fail(failed({ _tag: "TimedOut", seconds }))
      })
    )
    // Some plugins print much on success. The error has what an operator needs.
    const stderr = withoutSecrets(ended.stderr, delegation.configuration)
    for (const line of stderr.split("\n")) {
      if (line.trim() !== "") yield* Effect.logDebug(`${delegation.plugin}: ${line}`)
    }
    if (ended.status === 0) return { text: ended.stdout, stderr }
    const stdout = withoutSecrets(ended.stdout, delegation.configuration)
    return yield* failed(judgeFailure({ ...ended, stdout, stderr }), stderr)
  })

  const add = Effect.fnUntraced(function* (delegation: Delegation) {
    const { stderr, text } = yield* call("ADD", delegation)
    const failed = (reason: IpamError["reason"]) => failure("ADD", delegation, reason, stderr)
    const written = isTooDeep(text) ? undefined : parsed(text)
    if (!isAnyResult(written)) {
      return yield* failed({ _tag: "Garbage", answer: excerpt(withoutSecrets(text, delegation.configuration)) })
    }
    const result = fromAnyResult(written)
    if (result.ips.length === 0) return yield* failed({ _tag: "NoAddress" })
    return result
  })

  /** Returns whether the plugin implements the verb. */
  const asked = (verb: Call, delegation: Delegation) =>
    call(verb, delegation).pipe(
      Effect.as(true),
      Effect.catchIf(
        ({ reason }) => reason._tag === "Refused" && doesNotKnow(verb, reason),
        () => Effect.as(Effect.logInfo(`${delegation.plugin} does not implement ${verb}: treated as success`), false)
      )
    )

  const status = Effect.fnUntraced(function* (delegation: Delegation) {
    if (yield* asked("STATUS", delegation)) return
    // Such a plugin may be too old for the network's version, and then every ADD fails.
    const { supportedVersions: supported } = objectOf(parsed((yield* call("VERSION", delegation)).text))
    const { cniVersion } = objectOf(parsed(delegation.configuration))
    if (!Predicate.isString(cniVersion) || !isTexts(supported) || supported.includes(cniVersion)) return
    const { plugin } = delegation
    return yield* new IpamError({ plugin, verb: "STATUS", reason: { _tag: "TooOld", cniVersion, supported } })
  })

  return Ipam.of({
    preflight: (delegation) => Effect.asVoid(findPlugin(files, "ADD", delegation)),
    add,
    del: (delegation) => Effect.asVoid(call("DEL", delegation)),
    ended: (delegation) =>
      Effect.flatMap(
        Effect.promise(() => import("./SurvivingProcesses.ts")),
        ({ ended }) =>
          Effect.mapError(ended(files, delegation), (reason) => {
            const { plugin } = delegation
            return new IpamError({ plugin, verb: "ADD", reason })
          })
      ),
    check: (delegation) => Effect.asVoid(asked("CHECK", delegation)),
    gc: (delegation) => Effect.asVoid(asked("GC", delegation)),
    status
  })
})

const environment = (verb: Call, variables: Variables): Record<string, string> => ({
  ...Rec.filter(variables, Predicate.isNotUndefined),
  CNI_COMMAND: verb
})

/** The plugin received them with the configuration. Used before a text is cut: half a secret would not be found. */
const withoutSecrets = (text: string, configuration: string): string =>
  text === "" ? "" : hide(secretsIn(parsed(configuration)), text)

const failure = (
  verb: Call,
  { configuration, plugin }: Delegation,
  reason: IpamError["reason"],
  stderr: string
): IpamError => {
  const said = reason._tag === "Broke" ? "" : lastLines(withoutSecrets(stderr, configuration))
  return new IpamError({ plugin, verb, reason, said })
}

const isTexts = (value: unknown): value is ReadonlyArray<string> =>
  Array.isArray(value) && value.every(Predicate.isString)

/** An error document has a code; message and details may be absent. */
const judgeFailure = ({ status, stderr, stdout }: Ended): IpamError["reason"] => {
  const { code, details = "", msg = "" } = objectOf(parsed(stdout))
  return Number.isSafeInteger(code) && Predicate.isString(msg) && Predicate.isString(details)
    ? { _tag: "Refused", code: Number(code), msg: short(msg), details: short(details) }
    : {
        _tag: "Broke",
        status: typeof status === "number" ? `exit status ${status}` : status,
        stderr: lastLines(stderr) || excerpt(stdout.trim())
      }
}

/**
 * whereabouts answers CHECK with "not implemented"; Go's skeleton answers an unknown verb with code 4, or that the
 * version does not allow it. Before 1.2 (host-local, static and dhcp up to 1.5) the skeleton first checks the container
 * id, which GC and STATUS do not have. A plugin on a newer skeleton that has nothing to do for a verb exits with 0, so
 * none of these apply. Codes 50 and 51 mean that the plugin is not available.
 */
const doesNotKnow = (verb: Call, { code, msg }: { readonly code: number; readonly msg: string }): boolean =>
  code !== ErrorCodes.NotAvailable &&
  code !== ErrorCodes.NotAvailableLimited &&
  (new RegExp(`(^|method is |${verb} (is )?)not implemented$|does not (support|allow) ${verb}$`, "i").test(msg) ||
    /^unknown CNI_COMMAND/.test(msg) ||
    (code === ErrorCodes.BadEnvironment && /CNI_COMMAND/.test(msg)) ||
    ((verb === "GC" || verb === "STATUS") && msg === "missing containerID"))

/** Limits the text of another program in a message. */
const short = (text: string): string => (text.length > 2000 ? `${text.slice(0, 2000)}...` : text)

const excerpt = (text: string): string => JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}...` : text)

/** Number of bytes kept of the end. */
const stderrLimit = 1 << 14

const lines = 5

const width = 300

/** Collects stderr as it arrives, and drops the middle of long output. */
const hearing = () => {
  let kept = Buffer.alloc(0)
  let cut = false
  return {
    add: (chunk: Uint8Array) => {
      const all = Buffer.concat([kept, chunk])
      cut = cut || all.length > stderrLimit
      kept = all.subarray(-stderrLimit)
    },
    // A truncated line may contain half a secret, which would not be found.
    text: (): string => kept.subarray(cut ? kept.indexOf("\n") + 1 : 0).toString("utf8")
  }
}

/** Quotes the last lines for an error, preceded by the first line, where a panic states its reason. */
const lastLines = (text: string): string => {
  const all = text.split("\n").filter((line) => line.trim() !== "")
  const chosen = all.length <= lines ? all : [...all.slice(0, 1), "...", ...all.slice(1 - lines)]
  return chosen.length === 0 ? "" : JSON.stringify(chosen.map(cut).join("\n"))
}

const cut = (line: string): string => (line.length > width ? `${line.slice(0, width)}...` : line)
