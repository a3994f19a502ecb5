/**
 * Keeps the UserspaceNode of this node: looks at the node after each change and once a minute, and writes what differs
 * from the object, at most once in ten seconds. No request when nothing differs. In a fiber of its own: calls and healing
 * do not wait for it, and none fails because of it. After a failure the API server is left alone for a while; each kind of
 * failure is logged once.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as References from "effect/References"
import { viewOf } from "../../app/SwitchViews.ts"
import { examine } from "../../attachment/doctor/Doctor.ts"
import type { Observer } from "../../attachment/heal/Keep.ts"
import { list } from "../../attachment/node/Listing.ts"
import { millis } from "../../attachment/node/Survey.ts"
import type { Switches } from "../../attachment/node/Switches.ts"
import type { Control } from "../../cni/network/HostPort.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import { ask, type Wanted } from "../../kubernetes/ApiServer.ts"
import { readAccess } from "../../kubernetes/Credentials.ts"
import { PodsError, type Reason } from "../../kubernetes/PodsError.ts"
import * as UserspaceNode from "../../kubernetes/UserspaceNode.ts"
import { Files } from "../../platform/Files.ts"
import { Https } from "../../platform/Https.ts"
import { undying } from "../../program/Undying.ts"
import type { DeviceCount } from "../metrics/Scrape.ts"
import { type Inspected, summaryOf, type Viewed } from "./Summary.ts"

interface Options {
  /** Of the Node, which is its own. */
  readonly name: string
  readonly kubeconfig: string
  readonly switches: Switches
  readonly variables: Variables
  readonly devices: Effect.Effect<ReadonlyArray<DeviceCount>>
}

const atLeast = "10 seconds"
/** Applications connect, and findings come, without an event. */
const atMost = Duration.minutes(1)

const lasting = undying("the object of this node is not written. Report this with the lines that follow.")

/** Writes until the scope ends. Returns what has to be told of each change. */
export const make = Effect.fnUntraced(function* (options: Options) {
  const changes = yield* Queue.sliding<void>(1)
  const healed = new Map<string, { count: number; last: string }>()
  const write = yield* makeWrite(options)
  const turn = Effect.flatMap(inspect(options, healed), (inspected) => write(summaryOf(inspected)))
  const pause = Effect.flatMap(Random.nextBetween(0.8, 1.2), (factor) => Effect.sleep(Duration.times(atMost, factor)))
  const next = Effect.andThen(Effect.sleep(atLeast), Effect.race(Queue.take(changes), pause))
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(lasting(turn), next)))
  const changed = () => void Queue.offerUnsafe(changes, undefined)
  const observer: Pick<Observer, "news" | "round"> = {
    news: changed,
    round: ({ found, when }) => {
      for (const { kind, outcome } of found) {
        if (outcome._tag !== "Done") continue
        healed.set(kind, { count: (healed.get(kind)?.count ?? 0) + 1, last: new Date(when).toISOString() })
      }
      if (found.length > 0) changed()
    }
  }
  return { changed, observer }
})

/** Asks no API server and starts no process. What a look cannot see is part of what it reports, so none of it is logged each minute. */
const inspect = ({ devices, switches, variables }: Options, healed: Inspected["healed"]) =>
  Effect.gen(function* () {
    const views: Array<Viewed> = []
    const viewAt = (at: Control) =>
      Effect.flatMap(Effect.result(viewOf(at)), (view) => {
        views.push({ at, view })
        return Effect.fromResult(view)
      })
    const asked = { switches, viewAt, variables, controls: [], pod: undefined, network: undefined, light: true }
    const report = yield* examine(asked)
    const { attachments } = yield* list(switches, { controls: [], variables })
    const inspected: Inspected = { report, views, attachments, devices: yield* devices, healed }
    return inspected
  }).pipe(Effect.provideService(References.MinimumLogLevel, "Error"))

/** Writes a summary, if it differs from the object. */
const makeWrite = Effect.fnUntraced(function* ({ kubeconfig, name }: Options) {
  const files = yield* Files
  const https = yield* Https
  /** What the API server has; undefined: not known. */
  let known: UserspaceNode.Status | undefined
  let until = 0
  const logged = new Set<string>()

  const failed = Effect.fnUntraced(function* (server: string, reason: Reason) {
    const jitter = yield* Random.nextBetween(0.75, 1.25)
    until = (yield* millis) + pauseAfter(reason) * jitter
    known = undefined
    if (isAway(reason) || logged.has(reason._tag)) return
    logged.add(reason._tag)
    if (reason._tag === "NotFound") return yield* Effect.logInfo(undefinedResource)
    const error = new PodsError({ server, operation: `write userspacenode ${name}`, reason })
    yield* reason._tag === "Forbidden"
      ? Effect.logInfo(`${error.failed}. ${allow(kubeconfig)}`)
      : Effect.logWarning(`${error.failed}. ${error.cure}`)
  })

  return Effect.fnUntraced(function* (summary: UserspaceNode.Summary) {
    if ((yield* millis) < until) return
    if (known !== undefined && UserspaceNode.isSameAs(known, summary)) return
    let server = ""
    const access = Effect.mapError(
      readAccess(files, { kubeconfig }),
      (problem): Reason => ({ _tag: "NoAccess", ...problem })
    )
    const writing = Effect.gen(function* () {
      const usable = yield* access
      server = usable.server
      const request = (wanted: Wanted) => ask(https, usable, wanted)
      known ??= yield* read(request, name)
      if (known !== undefined && UserspaceNode.isSameAs(known, summary)) return known
      const now = new Date(yield* Clock.currentTimeMillis).toISOString()
      const status = UserspaceNode.statusOf(summary, known, now)
      const path = `${UserspaceNode.pathOf(name)}/status`
      const patch = request({ method: "PATCH", path, body: JSON.stringify({ status }) })
      // Somebody has deleted it.
      yield* patch.pipe(orElse("NotFound", Effect.andThen(read(request, name), patch)))
      return status
    })
    yield* Effect.matchEffect(writing, {
      onFailure: (reason) => failed(server, reason),
      onSuccess: (status) =>
        Effect.sync(() => {
          known = status
          logged.clear()
        })
    })
  })
})

type Request = (wanted: Wanted) => Effect.Effect<string, Reason>

const orElse =
  <B>(tag: Reason["_tag"], otherwise: Effect.Effect<B, Reason>) =>
  <A>(self: Effect.Effect<A, Reason>): Effect.Effect<A | B, Reason> =>
    Effect.catch(self, (reason) => (reason._tag === tag ? otherwise : Effect.fail(reason)))

/** The status of the object, which is made if it is not there. It goes with its Node, if that may be read. */
const read = Effect.fnUntraced(function* (request: Request, name: string) {
  const path = UserspaceNode.pathOf(name)
  const text = yield* request({ method: "GET", path }).pipe(orElse("NotFound", Effect.succeed(undefined)))
  if (text !== undefined) return Option.getOrUndefined(UserspaceNode.decodeNode(text))?.status
  const owner = yield* Effect.option(request({ method: "GET", path: `/api/v1/nodes/${encodeURIComponent(name)}` }))
  const body = UserspaceNode.newObject(name, Option.getOrUndefined(Option.flatMap(owner, UserspaceNode.uidIn)))
  // Another agent of this node has made it meanwhile.
  yield* request({ method: "POST", path: UserspaceNode.pathOfNew, body }).pipe(orElse("Conflict", Effect.void))
  return undefined
})

const undefinedResource =
  "this cluster does not know the resource userspacenodes: what is known of this node is not written there. Apply examples/kubernetes/userspacenodes.yaml, or start the agent without --node."

const allow = (kubeconfig: string): string =>
  `Allow the user of ${kubeconfig} to write it (docs/kubernetes.md), or start the agent without --node.`

const isAway = ({ _tag }: Reason): boolean => _tag === "Unreachable" || _tag === "TooSlow" || _tag === "Busy"

/** In milliseconds. With jitter, because the agents of a cluster may fail together. */
const pauseAfter = ({ _tag }: Reason): number => {
  switch (_tag) {
    // The kubeconfig is being written, or another wrote the object.
    case "NoAccess":
    case "Conflict":
      return 5_000
    case "Forbidden":
    case "NotFound":
    case "Refused":
      return 600_000
    default:
      return 60_000
  }
}
