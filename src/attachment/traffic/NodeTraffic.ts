/**
 * The traffic of all attachments of a node: the counters of every switch, with the identities of the ports. For
 * repeated use, as by metrics, it reads the records again only when one was added or removed, because reading hundreds
 * takes longer than everything else. Changes nothing.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Control } from "../../cni/network/HostPort.ts"
import type { Explained } from "../../cni/types/CniError.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import { type Attachment, type Identity, keyOf } from "../../identity/Attachment.ts"
import { Files } from "../../platform/Files.ts"
import type { PortTraffic } from "../../vswitch/Traffic.ts"
import { controlOf, type Silent } from "../node/Inventory.ts"
import { distinct, isSame, type Switches, standing } from "../node/Switches.ts"
import type { Record } from "../records/Record.ts"
import { Records } from "../records/Records.ts"

export interface InterfaceTraffic {
  /** Undefined when only VPP has it, whose mark is too short for the names. */
  readonly who: (Identity & Pick<Attachment, "pod">) | undefined
  readonly at: Control
  readonly traffic: PortTraffic
}

export interface NodeTraffic {
  readonly interfaces: ReadonlyArray<InterfaceTraffic>
  /** Unreachable switches of the records. */
  readonly silent: ReadonlyArray<Silent>
  /** Other sources that could not be read. */
  readonly failures: ReadonlyArray<Explained>
}

interface Recorded {
  readonly who: NonNullable<InterfaceTraffic["who"]>
  readonly invocation: string
  /** Its switch; undefined when its configuration is no longer valid. */
  readonly control: Control | undefined
}

/** The records, and when they were read. */
interface Known {
  readonly all: ReadonlyMap<string, Recorded>
  readonly controls: ReadonlyArray<Control>
  /** The names of their files. */
  readonly names: string
  readonly at: number
}

/** Milliseconds until the records are read again: a repeated ADD may replace a record under the same name. */
const longest = 60_000

/** `controls`: switches besides those of the records and the default ones. */
export const make = (switches: Switches, controls: ReadonlyArray<Control>, variables: Variables) => {
  let known: Known | undefined

  const recorded = Effect.gen(function* () {
    const records = yield* Records
    const files = yield* Files
    const at = yield* Clock.currentTimeMillis
    const listed = yield* Effect.orElseSucceed(files.list(records.directory), (): ReadonlyArray<string> => [])
    const names = listed.join("/")
    if (known !== undefined && known.names === names && at - known.at < longest) return known
    const all = new Map((yield* records.all).map((record) => [keyOf(record), recordedOf(record)]))
    known = { all, controls: distinct([...all.values()].flatMap(({ control }) => control ?? [])), names, at }
    return known
  })

  /** Its configuration is parsed once. */
  const recordedOf = (record: Record): Recorded => {
    const before = known?.all.get(keyOf(record))
    if (before?.invocation === record.invocation) return before
    const { containerId, ifName, invocation, network, pod } = record
    return { who: { containerId, ifName, network, pod }, invocation, control: controlOf(record, variables) }
  }

  return Effect.gen(function* () {
    const read = yield* Effect.result(recorded)
    const found = Result.isSuccess(read) ? read.success : known
    const named = distinct([...controls, ...(found?.controls ?? [])])
    const asked = yield* Effect.forEach(
      distinct([...named, ...(yield* standing(variables))]),
      (at) =>
        Effect.map(Effect.result(Effect.flatMap(switches.at(at), ({ traffic }) => traffic)), (answer) => ({
          at,
          answer
        })),
      { concurrency: "unbounded" }
    )
    const done: NodeTraffic = {
      interfaces: asked.flatMap(({ answer, at }) =>
        Result.isFailure(answer)
          ? []
          : answer.success.map((traffic) => ({ who: found?.all.get(traffic.key)?.who ?? traffic.who, at, traffic }))
      ),
      silent: asked.flatMap(({ answer, at }) =>
        Result.isFailure(answer) && named.some((one) => isSame(one, at)) ? [{ at, error: answer.failure }] : []
      ),
      failures: Result.isFailure(read) ? [read.failure] : []
    }
    return done
  })
}
