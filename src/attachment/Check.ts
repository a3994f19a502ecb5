/**
 * CHECK: is everything as ADD left it? Compares record, result, switch, files and addresses, and lists every difference
 * at once. Changes nothing. CNI specification 1.1.0, section 2 (CHECK).
 */
import * as Effect from "effect/Effect"
import { CniError, type Explained, fromExplained } from "../cni/CniError.ts"
import type { CniResult } from "../cni/CniResult.ts"
import { ErrorCodes } from "../cni/ErrorCodes.ts"
import { Ipam } from "../ipam/Ipam.ts"
import { SharedDir } from "../shared-dir/SharedDir.ts"
import { Vswitch } from "../vswitch/Vswitch.ts"
import { madeBySwitch } from "./Add.ts"
import { longHandle, plainHandle } from "./Attachment.ts"
import { type Call, delegation, placeOfRecord, requestFor, wantsAddresses } from "./Call.ts"
import { Handover } from "./Handover.ts"
import type { Record } from "./Record.ts"
import { Records } from "./Records.ts"

export const check = Effect.fn("CHECK")(function* (call: Call, record: Record | undefined) {
  if (record === undefined) return yield* notRecorded(call)
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
    "`userspace restore` makes ports again that a restarted switch has forgotten. For all else, delete the pod and let " +
      "it be made again: CHECK repairs nothing under a running container."
  )
})

type Differences<R> = Effect.Effect<ReadonlyArray<string>, Explained, R>

const notRecorded = Effect.fnUntraced(function* ({ attachment }: Call) {
  const handles = [plainHandle(attachment), longHandle(attachment)]
  const damaged = (yield* (yield* Records).damaged).find(({ handle }) => handles.includes(handle))
  if (damaged !== undefined) return yield* fromExplained(damaged.error)
  const { containerId, ifName, network } = attachment
  return yield* CniError.of(
    ErrorCodes.UnknownContainer,
    `no attachment of container ${containerId} as ${ifName} to network ${network} is recorded on this node`,
    "It was never added here, or was deleted. Run ADD."
  )
})

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
      vswitch.verify(requestFor(call, record, wantsAddresses(call) ? addressesOf(call, record) : [])),
      (differences) => differences.map(({ what }) => what)
    )
  )

/** A record of an earlier release has none; in what the runtime remembers there may be other plugins' as well. */
const addressesOf = ({ attachment: { ifName }, previous }: Call, { addresses, netns }: Record) =>
  (addresses ?? (previous === undefined ? [] : ofInterface(previous, ifName, netns))).map(withGateway)

const ofInterface = ({ interfaces, ips }: CniResult, ifName: string, netns: string) => {
  const own = interfaces.findIndex(
    ({ name, sandbox }) => name === ifName && (sandbox === undefined || sandbox === netns)
  )
  return ips.filter((ip) => ip.interface === undefined || ip.interface === own)
}

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
