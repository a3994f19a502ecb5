/**
 * {@link VppClient} that reads the real VPP and records changes: its sessions answer from what was read and what is
 * planned. If VPP is unreachable, an empty one with every message is assumed, and the plan says so.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type Ask, callBy, read, type Session, written } from "../../vpp/client/Session.ts"
import { VppClient } from "../../vpp/client/VppClient.ts"
import { inWords, type Reason, VppError } from "../../vpp/client/VppError.ts"
import { addressesOf } from "../../vpp/interfaces/HostAddresses.ts"
import { vppKeeps } from "../../vpp/interfaces/Interfaces.ts"
import { bridgeDomainDump } from "../../vpp/messages/BridgeDomain.ts"
import { isIpv6 } from "../../vpp/messages/Field.ts"
import { addDelAddress, interfaceDump, spanDump } from "../../vpp/messages/Interface.ts"
import { addressDump, routeDump, routeLookup } from "../../vpp/messages/Ip.ts"
import * as Message from "../../vpp/messages/Message.ts"
import { policerDump } from "../../vpp/messages/Policer.ts"
import { memifDump, socketFilenameDump, vhostUserDump } from "../../vpp/messages/Ports.ts"
import type { PlannedFiles } from "../edges/PlannedFiles.ts"
import type { PlanRecorder } from "../plan/Plan.ts"
import { changes, type Told } from "./VppChanges.ts"
import type { VppRows } from "./VppRows.ts"
import * as Rows from "./VppRows.ts"

export const make = (real: VppClient["Service"], verb: string, files: PlannedFiles, recorder: PlanRecorder) => {
  const { peer } = real
  let rows: VppRows | undefined

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
      rows ??= yield* Rows.read(undefined)
      return recording(peer, undefined, rows, files, recorder)
    }
    rows ??= yield* Rows.read(seen.success)
    recorder.notes.add(`VPP was read at ${peer}.`)
    return recording(peer, seen.success, rows, files, recorder)
  })
  return VppClient.of({ peer, open, alone: () => Effect.void })
}

/** A dump, answered from the rows of the plan. Callers search what they get, so only two are filtered. */
const dumped = <A, D>(message: Message.Dump<A, D>, list: (rows: VppRows, values: A) => Iterable<D>) => ({
  name: message.name,
  answer: (rows: VppRows, request: Buffer): ReadonlyArray<Uint8Array> => {
    const values = Result.getOrThrow(Message.decodeRequest(message, request))
    return Array.from(list(rows, values), (row) =>
      Result.getOrThrow(Message.encodeReply(message.details, { id: 0, context: 0 }, row))
    )
  }
})

const dumps = [
  dumped(interfaceDump, ({ interfaces }) => interfaces.values()),
  dumped(memifDump, ({ memifs }) => memifs.values()),
  dumped(vhostUserDump, ({ vhosts }) => vhosts.values()),
  dumped(socketFilenameDump, ({ sockets }) =>
    Array.from(sockets, ([socket_id, path]) => ({ socket_id, socket_filename: vppKeeps(path) }))
  ),
  dumped(bridgeDomainDump, ({ domains }) => domains.values()),
  dumped(spanDump, ({ spans }) => spans.values()),
  dumped(policerDump, ({ policers }, { match_name, match_name_valid }) =>
    [...policers.values()].filter(({ name }) => !match_name_valid || name === match_name)
  ),
  dumped(addressDump, ({ addresses }, { is_ipv6, sw_if_index }) =>
    (addresses.get(sw_if_index) ?? [])
      .filter((prefix) => isIpv6(prefix) === is_ipv6)
      .map((prefix) => ({ sw_if_index, prefix }))
  ),
  dumped(routeDump, ({ routes }, { table }) =>
    [...routes.values()].flatMap((route) =>
      route !== undefined && isIpv6(route.prefix) === table.is_ip6 ? [{ route }] : []
    )
  )
]

/** `real`: for reads of what is not in the rows. */
const recording = (
  peer: string,
  real: Session | undefined,
  rows: VppRows,
  files: PlannedFiles,
  recorder: PlanRecorder
): Session => {
  const judged = <A>(result: Result.Result<A, Reason>) =>
    Effect.mapError(Effect.fromResult(result), (reason) => new VppError({ peer, reason }))
  const unplannable = (name: string) => Effect.die(new Error(`${name} cannot be planned`))
  const offers: Session["offers"] = (message) => real?.offers(message) ?? true
  const verdict: Session["verdict"] = (message) => real?.verdict(message) ?? { _tag: "Offered", id: 0 }
  const nameOf = (index: number) => rows.interfaces.get(index)?.interface_name ?? `interface ${index}`

  const sent = <R>({ encode }: Pick<Ask<R>, "encode">) =>
    Effect.map(judged(written(encode({ id: 0, client: 0, context: 0 }))), Buffer.from)

  /** Reads an interface's addresses before the plan reads or changes them. */
  const seeAddresses = Effect.fnUntraced(function* (index: number) {
    if (rows.addresses.has(index)) return
    rows.addresses.set(index, real === undefined ? [] : yield* addressesOf(real, index))
  })

  const perform = Effect.fnUntraced(function* <R>(asked: Ask<R>) {
    const { name } = asked.request
    const offered = verdict(asked.request)
    if (offered._tag !== "Offered") return yield* new VppError({ peer, reason: offered })
    const request = yield* sent(asked)
    const planned = changes.get(name)
    const told = planned?.tell(request, nameOf)
    if (name === addDelAddress.name) {
      yield* seeAddresses(Result.getOrThrow(Message.decodeRequest(addDelAddress, request)).sw_if_index)
    }
    const before = socketsOf(rows)
    const answer = planned?.make(rows, request)
    if (told === undefined || answer === undefined) return yield* unplannable(name)
    moveSockets(files, before, socketsOf(rows))
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

  /** The engine sends one request that changes nothing: a route look-up. */
  const readAll = <R>(asks: ReadonlyArray<Ask<R>>) =>
    Effect.forEach(
      asks,
      Effect.fnUntraced(function* (one) {
        const { prefix, table_id } = yield* judged(written(Message.decodeRequest(routeLookup, yield* sent(one))))
        if (real !== undefined && !rows.routes.has(prefix)) {
          const [answer] = yield* real.read([one])
          return answer ?? (yield* unplannable(one.request.name))
        }
        const planned = rows.routes.get(prefix)
        const route = planned ?? { table_id, stats_index: 0, prefix, paths: [] }
        const reply = { retval: planned === undefined ? noRoute : 0, route }
        const answer = yield* judged(written(Message.encodeReply(routeLookup.reply, { id: 0, context: 0 }, reply)))
        return yield* judged(read(one.decode(Buffer.from(answer))))
      })
    )

  /** What is too much to be read at the start. */
  const seeMore = Effect.fnUntraced(function* (name: string, request: Buffer) {
    if (name === addressDump.name) {
      yield* seeAddresses(Result.getOrThrow(Message.decodeRequest(addressDump, request)).sw_if_index)
    }
    if (name !== routeDump.name || real === undefined) return
    const asked = Result.getOrThrow(Message.decodeRequest(routeDump, request))
    for (const { route } of yield* real.dump(routeDump, asked)) {
      if (!rows.routes.has(route.prefix)) rows.routes.set(route.prefix, route)
    }
  })

  const dump = Effect.fnUntraced(function* <A, D>(message: Message.Dump<A, D>, values: A) {
    const planned = dumps.find(({ name }) => name === message.name)
    if (planned === undefined) return real === undefined ? [] : yield* real.dump(message, values)
    const request = yield* sent({ encode: (head) => Message.encodeRequest(message, head, values) })
    yield* seeMore(message.name, request)
    const decoded = planned.answer(rows, request).map((row) => Message.decodeReply(message.details, Buffer.from(row)))
    return yield* judged(read(Result.all(decoded)))
  })

  const usable = () => real?.usable() ?? true
  const call = callBy(peer, together)
  return { peer, usable, verdict, offers, call, dump, together, read: readAll, end: real?.end ?? Effect.never }
}

/** VNET_API_ERROR_NO_SUCH_ENTRY */
const noRoute = -6

/** The files of the sockets that VPP serves. */
const socketsOf = ({ memifs, sockets, vhosts }: VppRows) => ({
  memif: [...memifs.values()].flatMap(({ role, socket_id }) => {
    const path = sockets.get(socket_id) ?? ""
    return role === "master" && path.startsWith("/") ? [path] : []
  }),
  vhost: [...vhosts.values()].flatMap(({ is_server, sock_filename }) => (is_server ? [sock_filename] : []))
})

/** VPP creates the file of a socket, and removes that of vhost-user. */
const moveSockets = (
  { appear, vanish }: PlannedFiles,
  before: ReturnType<typeof socketsOf>,
  after: ReturnType<typeof socketsOf>
) => {
  const were = [...before.memif, ...before.vhost]
  for (const path of [...after.memif, ...after.vhost]) if (!were.includes(path)) appear(path)
  for (const path of before.vhost) if (!after.vhost.includes(path)) vanish(path)
}

/** A refused request changes nothing, so it has no line. */
const called = ({ arguments: values, vppctl }: Told, retval: number) =>
  retval === 0 ? { arguments: values, vppctl } : { arguments: values, retval, vppctl: [] }
