/** Runs `userspace agent status`. */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { isOurs, mountNamespace, namespaces } from "../../agent/Location.ts"
import { mountsHeader, namespacesHeader, readyPath, versionHeader } from "../../agent/Protocol.ts"
import { get, type NoAgent } from "../../agent/Status.ts"
import { version } from "../../app/Version.ts"
import { CommandLineError } from "../text/CommandLineError.ts"
import { agentText, socketAsked, statusOn } from "./AgentThere.ts"
import { print } from "./Node.ts"

export const perform = Effect.fnUntraced(function* (options: {
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
