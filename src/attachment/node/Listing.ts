/**
 * Every attachment on this node, for people: from the records, the marks on the switches and the state files of the
 * original plugin. Changes nothing.
 */
import * as Effect from "effect/Effect"
import type { Control, Engine } from "../../cni/network/HostPort.ts"
import type { Explained } from "../../cni/types/CniError.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import type { Attachment } from "../../identity/Attachment.ts"
import type { Owned } from "../../vswitch/Vswitch.ts"
import * as LegacyNode from "../legacy/LegacyNode.ts"
import type { ObservedAttachment } from "../ObservedAttachment.ts"
import { Records } from "../records/Records.ts"
import { isIsolated, type Suspects, suspects } from "../records/Suspects.ts"
import { inOrder } from "./Selection.ts"
import { controlOf, type SandboxState, type Survey, sandboxOf, survey } from "./Survey.ts"
import { isSame, type Switches } from "./Switches.ts"

/** The form of `--json`. Null: unknown. */
export interface Listed {
  readonly network: string | null
  readonly containerId: string
  readonly ifName: string | null
  readonly pod: NonNullable<Attachment["pod"]> | null
  readonly engine: Engine | null
  /** The control socket of the switch. */
  readonly control: string | null
  readonly port: string | null
  readonly socketPath: string | null
  /**
   * The state that the switch reports (`connected`, `disconnected`, an error); `missing`: a record without a port;
   * `isolated`: the agent leaves its port away, because its application has ended the switch again and again;
   * `unknown`: the switch does not answer; `unfinished`: an ADD or DEL is running, or was killed; `original`: attached
   * by the original plugin, whose ports have no mark; `fork`: by its fork, whose ports have its own mark.
   */
  readonly state: string
  /** The last reported state of an `unknown` port. */
  readonly lastState: string | null
  /** A record exists, so the attachment can be deleted and restored without the network's configuration. */
  readonly recorded: boolean
  /** Time of the ADD, ISO 8601. */
  readonly since: string | null
  readonly netns: string | null
  /** The device that kubelet gave for it. */
  readonly device: string | null
  /** Whether the network namespace exists: GC by sandbox removes attachments in state `gone`. */
  readonly sandbox: SandboxState
}

export interface Listing {
  readonly attachments: ReadonlyArray<Listed>
  /** Why the state of some ports is only the last known one. */
  readonly doubts: ReadonlyArray<Explained>
  /** What could not be inspected. */
  readonly problems: ReadonlyArray<Explained>
}

export const list = Effect.fn("list")(function* (
  switches: Switches,
  { controls, variables }: { readonly controls: ReadonlyArray<Control>; readonly variables: Variables }
) {
  const records = yield* Records
  const seen = yield* survey(switches, { network: undefined, controls, base: undefined, variables })
  const known = yield* suspects
  const ours = yield* Effect.forEach(seen.found, (found) => listed(found, seen, variables, known))
  const damaged = yield* Effect.result(records.damaged)
  const legacy = yield* LegacyNode.listed(seen.legacy)
  return {
    attachments: inOrder([...ours.flat(), ...legacy.attachments.map(notOurs)]),
    doubts: doubts(seen),
    problems: [
      ...seen.problems,
      ...(damaged._tag === "Success" ? damaged.success.map(({ error }) => error) : [damaged.failure]),
      ...legacy.problems
    ]
  } satisfies Listing
})

/** Without duplicates, because a silent switch fails all its ports alike. */
const doubts = ({ found }: Survey): ReadonlyArray<Explained> => {
  const all = found.flatMap(({ ports }) => ports.flatMap(({ owned }) => owned.doubt ?? []))
  return [...new Map(all.map((doubt) => [doubt.failed, doubt])).values()]
}

/** Returns a line for each of its ports, and one if it has none. */
export const listed = Effect.fnUntraced(function* (
  { ports, record, who }: ObservedAttachment,
  { silent }: Pick<Survey, "silent">,
  variables: Variables,
  known: Suspects = new Map()
) {
  const records = yield* Records
  const unfinished = record !== undefined && !(yield* Effect.orElseSucceed(records.settled(record), () => true))
  const { netns } = record ?? { netns: "" }
  const sandbox = yield* sandboxOf(netns)
  const line = (at: Control | undefined, state: string, owned?: Owned): Listed => {
    const names = who ?? owned
    return {
      network: names?.network || null,
      containerId: names?.containerId ?? "",
      ifName: names?.ifName || null,
      pod: names?.pod ?? null,
      engine: at?.engine ?? null,
      control: at?.control ?? null,
      port: owned?.port ?? null,
      socketPath: owned?.socketPath ?? record?.place.socketPath ?? null,
      state: unfinished ? "unfinished" : state,
      lastState: owned?.doubt === undefined ? null : owned.state,
      recorded: record !== undefined,
      since: record?.since ?? null,
      netns: netns || null,
      device: record?.device ?? null,
      sandbox
    }
  }
  if (ports.length > 0) {
    return ports.map(({ at, owned }) => line(at, owned.doubt === undefined ? owned.state : "unknown", owned))
  }
  // Without a record, only a killed claim can have made it known.
  if (record === undefined) return [line(undefined, "unfinished")]
  if (isIsolated(known, record)) return [line(controlOf(record, variables), "isolated")]
  const at = controlOf(record, variables)
  const asked = at !== undefined && !silent.some((one) => isSame(one.at, at))
  return [line(at, asked ? "missing" : "unknown")]
})

const notOurs = (one: LegacyNode.ListedLegacy): Listed => ({
  ...one,
  network: null,
  pod: null,
  lastState: null,
  recorded: false,
  since: null,
  netns: null,
  device: null
})
