/** Selects recorded attachments by pod, container and interface, as `userspace list` shows them. Pure. */
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import { ErrorCodes } from "../../cni/types/CniError.ts"
import type { Attachment } from "../../identity/Attachment.ts"
import type { Record } from "../records/Record.ts"

/** Undefined: any. */
export interface Selector {
  readonly pod: Pick<NonNullable<Attachment["pod"]>, "namespace" | "name"> | undefined
  /** The full container ID or a unique prefix of it. */
  readonly containerId: string | undefined
  readonly ifName: string | undefined
}

export const everything: Selector = { pod: undefined, containerId: undefined, ifName: undefined }

export const narrows = ({ containerId, ifName, pod }: Selector): boolean =>
  containerId !== undefined || ifName !== undefined || pod !== undefined

/** A prefix of several container IDs. */
export class Ambiguous extends Data.TaggedError("Ambiguous")<{
  readonly containerId: string
  /** One record for each attachment that would match. */
  readonly candidates: ReadonlyArray<Record>
}> {
  readonly code = ErrorCodes.BadEnvironment
}

/** Null: unknown. */
interface Named {
  readonly network: string | null
  readonly pod?: Selector["pod"] | null
  readonly containerId: string
  readonly ifName: string | null
}

const sortKey = ({ containerId, ifName, network, pod }: Named): string =>
  [network ?? "\uffff", pod?.namespace ?? "", pod?.name ?? "", containerId, ifName ?? ""].join("\0")

/** The order of `userspace list`. */
export const inOrder = <A extends Named>(all: ReadonlyArray<A>): ReadonlyArray<A> =>
  [...all].sort((one, other) => (sortKey(one) < sortKey(other) ? -1 : 1))

export const select = (
  records: ReadonlyArray<Record>,
  { containerId, ifName, pod }: Selector
): Result.Result<ReadonlyArray<Record>, Ambiguous> => {
  const others = records.filter(
    (record) =>
      (ifName === undefined || record.ifName === ifName) &&
      (pod === undefined || (record.pod?.namespace === pod.namespace && record.pod.name === pod.name))
  )
  if (containerId === undefined) return Result.succeed(others)
  const whole = others.filter((record) => record.containerId === containerId)
  if (whole.length > 0) return Result.succeed(whole)
  const candidates = others.filter((record) => record.containerId.startsWith(containerId))
  return new Set(candidates.map((record) => record.containerId)).size > 1
    ? Result.fail(new Ambiguous({ containerId, candidates: inOrder(candidates) }))
    : Result.succeed(candidates)
}
