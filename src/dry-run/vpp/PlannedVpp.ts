/**
 * {@link VppClient} that reads the real VPP and records changes: its sessions answer changes from a copy. If VPP is
 * unreachable, the copy is an empty VPP with every message, and the plan says so.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type Ask, callBy, read, type Session, written } from "../../vpp/client/Session.ts"
import { VppClient } from "../../vpp/client/VppClient.ts"
import { inWords, type Reason, VppError } from "../../vpp/client/VppError.ts"
import { addressesOf } from "../../vpp/interfaces/HostAddresses.ts"
import { addressDump, routeAddDel, routeLookup } from "../../vpp/messages/Ip.ts"
import * as Message from "../../vpp/messages/Message.ts"
import type { Overlay } from "../edges/Overlay.ts"
import type { PlanRecorder } from "../plan/Plan.ts"
import { copyOf, empty } from "./VppCopy.ts"
import type { Handler, Told } from "./VppMessage.ts"
import { vppMessages } from "./VppMessages.ts"
import type { Interface, VppModel } from "./VppModel.ts"

export const make = (real: VppClient["Service"], verb: string, overlay: Overlay, recorder: PlanRecorder) => {
  const { peer } = real
  let copy: Copy | undefined

  const open = Effect.gen(function* () {
    const seen = yield* Effect.result(real.open)
    if (Result.isFailure(seen)) {
      const { reason } = seen.failure
      const forbidden = reason._tag === "Unreachable" && reason.code === "EACCES"
      if (!forbidden) recorder.obstacles.add(`VPP: ${peer}: ${inWords(reason)}`)
      recorder.notes.add(
        `VPP could not be read at ${peer} (${inWords(reason)}). The plan is for an empty VPP of a new release with all plugins; ` +
          (forbidden ? "run it as root to inspect the real one." : `in this state ${verb} would fail.`)
      )
      copy ??= { model: empty(overlay), routes: new Set(), unseen: new Set() }
      return recording(peer, undefined, copy, overlay, recorder)
    }
    if (copy === undefined) {
      const model = yield* copyOf(seen.success, overlay)
      copy = { model, routes: new Set(), unseen: new Set(model.interfaces.values()) }
    }
    recorder.notes.add(`VPP was read at ${peer}.`)
    return recording(peer, seen.success, copy, overlay, recorder)
  })
  return VppClient.of({ peer, open, alone: () => Effect.void })
}

interface Copy {
  readonly model: VppModel
  /** Prefixes of the routes that the plan changes. The real VPP is asked about all others. */
  readonly routes: Set<string>
  /** Interfaces whose addresses have not been read from VPP yet. */
  readonly unseen: Set<Interface>
}

const messages: ReadonlyMap<string, Handler> = new Map(vppMessages.map((one) => [one.name, one]))

/** `real`: for reads of what is not in the copy. */
const recording = (
  peer: string,
  real: Session | undefined,
  { model, routes, unseen }: Copy,
  overlay: Overlay,
  recorder: PlanRecorder
): Session => {
  const judged = <A>(result: Result.Result<A, Reason>) =>
    Effect.mapError(Effect.fromResult(result), (reason) => new VppError({ peer, reason }))
  const unplannable = (name: string) => Effect.die(new Error(`${name} cannot be planned`))
  const offers: Session["offers"] = (message) => real?.offers(message) ?? true
  const verdict: Session["verdict"] = (message) => real?.verdict(message) ?? { _tag: "Offered", id: 0 }

  const sent = <R>({ encode }: Pick<Ask<R>, "encode">) =>
    Effect.map(judged(written(encode({ id: 0, client: 0, context: 0 }))), Buffer.from)

  /** The replies of the copy. */
  const answers = (name: string, request: Buffer) => {
    const all = messages.get(name)?.handle(model, request)
    return all?.map(({ encode }) => Buffer.from(encode({ id: 0, context: 0 }))) ?? []
  }

  /** Copies the current files of a message's paths. */
  const seeFiles = (request: object) =>
    Effect.forEach(pathsOf(model, request), (path) => Effect.ignore(overlay.see(path)), { discard: true })

  const perform = Effect.fnUntraced(function* <R>(asked: Ask<R>) {
    const { name } = asked.request
    const offered = verdict(asked.request)
    if (offered._tag !== "Offered") return yield* new VppError({ peer, reason: offered })
    const request = yield* sent(asked)
    const told = messages.get(name)?.tell(model, request)
    if (told === undefined) return yield* unplannable(name)
    yield* seeFiles(told.arguments)
    const route =
      name === routeAddDel.name ? Result.getOrUndefined(Message.decodeRequest(routeAddDel, request)) : undefined
    if (route !== undefined) routes.add(route.route.prefix)
    const [answer] = answers(name, request)
    if (answer === undefined) return yield* unplannable(name)
    const reply = yield* judged(read(asked.decode(answer)))
    return { told, name, reply, retval: answer.readInt32BE(6) }
  })

  const together = Effect.fnUntraced(function* <R>(asks: ReadonlyArray<Ask<R>>) {
    const performed = yield* Effect.forEach(asks, perform)
    yield* recorder.record({
      kind: "vpp",
      socket: peer,
      calls: performed.map(({ name, retval, told }) => ({ message: name, ...called(told, retval) }))
    })
    return performed.map(({ reply }) => reply)
  })

  /**
   * The engine sends one request that changes nothing: a route look-up. The copy answers what the plan has changed, VPP
   * the rest.
   */
  const readAll = <R>(asks: ReadonlyArray<Ask<R>>) =>
    Effect.forEach(
      asks,
      Effect.fnUntraced(function* (one) {
        const request = yield* sent(one)
        const looked = yield* judged(written(Message.decodeRequest(routeLookup, request)))
        if (real !== undefined && !routes.has(looked.prefix)) {
          const [answer] = yield* real.read([one])
          return answer ?? (yield* unplannable(one.request.name))
        }
        const [answer] = answers(one.request.name, request)
        if (answer === undefined) return yield* unplannable(one.request.name)
        return yield* judged(read(one.decode(answer)))
      })
    )

  /** Reads an interface's addresses from VPP before the plan changes them. */
  const seeAddresses = Effect.fnUntraced(function* (request: Buffer) {
    const index = Result.getOrUndefined(Message.decodeRequest(addressDump, request))?.sw_if_index
    const there = index === undefined ? undefined : model.interfaces.get(index)
    if (real === undefined || index === undefined || there === undefined || !unseen.delete(there)) return
    there.addresses.push(...(yield* addressesOf(real, index)))
  })

  const dump = Effect.fnUntraced(function* <A, D>(message: Message.Dump<A, D>, values: A) {
    if (!messages.has(message.name)) return real === undefined ? [] : yield* real.dump(message, values)
    const request = yield* sent({ encode: (head) => Message.encodeRequest(message, head, values) })
    if (message.name === addressDump.name) yield* seeAddresses(request)
    const decoded = answers(message.name, request).map((row) => Message.decodeReply(message.details, row))
    return yield* judged(read(Result.all(decoded)))
  })

  const usable = () => real?.usable() ?? true
  const call = callBy(peer, together)
  return { peer, usable, verdict, offers, call, dump, together, read: readAll, end: real?.end ?? Effect.never }
}

/** A refused request changes nothing, so it has no line. */
const called = ({ arguments: values, vppctl }: Told, retval: number) =>
  retval === 0 ? { arguments: values, vppctl } : { arguments: values, retval, vppctl: [] }

/** The sockets of a request, by name or by VPP's id. */
const pathsOf = ({ sockets }: VppModel, request: object): ReadonlyArray<string> =>
  Object.entries(request).flatMap(([key, value]: [string, unknown]) => {
    const path = key === "socket_id" ? sockets.get(Number(value))?.path : /^sock(et)?_filename$/.test(key) ? value : ""
    return typeof path === "string" && path.startsWith("/") ? [path] : []
  })
