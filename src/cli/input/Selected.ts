/** Selects recorded attachments by flags, and reports when none or more than one match. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { defaultStateDir } from "../../attachment/Call.ts"
import { type Ambiguous, inOrder, narrows, type Selector, select } from "../../attachment/node/Selection.ts"
import type { Record } from "../../attachment/records/Record.ts"
import { Records } from "../../attachment/records/Records.ts"
import { fromExplained } from "../../cni/spec/CniError.ts"
import { CommandLineError, fromCni } from "../text/CommandLineError.ts"
import type { AttachmentOptions } from "./AttachmentFlags.ts"

export interface SelectorOptions {
  readonly pod: Option.Option<string>
  readonly containerId: Option.Option<string>
  readonly ifname: Option.Option<string>
}

export interface RecordedOptions extends SelectorOptions, Omit<AttachmentOptions, "config"> {
  readonly config: Option.Option<string>
  readonly stateDir: Option.Option<string>
}

export const stateDirFrom = ({ stateDir }: Pick<RecordedOptions, "stateDir">): string =>
  Option.getOrElse(stateDir, () => defaultStateDir)

const misused = (answer: string, cure: string) => new CommandLineError({ failed: "invalid command line", answer, cure })

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

/** Returns an error for flags of the other way to name an attachment. */
export const misplaced = ({ args, config, netns, pod, stateDir }: RecordedOptions): CommandLineError | undefined => {
  const given = (flags: { readonly [flag: string]: Option.Option<string> }) =>
    Object.entries(flags).flatMap(([name, option]) => (Option.isSome(option) ? [name] : []))
  if (Option.isSome(config)) {
    const [flag] = given({ "--pod": pod, "--state-dir": stateDir })
    return flag === undefined
      ? undefined
      : misused(`${flag} is for recorded attachments, --config for a call by hand`, "Give only one of them.")
  }
  const [flag] = given({ "--netns": netns, "--args": args })
  return flag === undefined
    ? undefined
    : misused(`${flag} needs --config: otherwise the record has this`, `Leave ${flag} out, or give --config FILE.`)
}

/** Returns the selected attachments; at least one when the flags select any. */
export const selected = Effect.fnUntraced(function* (what: string, stateDir: string, selector: Selector) {
  const records = yield* Records
  const failed = fromCni(what)
  const all = yield* Effect.mapError(records.all, (error) => failed(fromExplained(error)))
  const chosen = select(all, selector)
  if (Result.isFailure(chosen)) return yield* ambiguous(chosen.failure)
  if (chosen.success.length > 0 || !narrows(selector)) return inOrder(chosen.success)
  return yield* notFound(stateDir, selector)
})

const shortened = ({ containerId }: Record) => containerId.slice(0, 20)

/** Lists whole IDs, because any part may be needed to distinguish them. */
export const ambiguous = ({ candidates, containerId }: Ambiguous): CommandLineError =>
  new CommandLineError({
    failed: `--container-id ${containerId} is ambiguous`,
    answer: candidates
      .map(({ containerId: id, ifName, network, pod }) =>
        [
          id,
          `${ifName} of network ${network}`,
          ...(pod === undefined ? [] : [`pod ${pod.namespace}/${pod.name}`])
        ].join("  ")
      )
      .join("\n"),
    cure: `Give more characters of one of them, such as ${candidates[0] === undefined ? "" : shortened(candidates[0])}.`
  })

export const notFound = (stateDir: string, { containerId, ifName, pod }: Selector): CommandLineError => {
  const parts = [
    ...(pod === undefined ? [] : [`pod ${pod.namespace}/${pod.name}`]),
    ...(containerId === undefined ? [] : [`container ${containerId}`]),
    ...(ifName === undefined ? [] : [`interface ${ifName}`])
  ]
  return new CommandLineError({
    failed: "no such attachment on this node",
    answer: `no record in ${stateDir} matches ${parts.join(", ")}`,
    cure: "List attachments with `userspace list`. Without a record, give --config FILE and the full container ID."
  })
}
