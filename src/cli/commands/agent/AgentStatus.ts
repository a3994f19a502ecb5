/** `userspace agent status` */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { isOurs, mountNamespace, namespaces } from "../../../agent/Location.ts"
import {
  defaultSocket,
  mountsHeader,
  namespacesHeader,
  readyPath,
  socketVariable,
  versionHeader
} from "../../../agent/Protocol.ts"
import { get, type NoAgent, type Status } from "../../../agent/Status.ts"
import { version } from "../../../app/Version.ts"
import { jsonFlag, text, yes } from "../../input/Flags.ts"
import { enterHost, hostFlag } from "../../input/Host.ts"
import { otherVersion, socketAsked, statusOn } from "../../print/AgentThere.ts"
import { CommandLineError, print } from "../../print/Printer.ts"

const perform = Effect.fnUntraced(function* (options: {
  readonly socket: Option.Option<string>
  readonly ready: boolean
  readonly json: boolean
}) {
  const socket = yield* socketAsked(options.socket)
  const status = yield* Effect.mapError(statusOn(socket), noneAnswers(socket))
  if (options.ready) yield* acceptsCalls(socket)
  yield* print(options.json, status, agentText(status))
})

const noneAnswers = (socket: string) => (cause: NoAgent | Schema.SchemaError) =>
  new CommandLineError({
    failed: `no agent answers on ${socket}`,
    answer: cause._tag === "NoAgent" ? cause.answer : cause.message,
    cure:
      "Check `systemctl status userspace-agent`, or with the DaemonSet `kubectl -n kube-system logs " +
      "daemonset/userspace-cni -c agent`. Meanwhile calls run in their own processes."
  })

const Refused = Schema.fromJsonString(Schema.Struct({ error: Schema.String }))

const cures: Readonly<Record<number, string>> = {
  409: "Restart the agent: its executable has been replaced since it started.",
  421: "Run the agent in the root directory and in the mount, network and PID namespaces of the runtime."
}

/** As a call from here asks, up to the acceptance. */
const acceptsCalls = Effect.fnUntraced(function* (socket: string) {
  const declined = (answer: string, cure: string) =>
    new CommandLineError({ failed: "the agent does not serve calls from here", answer, cure })
  const ours = yield* Effect.orElseSucceed(
    Effect.try(() => isOurs(socket)),
    () => false
  )
  if (!ours) {
    return yield* declined(
      `${socket} is not a socket of this user that nobody else can write to`,
      "Run this as the user of the agent, root. If it is run so, restart the agent: it makes its socket anew."
    )
  }
  const caller = yield* Effect.try({
    try: () => ({ [namespacesHeader]: namespaces(), [mountsHeader]: `${process.pid} ${mountNamespace()}` }),
    catch: (cause) => declined(String(cause), "Mount /proc.")
  })
  const { status, text } = yield* get(socket, readyPath, { headers: { [versionHeader]: version, ...caller } }).pipe(
    Effect.mapError(noneAnswers(socket))
  )
  if (status === 200) return
  const { error } = yield* Effect.orElseSucceed(Schema.decodeUnknownEffect(Refused)(text), () => ({ error: text }))
  yield* declined(error, cures[status] ?? "Wait: it starts or stops. Meanwhile calls run in their own processes.")
})

export const agentText = (status: Status): string => {
  const { calls, declined, healing, lastFailure, metrics, pid, rebound, since, socket, state, switches } = status
  const row = (name: string, text: string) => `${name.padEnd(14)}${text}`
  return [
    row("Agent", `userspace-cni ${status.version}, process ${pid}, ${state}, since ${since}`),
    ...(status.version === version ? [] : [row("", `-> ${otherVersion(status.version)}`)]),
    row("Socket", rebound === 0 ? socket : `${socket} (created again ${rebound} times)`),
    row("Calls", `${calls.running} running, ${calls.queued} waiting`),
    row("So far", `${calls.served} done, ${calls.failed} failed, ${calls.interrupted} interrupted`),
    ...(declined === undefined
      ? []
      : [
          row("Declined", `${declined.calls}, made by their own processes; the last ${declined.at}: ${declined.why}`),
          ...(declined.cure === null ? [] : [row("", `-> ${declined.cure}`)])
        ]),
    ...switches.map((one) => row("Switch", `${one.engine} on ${one.control}, kept since ${one.since}`)),
    ...(metrics === undefined
      ? []
      : [row("Metrics", metrics.problem === null ? metrics.url : `not on ${metrics.url}: ${metrics.problem}`)]),
    ...(healing === null
      ? []
      : [
          row("Healing", `${healing.at} looked at ${healing.looked}, found ${healing.findings.length}`),
          ...healing.findings.map((one) => row("", foundText(one))),
          ...healing.problems.flatMap(({ cure, failed }) => [row("", failed), row("", `-> ${cure}`)])
        ]),
    ...(lastFailure === null
      ? []
      : [
          row("Last failure", `${lastFailure.at} ${lastFailure.verb} of ${lastFailure.containerId.slice(0, 12)}`),
          row("", `code ${lastFailure.code}: ${lastFailure.msg}`),
          row("", `-> ${lastFailure.cure}`)
        ])
  ].join("\n")
}

type Finding = NonNullable<Status["healing"]>["findings"][number]

const foundText = ({ containerId, finding, interface: ifName, outcome, words }: Finding): string =>
  `${finding}, ${outcome}: ${ifName ?? "an interface"} of ${containerId?.slice(0, 12) ?? "a container"}: ${words}`

export const command = Command.make(
  "status",
  {
    socket: text("socket", "PATH", `Socket of the agent (default: ${socketVariable}, or ${defaultSocket})`),
    ready: yes("ready", "Exit with 1 unless the agent would accept a call from here now"),
    host: hostFlag,
    json: jsonFlag
  },
  (options) => Effect.andThen(enterHost(options), perform(options))
).pipe(Command.withDescription("Show since when the agent runs, its calls, its switches, and its last failure"))
