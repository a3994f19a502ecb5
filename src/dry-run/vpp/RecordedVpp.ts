/**
 * {@link VppClient} that reads the real VPP and records instead of changing it: its sessions answer what changes
 * something themselves, from a copy in which it is done. When VPP cannot be reached, the copy is an empty VPP that has
 * every message, and the plan says so.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type Ask, ask, type Session } from "../../vpp/client/Session.ts"
import { VppClient } from "../../vpp/client/VppClient.ts"
import { addressesOf } from "../../vpp/interfaces/HostAddresses.ts"
import { bridgeDomainDump } from "../../vpp/messages/BridgeDomain.ts"
import { every } from "../../vpp/messages/Control.ts"
import { interfaceDump } from "../../vpp/messages/Interface.ts"
import { addressDump, routeLookup } from "../../vpp/messages/Ip.ts"
import { memifDump, socketFilenameDump } from "../../vpp/messages/Memif.ts"
import { policerDump } from "../../vpp/messages/Policer.ts"
import { vhostUserDump } from "../../vpp/messages/VhostUser.ts"
import { isIpv6 } from "../../vpp/wire/Address.ts"
import * as Message from "../../vpp/wire/Message.ts"
import { DoesNotFit, inWords, Malformed, Refused, VppError } from "../../vpp/wire/VppError.ts"
import type { Overlay } from "../edges/Overlay.ts"
import type { Recorder } from "../plan/Recorder.ts"
import { calls, type Done } from "./VppCalls.ts"
import { copyOf, empty, type VppCopy } from "./VppCopy.ts"

export const make = (real: VppClient["Service"], verb: string, overlay: Overlay, recorder: Recorder) => {
  const { peer } = real
  let copy: VppCopy | undefined

  const open = Effect.gen(function* () {
    const seen = yield* Effect.result(real.open)
    if (Result.isFailure(seen)) {
      const { reason } = seen.failure
      const forbidden = reason._tag === "Unreachable" && reason.code === "EACCES"
      if (!forbidden) recorder.obstacle(`VPP: ${peer}: ${inWords(reason)}`)
      recorder.note(
        `VPP could not be read at ${peer} (${inWords(reason)}). The plan is for an empty VPP of a new release with all plugins; ` +
          (forbidden ? "run it as root to inspect the real one." : `in this state ${verb} would fail.`)
      )
      copy ??= empty(overlay)
      return recording(peer, undefined, copy, recorder)
    }
    copy ??= yield* copyOf(seen.success, overlay)
    recorder.note(`VPP was read at ${peer}.`)
    return recording(peer, seen.success, copy, recorder)
  })
  return VppClient.of({ peer, open, alone: () => Effect.void })
}

/** `real`: for what is looked at and not in the copy. */
const recording = (peer: string, real: Session | undefined, copy: VppCopy, recorder: Recorder): Session => {
  const wrong = ({ detail, message }: Message.CodecFault) =>
    new VppError({ peer, reason: new DoesNotFit({ name: message, detail }) })
  const unread = ({ detail, message }: Message.CodecFault) =>
    new VppError({ peer, reason: new Malformed({ detail: `${message}: ${detail}` }) })
  const offers: Session["offers"] = (message) => real?.offers(message) ?? true
  const verdict: Session["verdict"] = (message) => real?.verdict(message) ?? { _tag: "Offered", id: 0 }

  const perform = Effect.fnUntraced(function* <R>({ decode, encode, request }: Ask<R>) {
    const call = calls.get(request.name)
    if (call === undefined) return yield* Effect.die(new Error(`${request.name} cannot be planned`))
    const judged = verdict(request)
    if (judged._tag !== "Offered") return yield* new VppError({ peer, reason: judged })
    const bytes = yield* Effect.mapError(Effect.fromResult(encode({ id: 0, client: 0, context: 0 })), wrong)
    const done = yield* Effect.mapError(Effect.fromResult(call.make(copy, Buffer.from(bytes))), wrong)
    const reply = yield* Effect.mapError(Effect.fromResult(decode(Buffer.from(done.reply))), unread)
    return { done, name: request.name, reply }
  })

  const together = Effect.fnUntraced(function* <R>(asks: ReadonlyArray<Ask<R>>) {
    const performed = yield* Effect.forEach(asks, perform)
    yield* recorder.record({
      kind: "vpp",
      socket: peer,
      calls: performed.map(({ done, name }) => ({ message: name, ...told(done) }))
    })
    return performed.map(({ reply }) => reply)
  })

  const call = Effect.fnUntraced(function* <A, R extends Message.Retval>(message: Message.Request<A, R>, values: A) {
    const [answer] = yield* together([ask(message, values)])
    if (answer === undefined) return yield* Effect.die("as many answers as requests")
    if (answer.retval === 0) return answer
    return yield* new VppError({ peer, reason: new Refused({ name: message.name, retval: answer.retval }) })
  })

  /** From the copy what the plan has changed, the rest from VPP. */
  const read = <R>(asks: ReadonlyArray<Ask<R>>) =>
    Effect.forEach(
      asks,
      Effect.fnUntraced(function* (one) {
        const bytes = yield* Effect.mapError(Effect.fromResult(one.encode({ id: 0, client: 0, context: 0 })), wrong)
        const known = lookUp(copy, Buffer.from(bytes), real === undefined)
        if (known !== undefined) {
          const reply = yield* Effect.mapError(Effect.fromResult(known), wrong)
          return yield* Effect.mapError(Effect.fromResult(one.decode(Buffer.from(reply))), unread)
        }
        const [answer] = real === undefined ? [] : yield* real.read([one])
        return answer ?? (yield* Effect.die(new Error(`${one.request.name} cannot be planned`)))
      })
    )

  /** Of an interface of VPP's, before the plan changes them. */
  const seeAddresses = Effect.fnUntraced(function* (name: string, request: Buffer) {
    const index = Result.getOrUndefined(Message.decodeRequest(addressDump, request))?.sw_if_index
    if (name !== addressDump.name || real === undefined || index === undefined || copy.addresses.has(index)) return
    copy.addresses.set(index, yield* addressesOf(real, index))
  })

  const dump = Effect.fnUntraced(function* <A, D>(message: Message.Dump<A, D>, values: A) {
    const look = looks.get(message.name)
    if (look === undefined) return real === undefined ? [] : yield* real.dump(message, values)
    const request = Message.encodeRequest(message, { id: 0, client: 0, context: 0 }, values)
    const bytes = Buffer.from(yield* Effect.mapError(Effect.fromResult(request), wrong))
    yield* seeAddresses(message.name, bytes)
    const rows = yield* Effect.mapError(Effect.fromResult(look(copy, bytes)), wrong)
    const decoded = rows.map((row) => Message.decodeReply(message.details, Buffer.from(row)))
    return yield* Effect.mapError(Effect.fromResult(Result.all(decoded)), unread)
  })

  return { peer, verdict, offers, call, dump, together, read, end: real?.end ?? Effect.never }
}

/** What would be refused changes nothing, so there is no line for it. */
const told = ({ arguments: values, retval, vppctl }: Done) =>
  retval === 0 ? { arguments: values, vppctl } : { arguments: values, retval, vppctl: [] }

type Look = (copy: VppCopy, request: Buffer) => Result.Result<ReadonlyArray<Uint8Array>, Message.CodecFault>

const onDump = <A, D>(
  message: Message.Dump<A, D>,
  find: (copy: VppCopy, values: A) => ReadonlyArray<D>
): readonly [string, Look] => [
  message.name,
  (copy, request) =>
    Result.flatMap(Message.decodeRequest(message, request), (values) =>
      Result.all(find(copy, values).map((row) => Message.encodeReply(message.details, { id: 0, context: 0 }, row)))
    )
]

/** As VPP filters. */
const looks: ReadonlyMap<string, Look> = new Map([
  onDump(interfaceDump, ({ interfaces }, { name_filter, name_filter_valid, sw_if_index }) =>
    interfaces
      .filter((one) => sw_if_index === 0 || sw_if_index === every || one.sw_if_index === sw_if_index)
      .filter((one) => !name_filter_valid || one.interface_name.toLowerCase().includes(name_filter.toLowerCase()))
  ),
  onDump(socketFilenameDump, ({ sockets }) => sockets),
  onDump(memifDump, ({ memifs }) => memifs),
  onDump(vhostUserDump, ({ vhosts }, { sw_if_index }) =>
    vhosts.filter((one) => sw_if_index === every || one.sw_if_index === sw_if_index)
  ),
  onDump(bridgeDomainDump, ({ domains }, { bd_id }) => domains.filter((one) => bd_id === every || one.bd_id === bd_id)),
  onDump(addressDump, ({ addresses }, { is_ipv6, sw_if_index }) =>
    (addresses.get(sw_if_index) ?? [])
      .filter((prefix) => isIpv6(prefix) === is_ipv6)
      .map((prefix) => ({ sw_if_index, prefix }))
  ),
  onDump(policerDump, ({ policers }, { match_name, match_name_valid }) =>
    policers.filter(({ name }) => !match_name_valid || name === match_name)
  )
])

/** The one request that changes nothing. Undefined: only VPP knows. */
const lookUp = (
  { routes }: VppCopy,
  request: Buffer,
  alone: boolean
): Result.Result<Uint8Array, Message.CodecFault> | undefined => {
  const asked = Message.decodeRequest(routeLookup, request)
  if (Result.isFailure(asked)) return Result.fail(asked.failure)
  const { prefix } = asked.success
  if (!alone && !routes.has(prefix)) return undefined
  const route = routes.get(prefix)
  const none = { table_id: 0, stats_index: 0, prefix, paths: [] }
  const noSuchEntry = -6
  const answer = route === undefined ? { retval: noSuchEntry, route: none } : { retval: 0, route }
  return Message.encodeReply(routeLookup.reply, { id: 0, context: 0 }, answer)
}
