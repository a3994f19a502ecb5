/**
 * CHECK: is everything as ADD left it? Compares record, result, switch, files and addresses, and lists every difference
 * at once. Changes nothing. CNI specification 1.1.0, section 2 (CHECK).
 */
import * as Effect from "effect/Effect"
import { CniError, type Explained } from "../cni/CniError.ts"
import { ErrorCodes } from "../cni/ErrorCodes.ts"
import { Ipam } from "../ipam/Ipam.ts"
import { SharedDir } from "../shared-dir/SharedDir.ts"
import { Vswitch } from "../vswitch/Vswitch.ts"
import { madeBySwitch } from "./Add.ts"
import { type Call, delegation, placeOfRecord, requestFor, wantsAddresses } from "./Call.ts"
import { Handover } from "./Handover.ts"
import type { Record } from "./Record.ts"

export const check = Effect.fn("CHECK")(function* (call: Call, record: Record | undefined) {
  if (record === undefined) return yield* unknown(call)
  const steps: ReadonlyArray<Differences<Vswitch | SharedDir | Handover | Ipam>> = [
    Effect.succeed(resultDifferences(call, record)),
    switchDifferences(call, record),
    fileDifferences(call, record),
    handoverDifferences(record),
    addressDifferences(call)
  ]
  const [found, failures] = yield* Effect.partition(steps, (self) => self, { concurrency: "unbounded" })
  const differences = found.flat()
  const [failure] = failures
  if (differences.length === 0 && failure === undefined) return
  if (differences.length === 0 && failure !== undefined && failures.length === 1) {
    return yield* CniError.of(failure.code, failure.failed, failure.cure)
  }
  return yield* CniError.of(
    ErrorCodes.CheckFailed,
    `not as ADD left it: ${[...differences, ...failures.map(({ failed }) => failed)].join("; ")}`,
    "Delete the pod and let it be made again: the plugin repairs nothing under a running container."
  )
})

type Differences<R> = Effect.Effect<ReadonlyArray<string>, Explained, R>

const unknown = ({ attachment: { containerId, ifName, network } }: Call) =>
  CniError.of(
    ErrorCodes.UnknownContainer,
    `no attachment of container ${containerId} as ${ifName} to network ${network} is recorded on this node`,
    "It was never added here, or was deleted. Run ADD."
  )

/** What the runtime says ADD gave, against what ADD wrote down. */
const resultDifferences = ({ attachment, previous }: Call, record: Record): ReadonlyArray<string> => {
  const found: Array<string> = []
  if (attachment.netns !== record.netns) found.push(`the sandbox is ${attachment.netns}, not ${record.netns}`)
  if (previous === undefined) return found
  const own = previous.interfaces.find(
    ({ name, sandbox }) => name === attachment.ifName && (sandbox === undefined || sandbox === record.netns)
  )
  if (own === undefined) return [...found, `prevResult has no interface ${attachment.ifName} in ${record.netns}`]
  const { mac, place } = record
  if (own.mac !== undefined && own.mac !== mac) found.push(`prevResult has MAC ${own.mac}, not ${mac}`)
  if (own.socketPath !== undefined && own.socketPath !== place.socketPath) {
    found.push(`prevResult has socket ${own.socketPath}, not ${place.socketPath}`)
  }
  return found
}

const switchDifferences = (call: Call, record: Record): Differences<Vswitch> =>
  Effect.flatMap(Vswitch, (vswitch) =>
    Effect.map(
      vswitch.verify(requestFor(call, record, wantsAddresses(call) ? (call.previous?.ips ?? []).map(withGateway) : [])),
      (differences) => differences.map(({ what }) => what)
    )
  )

const withGateway = ({ address, gateway }: { readonly address: string; readonly gateway?: string }) => ({
  address,
  gateway
})

const fileDifferences = (call: Call, record: Record): Differences<SharedDir> =>
  Effect.gen(function* () {
    const sharedDir = yield* SharedDir
    return yield* sharedDir.verify(placeOfRecord(record), { socket: madeBySwitch(call) })
  })

const handoverDifferences = (record: Record): Differences<Handover> =>
  Effect.gen(function* () {
    const handover = yield* Handover
    const found = yield* handover.verify(placeOfRecord(record))
    const { deviceInfo: path } = record
    if (path === undefined || (yield* handover.described(path)) !== undefined) return found
    return [...found, `the device information ${path} is missing`]
  })

const addressDifferences = (call: Call): Differences<Ipam> =>
  Effect.gen(function* () {
    const ipam = yield* Ipam
    const delegate = delegation(call)
    if (delegate !== undefined) yield* ipam.check(delegate)
    return []
  })
