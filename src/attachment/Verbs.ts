/**
 * From a judged call to its program: the configuration that counts, the sandbox looked at, the record read, the
 * switch's layer chosen. The only place that knows all three programs.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { CniError, fromExplained } from "../cni/CniError.ts"
import { inVersion } from "../cni/CniResult.ts"
import { type Configuration, readConfiguration, readEnvelope } from "../cni/Configuration.ts"
import type { Asked } from "../cni/Dispatch.ts"
import { attachmentOf, type Environment, readArgs, type Variables } from "../cni/Environment.ts"
import { ErrorCodes } from "../cni/ErrorCodes.ts"
import type { HostPort } from "../cni/HostPort.ts"
import { type NamespaceKind, Namespaces } from "../platform/Namespaces.ts"
import { add } from "./Add.ts"
import type { Attachment } from "./Attachment.ts"
import { type Call, defaultStateDir } from "./Call.ts"
import { check } from "./Check.ts"
import { del } from "./Del.ts"
import { handoverFor } from "./Handovers.ts"
import type { Record } from "./Record.ts"
import { Records } from "./Records.ts"
import type { EngineLayer, HandoverLayer } from "./Services.ts"

/** What goes to stdout: ADD's result, nothing for the others. */
export type Document = Readonly<{ [key: string]: unknown }> | undefined

/** The layers that the configuration decides on. */
export interface Choices {
  readonly engine: (port: HostPort) => EngineLayer
  readonly handover: (attachment: Attachment, configuration: Configuration, variables: Variables) => HandoverLayer
}

/** Runs the verb. Needs a `Records` of {@link stateDirOfAsked}. */
export const runVerb = Effect.fnUntraced(function* (
  asked: Asked,
  engine: Choices["engine"],
  handover: Choices["handover"] = handoverFor
) {
  return yield* program(asked, { engine, handover }).pipe(
    Effect.catchTags({
      VswitchError: (error) => Effect.fail(fromExplained(error)),
      IpamError: (error) => Effect.fail(fromExplained(error)),
      PodsError: (error) => Effect.fail(fromExplained(error)),
      SharedDirError: (error) => Effect.fail(fromExplained(error)),
      RecordError: (error) => Effect.fail(fromExplained(error))
    }),
    Effect.satisfiesErrorType<CniError>()
  )
})

const program = Effect.fnUntraced(function* (asked: Asked, choices: Choices) {
  const { environment, previous, verb } = asked
  yield* lookAtSandbox(asked)
  if (verb === "ADD") {
    const call = yield* callFor(asked, attachmentIn(asked))
    yield* Effect.forEach(call.configuration.warnings, (warning) => Effect.logWarning(warning))
    const result = yield* Effect.provide(add(call), chosen(call, choices))
    return inVersion(asked.envelope.version, result)
  }
  const named = attachmentIn(asked)
  const record = yield* recordOf(asked, named)
  const attachment = { ...named, pod: named.pod ?? record?.pod }
  const configuration = yield* configurationThatCounts(asked, record)
  const call: Call = { attachment, configuration, environment, previous }
  yield* Effect.provide(verb === "DEL" ? del(call, record) : check(call, record), chosen(call, choices))
  return undefined
})

const chosen = ({ attachment, configuration, environment }: Call, { engine, handover }: Choices) =>
  Layer.merge(engine(configuration.port), handover(attachment, configuration, environment.variables))

const attachmentIn = ({ envelope, environment }: Asked): Attachment => attachmentOf(envelope.name, environment)

const callFor = Effect.fnUntraced(function* (asked: Asked, attachment: Attachment) {
  const { envelope, environment, previous } = asked
  const configuration = yield* Effect.fromResult(readConfiguration(envelope, environment.args, environment.variables))
  const call: Call = { attachment, configuration, environment, previous }
  return call
})

/** A DEL whose record cannot be read goes on without: it is no reason to keep a pod from going. */
const recordOf = Effect.fnUntraced(function* ({ verb }: Asked, attachment: Attachment) {
  const records = yield* Records
  const found = records.find(attachment)
  if (verb !== "DEL") return yield* found
  return yield* Effect.catch(found, (error) =>
    Effect.as(Effect.logWarning(`${error.failed}; going on by the mark on the switch`), undefined)
  )
})

/**
 * What ADD was given is what has to be undone, so the record's configuration goes before the caller's, which may have
 * been edited, or broken, since. IPAM still gets the caller's, as the specification has it, unless that names none.
 */
const configurationThatCounts = Effect.fnUntraced(function* (asked: Asked, record: Record | undefined) {
  const { envelope, environment } = asked
  const given = readConfiguration(envelope, environment.args, environment.variables)
  const recorded = record === undefined ? undefined : Result.getOrUndefined(recordedConfiguration(record, environment))
  if (recorded === undefined) return yield* Effect.fromResult(given)
  if (Result.isFailure(given)) {
    yield* Effect.logWarning(`${given.failure.msg}; going on with the configuration that ADD was given`)
    return recorded
  }
  return given.success.netConf.ipam === undefined
    ? recorded
    : { ...recorded, netConf: { ...recorded.netConf, ipam: given.success.netConf.ipam }, text: envelope.text }
})

const recordedConfiguration = (record: Record, environment: Environment): Result.Result<Configuration, CniError> =>
  Result.flatMap(readArgs(record.args), (args) =>
    Result.flatMap(readEnvelope(record.configuration), (envelope) =>
      readConfiguration(envelope, args, environment.variables)
    )
  )

/** Known before the configuration is judged, because a broken one must not hide the records from DEL. */
export const stateDirOfAsked = ({ envelope: { value } }: Asked): string => {
  const stateDir = value["stateDir"]
  return typeof stateDir === "string" && stateDir.startsWith("/") ? stateDir : defaultStateDir
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
      "A pod with hostNetwork needs no attachment. Set CNI_NETNS_OVERRIDE=1 if it is meant."
    )
  }
  const wrong = wrongSandbox[kind]
  if (verb === "ADD" && wrong !== undefined) {
    return yield* CniError.of(
      ErrorCodes.BadEnvironment,
      `CNI_NETNS=${netns} ${wrong}`,
      "The runtime gives the path of the sandbox's namespace, such as /var/run/netns/NAME or /proc/PID/ns/net."
    )
  }
})

const wrongSandbox: Partial<Readonly<{ [kind in NamespaceKind]: string }>> = {
  missing: "does not exist",
  "other file": "is not a network namespace",
  unreadable: "cannot be looked at by this process"
}
