/** One recorded attachment, link by link: record, sandbox, port, directory and socket, container config, addresses. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type { Variables } from "../../../cni/types/Environment.ts"
import { containerConfigFor } from "../../../container-config/ContainerConfigs.ts"
import { keyOf } from "../../../identity/Attachment.ts"
import type { IpamError } from "../../../ipam/Ipam.ts"
import { Ipam } from "../../../ipam/Ipam.ts"
import { listOf, objectOf, parsed } from "../../../platform/text/Json.ts"
import { Deadlines } from "../../../program/Step.ts"
import { SharedDir } from "../../../shared-dir/SharedDir.ts"
import type { PortView } from "../../../vswitch/View.ts"
import { type Call, delegation, requestFor } from "../../Call.ts"
import type { Switches } from "../../node/Switches.ts"
import { recordedCall } from "../../Recorded.ts"
import type { Record } from "../../records/Record.ts"
import { Records } from "../../records/Records.ts"
import { type Suspects, suspectOf } from "../../records/Suspects.ts"
import { madeBySwitch } from "../../verbs/Add.ts"
import { readable } from "../../verbs/Restore.ts"
import { found, type Judged, nothing, together, unknown, unseen, well } from "../findings/Finding.ts"
import * as Port from "./Port.ts"
import * as Published from "./Published.ts"
import * as Sandbox from "./Sandbox.ts"
import * as Socket from "./Socket.ts"

export interface Around {
  /** True: asks neither the API server nor an IPAM plugin. */
  readonly light: boolean
  readonly switches: Switches
  readonly variables: Variables
  readonly processes: ReadonlyMap<string, ReadonlyArray<string>>
  /** By the key of the attachment. */
  readonly ports: ReadonlyMap<string, PortView>
  /** Keys of ports whose switch did not answer, or was not asked; its database did. */
  readonly unasked: ReadonlySet<string>
  readonly suspects: Suspects
}

interface Examined {
  readonly judged: Judged
  /** False: its switch says nothing of its port now. */
  readonly inspected: boolean
}

export const examine = Effect.fn("doctor.attachment")(function* (record: Record, around: Around) {
  const values = { container: record.containerId, ifname: record.ifName }
  const sandbox = yield* Sandbox.look(record.netns, around.processes)
  const suspected = suspectOf(around.suspects, record)
  const standing = together([
    yield* recorded(record),
    Sandbox.judge(sandbox),
    suspected === undefined
      ? nothing
      : found(
          "ends of VPP",
          suspected.isolated ? "attachment-isolated" : "vpp-ended",
          `${suspected.ends.length} attributed to it, the last suspicion at ${new Date(suspected.last).toISOString()}`,
          values
        )
  ])
  const recordedAs = recordedCall("CHECK", record, around.variables)
  const reading = readable({ ...record, configuration: recordedAs.text }, recordedAs.variables)
  if (Result.isFailure(reading)) {
    const judged = together([standing, unseen("configuration", reading.failure.msg)])
    return { judged, inspected: false } satisfies Examined
  }
  const call = reading.success
  const { netConf, port } = call.configuration
  const view = around.ports.get(keyOf(record))
  const asked = !around.unasked.has(keyOf(record))
  const vswitch = yield* around.switches.at(port)
  const differences = yield* Effect.catch(vswitch.verify(requestFor(call, record)), (error) => Effect.succeed(error))
  // An isolated one has no port, and that is said already.
  const isLeftAway = suspected?.isolated === true && view === undefined
  const abstract = port.iftype === "memif" && port.abstract
  const place = record.place
  const socket = yield* Socket.look(place, madeBySwitch(call) ? "switch" : "application", abstract)
  const asking = Effect.gen(function* () {
    const published = yield* Published.look(record, madeBySwitch(call)).pipe(
      Effect.provide(Layer.fresh(containerConfigFor(call)))
    )
    const addresses = yield* lookAtAddresses(call, record)
    return together([Published.judge(published, place.directory, values), ofAddresses(addresses, values)])
  })
  const mtu = { requested: port.mtu, told: netConf.container?.mtu ?? port.mtu }
  const judged = together([
    standing,
    Port.judge({ view, asked, differences: isLeftAway ? [] : differences, mtu }, values),
    Socket.judge(socket, sandbox, asked ? view?.connected : undefined),
    around.light ? nothing : yield* asking
  ])
  return { judged, inspected: asked && !("failed" in differences) } satisfies Examined
})

const recorded = Effect.fnUntraced(function* (record: Record): Effect.fn.Return<Judged, never, Records> {
  const records = yield* Records
  const settled = yield* Effect.result(records.settled(record))
  if (Result.isFailure(settled)) return unseen("record", settled.failure.failed)
  if (settled.success) return well("record", `written by the ADD of ${record.since}`)
  const { total } = yield* Deadlines
  const age = (yield* Clock.currentTimeMillis) - Date.parse(record.since)
  return age < total * 1_000
    ? well("record", `its ADD of ${record.since} is running, or its DEL`)
    : found("record", "attachment-unfinished", `written by the ADD of ${record.since}, and not whole`, {
        container: record.containerId,
        ifname: record.ifName
      })
})

interface Addresses {
  readonly told: ReadonlyArray<string>
  /** Undefined: the network has no IPAM plugin. */
  readonly check: Result.Result<void, IpamError> | undefined
}

const lookAtAddresses = Effect.fnUntraced(function* (call: Call, record: Record) {
  const ipam = yield* Ipam
  const sharedDir = yield* SharedDir
  const text = yield* Effect.orElseSucceed(sharedDir.readConfig(record.place), () => undefined)
  const delegate = delegation(call)
  const addresses: Addresses = {
    told: addressesIn(text ?? ""),
    check: delegate === undefined ? undefined : yield* Effect.result(ipam.check(delegate))
  }
  return addresses
})

/** A container can write to this file, so its content is only shown. */
const addressesIn = (text: string): ReadonlyArray<string> => {
  const { ips } = objectOf(objectOf(parsed(text))["ipResult"])
  return listOf(ips).flatMap((one) => {
    const { address } = objectOf(one)
    return Predicate.isString(address) ? [address] : []
  })
}

const ofAddresses = ({ check, told }: Addresses, values: { readonly [name: string]: string }): Judged => {
  const link = "addresses"
  const words = told.length === 0 ? "none are told to the container" : told.join(", ")
  if (check === undefined) return well(link, "the network has no IPAM plugin")
  if (Result.isSuccess(check)) return well(link, words)
  const { failed, reason } = check.failure
  // static and dhcp compare with the result of ADD, which only a runtime remembers.
  if (reason._tag === "Refused" && /prevResult missing/i.test(reason.msg)) return unknown(link, `${words}; not checked`)
  return reason._tag === "Refused" ? found(link, "address-lost", `${words}; ${failed}`, values) : unseen(link, failed)
}
