/**
 * `userspace doctor`: from symptom to cure. Inspects the node and each attachment, link by link, and judges the observations; `Findings.ts` is the table of findings. Changes nothing. What cannot be inspected is reported, never guessed.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Configuration } from "../../cni/network/Configuration.ts"
import type { Control } from "../../cni/network/HostPort.ts"
import type { Variables } from "../../cni/types/Environment.ts"
import { keyOf, type Pod } from "../../identity/Attachment.ts"
import type { PortView, SwitchView, View } from "../../vswitch/View.ts"
import { type Switches as AllSwitches, standing } from "../node/Switches.ts"
import { configurationOfRecord } from "../Recorded.ts"
import type { Record } from "../records/Record.ts"
import { Records } from "../records/Records.ts"
import { suspects } from "../records/Suspects.ts"
import { found, type Judged, nothing, together, unseen } from "./findings/Finding.ts"
import * as OfAttachment from "./link/Attachment.ts"
import * as Sandbox from "./link/Sandbox.ts"
import * as Node from "./Node.ts"
import * as Switches from "./Switches.ts"

export interface Asked {
  readonly switches: AllSwitches
  readonly viewAt: (at: Control) => View
  readonly variables: Variables
  /** Switches besides those of the records and the default ones. */
  readonly controls: ReadonlyArray<Control>
  /** Only this pod. Its UID may be empty. */
  readonly pod: Pod | undefined
  readonly network: Node.Network | { readonly file: string; readonly invalid: string } | undefined
  /** True: asks neither the API server nor an IPAM plugin, which is not for every minute. */
  readonly light?: boolean
}

/** The attachment that was examined. */
export interface Examined {
  readonly network: string | null
  readonly containerId: string
  readonly ifName: string | null
  readonly pod: Pod | null
  /** False: its switch says nothing of its port now, so no findings do not mean that it is sound. */
  readonly inspected: boolean
  readonly judged: Judged
}

export interface Report {
  readonly node: Judged
  readonly attachments: ReadonlyArray<Examined>
}

/** Each opens a session with its switch. */
const atOnce = 4

export const examine = Effect.fn("doctor")(function* (asked: Asked) {
  const { pod, variables } = asked
  const records = yield* Effect.result((yield* Records).all)
  const all = Result.getOrElse(records, (): ReadonlyArray<Record> => [])
  const recorded = all.flatMap((record) =>
    Result.match(configurationOfRecord(record, variables), {
      onFailure: () => [],
      onSuccess: (configuration) => [{ record, configuration, pod: record.pod }]
    })
  )
  const network = asked.network === undefined || "invalid" in asked.network ? undefined : asked.network
  const configurations = [
    ...recorded.map(({ configuration }) => configuration),
    ...(network === undefined ? [] : [network.call.configuration])
  ]
  const seen = yield* Switches.look(
    [...asked.controls, ...configurations.map(controlOf), ...(yield* standing(variables))],
    asked.viewAt
  )
  const ports = seen.flatMap(({ answer: view }) => (Result.isSuccess(view) ? view.success.ports : []))
  const wanted = all.filter((record) => pod === undefined || isOf(record.pod, pod))
  const node = yield* Node.examine({
    variables,
    network,
    pod: pod === undefined ? undefined : (wanted[0]?.pod ?? pod),
    recorded,
    light: asked.light === true,
    containers: Result.isFailure(records)
      ? undefined
      : new Set([...all, ...ports].map(({ containerId }) => containerId))
  })
  const around: OfAttachment.Around = {
    light: asked.light === true,
    switches: asked.switches,
    variables,
    processes: yield* Sandbox.processes,
    suspects: yield* suspects,
    ports: new Map(ports.map((port) => [port.key, port])),
    unasked: new Set(
      seen.flatMap(({ answer: view }) => (Result.isSuccess(view) && !isAsked(view.success) ? keys(view.success) : []))
    )
  }
  const attachments = yield* Effect.forEach(
    wanted,
    (record) => Effect.map(OfAttachment.examine(record, around), (one) => examined(record, one)),
    { concurrency: atOnce }
  )
  const known = new Set(all.map(keyOf))
  const strays = ports.filter((port) => !known.has(port.key) && (pod === undefined || isOf(port.pod, pod)))
  const report: Report = {
    node: together([
      Result.isFailure(records) ? unseen("records", records.failure.failed) : nothing,
      Switches.judge(seen, configurations),
      node,
      asked.network !== undefined && "invalid" in asked.network
        ? found("network", "network-invalid", asked.network.invalid, { file: asked.network.file })
        : nothing,
      pod !== undefined && Result.isSuccess(records) && wanted.length === 0 && strays.length === 0
        ? found("attachments", "attachment-missing", `no attachment of pod ${pod.namespace}/${pod.name} is here`, {
            name: pod.name,
            namespace: pod.namespace
          })
        : nothing
    ]),
    attachments: [...attachments, ...strays.map(stray)].sort(order)
  }
  return report
})

const controlOf = ({ port: { control, engine } }: Configuration): Control => ({ control, engine })

const isOf = (one: Pod | undefined, { name, namespace }: Pod): boolean =>
  one?.name === name && one.namespace === namespace

const isAsked = (view: SwitchView): boolean => view.engine === "vpp" || view.asked

const keys = ({ ports }: SwitchView): ReadonlyArray<string> => ports.map(({ key }) => key)

const examined = (
  { containerId, ifName, network, pod }: Record,
  one: Pick<Examined, "inspected" | "judged">
): Examined => ({ network, containerId, ifName, pod: pod ?? null, ...one })

const stray = ({ containerId, ifName, network, pod, port }: PortView): Examined => ({
  network: network || null,
  containerId,
  ifName: ifName || null,
  pod: pod ?? null,
  inspected: true,
  judged: found("record", "port-without-record", `port ${port} has the mark of container ${containerId}`, {
    container: containerId,
    ifname: ifName || "NAME"
  })
})

const order = (one: Examined, other: Examined): number => (keyFor(one) < keyFor(other) ? -1 : 1)

const keyFor = ({ containerId, ifName, network, pod }: Examined): string =>
  [network ?? "\uffff", pod?.namespace ?? "", pod?.name ?? "", containerId, ifName ?? ""].join("\0")

/** Merges everything; the exit status is derived from it. */
export const whole = ({ attachments, node }: Report): Judged =>
  together([node, ...attachments.map(({ judged }) => judged)])
