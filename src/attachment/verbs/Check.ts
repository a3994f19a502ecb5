/**
 * CHECK: compares record, result, switch, files and addresses with what ADD set up, and lists all differences. Changes
 * nothing. CNI specification 1.1.0, section 2 (CHECK).
 */
import * as Effect from "effect/Effect"
import { CniError, ErrorCodes, type Explained, fromExplained } from "../../cni/types/CniError.ts"
import type { CniResult } from "../../cni/types/CniResult.ts"
import { ContainerConfig } from "../../container-config/ContainerConfig.ts"
import { handlesOf } from "../../identity/Attachment.ts"
import { Ipam, type IpamError } from "../../ipam/Ipam.ts"
import { SharedDir } from "../../shared-dir/SharedDir.ts"
import { type Difference, Vswitch } from "../../vswitch/Vswitch.ts"
import { type Call, delegation, requestFor } from "../Call.ts"
import type { Record } from "../records/Record.ts"
import { Records } from "../records/Records.ts"
import { madeBySwitch } from "./Add.ts"

export const check = Effect.fn("CHECK")(function* (call: Call, record: Record | undefined) {
  if (record === undefined) return yield* withoutRecord(call)
  const { differences, failures, warnings } = yield* compare(call, record)
  for (const warning of warnings) yield* Effect.logWarning(warning)
  const [failure] = failures
  if (differences.length === 0 && failure === undefined) return
  if (differences.length === 0 && failure !== undefined && failures.length === 1) {
    return yield* CniError.of(failure.code, failure.failed, failure.cure)
  }
  return yield* CniError.of(
    ErrorCodes.CheckFailed,
    `changed since ADD: ${[...differences, ...failures.map(({ failed }) => failed)].join("; ")}`,
    cureForDifferences
  )
})

export const cureForDifferences =
  "Run `userspace restore` to recreate ports that a restarted switch has lost. For anything else, delete the pod so " +
  "that it is recreated: CHECK repairs nothing."

interface Comparison {
  readonly differences: ReadonlyArray<string>
  /** No difference, but it may not work. */
  readonly warnings: ReadonlyArray<string>
  /** What could not be compared, and why. */
  readonly failures: ReadonlyArray<Explained>
}

/** Runs all comparisons concurrently. */
export const compare = Effect.fnUntraced(function* (call: Call, record: Record) {
  const steps: ReadonlyArray<Differences<Vswitch | SharedDir | ContainerConfig | Ipam>> = [
    Effect.succeed(named(resultDifferences(call, record))),
    Effect.flatMap(Vswitch, ({ verify }) =>
      verify(requestFor(call, { ...record, addresses: addressesOf(call, record) }))
    ),
    Effect.flatMap(SharedDir, ({ verify }) => verify(record.place, { socket: madeBySwitch(call) })),
    Effect.map(containerConfigDifferences(record), named),
    addressDifferences(call)
  ]
  const [found, failures] = yield* Effect.partition(steps, (self) => self, { concurrency: "unbounded" })
  const words = (warning: boolean) =>
    found.flat().flatMap((one) => ((one.warning ?? false) === warning ? [one.what] : []))
  return { differences: words(false), warnings: words(true), failures } satisfies Comparison
})

/** An attachment of the original plugin or its fork is compared with its configuration. */
const withoutRecord = Effect.fnUntraced(function* (call: Call) {
  const { differences } = yield* Effect.promise(() => import("../legacy/LegacyAttachments.ts"))
  const found = yield* differences(call)
  if (found === undefined) return yield* notRecorded(call)
  const [, failures] = yield* Effect.partition([addressDifferences(call)], (self) => self)
  const all = [...found, ...failures.map(({ failed }) => failed)]
  if (all.length === 0) {
    yield* Effect.logInfo("created by the original plugin or its fork: port and addresses match the network")
    return
  }
  return yield* CniError.of(
    ErrorCodes.CheckFailed,
    `created by the original plugin or its fork, and different from the network: ${all.join("; ")}`,
    "Delete the pod so that it is recreated."
  )
})

type Differences<R> = Effect.Effect<ReadonlyArray<Difference>, Explained, R>

const named = (words: ReadonlyArray<string>): ReadonlyArray<Difference> => words.map((what) => ({ what }))

const notRecorded = Effect.fnUntraced(function* ({ attachment }: Call) {
  const damaged = (yield* (yield* Records).damaged).find(({ handle }) => handlesOf(attachment).includes(handle))
  if (damaged !== undefined) return yield* fromExplained(damaged.error)
  const { containerId, ifName, network } = attachment
  return yield* CniError.of(
    ErrorCodes.UnknownContainer,
    `no attachment of container ${containerId} as ${ifName} to network ${network} is recorded on this node`,
    "It was never added here, or was deleted. Run ADD."
  )
})

/** Compares prevResult with the record. */
const resultDifferences = ({ attachment, previous }: Call, record: Record): ReadonlyArray<string> => {
  const found: Array<string> = []
  if (attachment.netns !== record.netns) found.push(`the sandbox is ${attachment.netns}, not ${record.netns}`)
  if (previous === undefined) return found
  const own = previous.interfaces.find(isOwn(attachment.ifName, record.netns))
  if (own === undefined) return [...found, `prevResult has no interface ${attachment.ifName} in ${record.netns}`]
  const { mac, place } = record
  if (own.mac !== undefined && own.mac !== mac) found.push(`prevResult has MAC ${own.mac}, not ${mac}`)
  if (own.socketPath !== undefined && own.socketPath !== place.socketPath) {
    found.push(`prevResult has socket ${own.socketPath}, not ${place.socketPath}`)
  }
  return found
}

/** A record of an earlier release has none. prevResult may also contain those of other plugins. */
const addressesOf = ({ attachment: { ifName }, previous }: Call, { addresses, netns }: Record) =>
  addresses ?? (previous === undefined ? [] : ofInterface(previous, ifName, netns))

const ofInterface = ({ interfaces, ips }: CniResult, ifName: string, netns: string) => {
  const own = interfaces.findIndex(isOwn(ifName, netns))
  return ips.filter((ip) => ip.interface === undefined || ip.interface === own)
}

const isOwn =
  (ifName: string, netns: string) =>
  ({ name, sandbox }: CniResult["interfaces"][number]): boolean =>
    name === ifName && (sandbox === undefined || sandbox === netns)

const containerConfigDifferences = Effect.fnUntraced(function* ({ deviceInfo: path, place }: Record) {
  const containerConfig = yield* ContainerConfig
  const found = yield* containerConfig.verify(place)
  if (path === undefined || (yield* containerConfig.described(path)) !== undefined) return found
  return [...found, `the device information ${path} is missing`]
})

const addressDifferences = (call: Call): Differences<Ipam> => {
  const delegate = delegation(call)
  return delegate === undefined
    ? Effect.succeed([])
    : Effect.flatMap(Ipam, ({ check }) => Effect.as(check(delegate), [])).pipe(
        Effect.catchIf(cannotCompare(call), ({ failed }) =>
          Effect.succeed([{ what: `addresses were not checked: ${failed}`, warning: true }])
        )
      )
}

/** static and dhcp compare with the result of ADD, which only a runtime remembers. */
const cannotCompare =
  ({ previous }: Call) =>
  ({ reason }: IpamError): boolean =>
    previous === undefined && reason._tag === "Refused" && /prevResult missing/i.test(reason.msg)
