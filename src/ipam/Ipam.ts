/**
 * Delegation to an IPAM plugin: found along CNI_PATH, given our environment and the whole configuration, its output
 * judged. Knows no address and keeps no state. CNI specification 1.1.0, section 4 (Delegation).
 */
import { join } from "node:path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { AnyResult, type CniResult, fromAnyResult } from "../cni/CniResult.ts"
import { Deadlines } from "../cni/Deadlines.ts"
import type { Variables } from "../cni/Environment.ts"
import { ErrorCodes } from "../cni/ErrorCodes.ts"
import { Files } from "../platform/Files.ts"
import { type Ended, Processes } from "../platform/Processes.ts"
import { IpamError } from "./IpamError.ts"

/** One call of a delegate. */
export interface Delegation {
  /** `ipam.type`. */
  readonly plugin: string
  /** The network configuration, whole, as text. */
  readonly configuration: string
  /** Our environment; CNI_COMMAND is set for each call. */
  readonly variables: Variables
  readonly path: ReadonlyArray<string>
}

export class Ipam extends Context.Service<
  Ipam,
  {
    /** At least one address. */
    readonly add: (delegation: Delegation) => Effect.Effect<CniResult, IpamError>
    readonly del: (delegation: Delegation) => Effect.Effect<void, IpamError>
    /** A plugin that does not know CHECK is content. */
    readonly check: (delegation: Delegation) => Effect.Effect<void, IpamError>
  }
>()("userspace-cni/Ipam") {
  static readonly layer = Layer.effect(
    Ipam,
    Effect.suspend(() => make)
  )
}

type Call = IpamError["verb"]

const decodeResult = Schema.decodeUnknownOption(Schema.fromJsonString(AnyResult))
const decodeError = Schema.decodeUnknownOption(
  Schema.fromJsonString(
    Schema.Struct({
      code: Schema.Int,
      msg: Schema.optionalKey(Schema.String),
      details: Schema.optionalKey(Schema.String)
    })
  )
)

/** The plugin's program: the first along CNI_PATH. */
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

const make = Effect.gen(function* () {
  const files = yield* Files
  const processes = yield* Processes

  const call = Effect.fnUntraced(function* (verb: Call, delegation: Delegation) {
    const program = yield* findPlugin(files, verb, delegation)
    const { ipam: seconds } = yield* Deadlines
    const failed = (reason: IpamError["reason"]) => new IpamError({ plugin: delegation.plugin, verb, reason })
    const ended = yield* processes
      .run({
        program,
        args: [],
        env: environment(verb, delegation.variables),
        stdin: delegation.configuration,
        limit: 1 << 20
      })
      .pipe(
        Effect.mapError(({ code }) => failed({ _tag: "NotRun", answer: code })),
        Effect.timeoutOrElse({
          duration: `${seconds} seconds`,
          orElse: () => Effect.fail(failed({ _tag: "TimedOut", seconds }))
        })
      )
    for (const line of ended.stderr.split("\n")) {
      if (line.trim() !== "") yield* Effect.logInfo(`${delegation.plugin}: ${line}`)
    }
    if (ended.status !== 0) return yield* failed(judgeFailure(ended))
    return ended.stdout
  })

  const add = Effect.fn("Ipam.add")(function* (delegation: Delegation) {
    const text = yield* call("ADD", delegation)
    const failed = (reason: IpamError["reason"]) => new IpamError({ plugin: delegation.plugin, verb: "ADD", reason })
    const decoded = decodeResult(text)
    if (Option.isNone(decoded)) return yield* failed({ _tag: "Garbage", answer: excerpt(text) })
    const result = fromAnyResult(decoded.value)
    if (result.ips.length === 0) return yield* failed({ _tag: "NoAddress" })
    return result
  })

  const del = Effect.fn("Ipam.del")((delegation: Delegation) => Effect.asVoid(call("DEL", delegation)))

  const check = Effect.fn("Ipam.check")((delegation: Delegation) =>
    call("CHECK", delegation).pipe(
      Effect.asVoid,
      Effect.catchIf(
        ({ reason }) => reason._tag === "Refused" && doesNotKnow(reason),
        () => Effect.logInfo(`${delegation.plugin} does not know CHECK: taken as content`)
      )
    )
  )

  return Ipam.of({ add, del, check })
})

const environment = (verb: Call, variables: Variables): Record<string, string> => {
  const own: Record<string, string> = {}
  for (const [name, value] of Object.entries(variables)) if (value !== undefined) own[name] = value
  return { ...own, CNI_COMMAND: verb }
}

const judgeFailure = ({ status, stderr, stdout }: Ended): IpamError["reason"] =>
  Option.match(decodeError(stdout), {
    onNone: () => ({
      _tag: "Broke",
      status: typeof status === "number" ? `exit status ${status}` : status,
      stderr: excerpt(stderr.trim() || stdout.trim())
    }),
    onSome: ({ code, details = "", msg = "" }) => ({ _tag: "Refused", code, msg, details })
  })

/** whereabouts answers CHECK with "not implemented"; Go's skeleton an unknown verb with code 4. */
const doesNotKnow = ({ code, msg }: { readonly code: number; readonly msg: string }): boolean =>
  /not implemented|unknown CNI_COMMAND|does not (support|allow)/i.test(msg) ||
  (code === ErrorCodes.BadEnvironment && /CNI_COMMAND/.test(msg))

const excerpt = (text: string): string => JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}...` : text)
