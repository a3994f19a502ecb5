/** Selects recorded attachments by flags, and reports when none or more than one match. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { type Ambiguous, inOrder, narrows, type Selector, select } from "../../attachment/node/Selection.ts"
import { Records } from "../../attachment/records/Records.ts"
import { fromExplained } from "../../cni/types/CniError.ts"
import { CommandLineError, fromCni, misused } from "../print/Printer.ts"
import type { SelectorOptions } from "./Flags.ts"

export const selectorFrom = ({
  containerId,
  ifname,
  pod
}: SelectorOptions): Effect.Effect<Selector, CommandLineError> => {
  const written = Option.getOrUndefined(pod)
  const [, namespace, name] = /^([^/]+)\/([^/]+)$/.exec(written ?? "") ?? []
  if (written !== undefined && (namespace === undefined || name === undefined)) {
    return Effect.fail(
      misused(`--pod ${written} is not NAMESPACE/NAME`, "Write the pod as `userspace list` does: default/web-0.")
    )
  }
  return Effect.succeed({
    pod: namespace === undefined || name === undefined ? undefined : { namespace, name },
    containerId: Option.getOrUndefined(containerId),
    ifName: Option.getOrUndefined(ifname)
  })
}

/** Returns the selected attachments; at least one when the flags select any. */
export const selected = Effect.fnUntraced(function* (what: string, stateDir: string, selector: Selector) {
  const records = yield* Records
  const failed = fromCni(what)
  const all = yield* Effect.mapError(records.all, (error) => failed(fromExplained(error)))
  const chosen = select(all, selector)
  if (Result.isFailure(chosen)) return yield* ambiguous(chosen.failure)
  if (chosen.success.length > 0 || !narrows(selector)) return inOrder(chosen.success)
  return yield* notFound(what, stateDir, selector)
})

const ofPod = (pod: Selector["pod"]): ReadonlyArray<string> =>
  pod === undefined ? [] : [`pod ${pod.namespace}/${pod.name}`]

/** Lists whole IDs, because any part may be needed to distinguish them. */
export const ambiguous = ({ candidates, containerId }: Ambiguous): CommandLineError =>
  new CommandLineError({
    failed: `--container-id ${containerId} is ambiguous`,
    answer: candidates
      .map(({ containerId: id, ifName, network, pod }) =>
        [id, `${ifName} of network ${network}`, ...ofPod(pod)].join("  ")
      )
      .join("\n"),
    cure: `Give more characters of one of them, such as ${candidates[0]?.containerId.slice(0, 20) ?? ""}.`
  })

/** Commands that act on a network and a container as well. */
const takeConfig = ["add", "del", "check"]

export const notFound = (what: string, stateDir: string, { containerId, ifName, pod }: Selector): CommandLineError => {
  const parts = [
    ...ofPod(pod),
    ...(containerId === undefined ? [] : [`container ${containerId}`]),
    ...(ifName === undefined ? [] : [`interface ${ifName}`])
  ]
  return new CommandLineError({
    failed: "no such attachment on this node",
    answer: `no record in ${stateDir} matches ${parts.join(", ")}`,
    cure: [
      "List attachments with `userspace list`.",
      ...(takeConfig.includes(what) ? ["Without a record, give --config FILE and the full container ID."] : [])
    ].join(" ")
  })
}
