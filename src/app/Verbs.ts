/**
 * Runs the program of a validated call: selects the effective configuration, inspects the sandbox, reads the record,
 * chooses the switch's layer. The only module that knows ADD, CHECK and DEL.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { type Call, defaultStateDir } from "../attachment/Call.ts"
import { configurationOfRecord, isNewer } from "../attachment/Recorded.ts"
import type { Record } from "../attachment/records/Record.ts"
import { recordFormat } from "../attachment/records/RecordFormat.ts"
import { Records } from "../attachment/records/Records.ts"
import { add } from "../attachment/verbs/Add.ts"
import { del } from "../attachment/verbs/Del.ts"
import type { Asked } from "../cni/Dispatch.ts"
import { type Configuration, readConfiguration, readLeniently } from "../cni/network/Configuration.ts"
import { spelledOut } from "../cni/network/Explained.ts"
import type { HostPort } from "../cni/network/HostPort.ts"
import { isAbsolutePath } from "../cni/network/Validators.ts"
import { asCniError, CniError, ErrorCodes } from "../cni/types/CniError.ts"
import { type CniResult, inVersion } from "../cni/types/CniResult.ts"
import type { ContainerConfigLayer } from "../container-config/ContainerConfig.ts"
import { type Attachment, attachmentOf } from "../identity/Attachment.ts"
import { type NamespaceKind, Namespaces } from "../platform/Namespaces.ts"
import { commit, committing } from "../program/Committed.ts"
import type { EngineLayer } from "../vswitch/Vswitch.ts"

/** The document for stdout: ADD's result, nothing for the others. */
export type Document = Readonly<{ [key: string]: unknown }> | undefined

/** The layers that depend on the configuration. `At`: the information needed for a switch. */
export interface Choices<At = HostPort> {
  readonly engine: (at: At) => EngineLayer
  readonly containerConfig: (call: Call) => ContainerConfigLayer
}

/** Runs the verb. Needs a `Records` of {@link stateDirOfAsked}. */
export const runVerb = (asked: Asked, choices: Choices) =>
  Effect.satisfiesErrorType<CniError>()(Effect.mapError(program(asked, choices), asCniError))

const program = Effect.fnUntraced(function* (asked: Asked, choices: Choices) {
  const { envelope, environment, previous, verb } = asked
  yield* lookAtSandbox(asked)
  const named = attachmentOf(envelope.name, environment)
  if (verb === "ADD") {
    const call: Call = { attachment: named, configuration: yield* configurationAsked(asked), environment, previous }
    for (const warning of call.configuration.warnings) yield* Effect.logWarning(warning)
    const documentOf = (result: CniResult) => inVersion(envelope.version, result)
    const added = add(call, (result) => commit(documentOf(result)))
    return documentOf(yield* Effect.provide(added, chosen(call, choices)))
  }
  const record = yield* recordOf(asked, named)
  if (record !== undefined && isNewer(record)) yield* Effect.logWarning(newer(verb, record))
  const call: Call = {
    attachment: { ...named, pod: named.pod ?? record?.pod },
    configuration: yield* configurationThatCounts(asked, record),
    environment,
    previous
  }
  const done = verb === "DEL" ? committing(del(call, record)) : checked(call, record)
  yield* Effect.provide(done, chosen(call, choices))
  return undefined
})

/** CHECK is rare compared with ADD and DEL. */
const checked = (call: Call, record: Record | undefined) =>
  Effect.flatMap(
    Effect.promise(() => import("../attachment/verbs/Check.ts")),
    ({ check }) => check(call, record)
  )

const newer = (verb: Asked["verb"], { format }: Record): string =>
  `the record has format ${format}, written by a later release; this release knows ${recordFormat}, and ${
    verb === "DEL" ? "removes" : "compares"
  } only what it knows`

const chosen = (call: Call, { engine, containerConfig }: Choices) =>
  Layer.merge(engine(call.configuration.port), containerConfig(call))

export const configurationAsked = ({ envelope, environment }: Pick<Asked, "envelope" | "environment">) =>
  spelledOut(readConfiguration(envelope, environment.args, environment.variables))

/** A DEL continues without an unreadable record: it must not keep a pod from being deleted. */
const recordOf = Effect.fnUntraced(function* ({ verb }: Asked, attachment: Attachment) {
  const records = yield* Records
  const found = records.find(attachment)
  if (verb !== "DEL") return yield* found
  return yield* Effect.catch(found, (error) =>
    Effect.as(Effect.logWarning(`${error.failed}; continuing with the mark on the switch`), undefined)
  )
})

/**
 * DEL must undo the configuration of the ADD, so the record's takes precedence over the caller's, which may have been
 * edited since. IPAM still gets the caller's, as the specification requires, unless it has no IPAM plugin.
 */
const configurationThatCounts = Effect.fnUntraced(function* (asked: Asked, record: Record | undefined) {
  const { envelope, environment } = asked
  const given = yield* Effect.result(configurationAsked(asked))
  const recorded =
    record === undefined ? undefined : Result.getOrUndefined(configurationOfRecord(record, environment.variables))
  if (recorded === undefined) return yield* asked.verb === "DEL" ? lenient(asked, given) : Effect.fromResult(given)
  if (Result.isFailure(given)) {
    yield* Effect.logWarning(`${given.failure.msg}; continuing with the configuration of the ADD`)
    return recorded
  }
  return given.success.netConf.ipam === undefined
    ? recorded
    : { ...recorded, netConf: { ...recorded.netConf, ipam: given.success.netConf.ipam }, text: envelope.text }
})

/**
 * Without a record, the attachment may be the original plugin's, which ignored much that is rejected here: unknown
 * keys, or VLANs on VPP. That must not keep the pod from being deleted.
 */
const lenient = Effect.fnUntraced(function* (
  { envelope, environment }: Asked,
  strict: Result.Result<Configuration, CniError>
) {
  if (Result.isSuccess(strict)) return strict.success
  const { args, variables } = environment
  const reading = Result.getOrUndefined(readLeniently(envelope, args, variables))
  if (reading === undefined) return yield* strict.failure
  yield* Effect.logWarning(`${strict.failure.msg}; continuing without the invalid keys`)
  return reading
})

/** Read before validation, because an invalid configuration must not hide the records from DEL. */
export const stateDirOfAsked = ({ envelope: { value } }: Pick<Asked, "envelope">): string => {
  const stateDir = value["stateDir"]
  return isAbsolutePath(stateDir) ? stateDir : defaultStateDir
}

const lookAtSandbox = Effect.fnUntraced(function* ({ environment: { netns, variables }, verb }: Asked) {
  if (netns === "") return
  const namespaces = yield* Namespaces
  const kind = yield* namespaces.judge(netns)
  const override = /^(1|t|true)$/i.test(variables["CNI_NETNS_OVERRIDE"] ?? "")
  if (kind === "own" && !override && verb !== "CHECK") {
    return yield* CniError.of(
      ErrorCodes.OwnNetns,
      `CNI_NETNS=${netns} is the plugin's own network namespace`,
      "Remove the network from pods with hostNetwork, or set CNI_NETNS_OVERRIDE=1 to attach anyway."
    )
  }
  const wrong = wrongSandbox[kind]
  if (verb === "ADD" && wrong !== undefined) {
    return yield* CniError.of(
      ErrorCodes.BadEnvironment,
      `CNI_NETNS=${netns} ${wrong}`,
      "Set it to the path of the sandbox's network namespace, such as /var/run/netns/NAME or /proc/PID/ns/net."
    )
  }
})

const wrongSandbox: Partial<Readonly<{ [kind in NamespaceKind]: string }>> = {
  missing: "does not exist",
  "out of sight": "does not exist",
  "other file": "is not a network namespace",
  unreadable: "cannot be accessed: permission denied"
}
