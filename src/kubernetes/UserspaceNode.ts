/**
 * The custom resource UserspaceNode: what is known of a node, in one object that has its name. Only a status, written by
 * the node's agent; nothing in it grows with the number of attachments. examples/kubernetes/userspacenodes.yaml is its
 * definition. Pure.
 */
import { isDeepStrictEqual } from "node:util"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

const group = "userspace-cni.io"
const version = "v1alpha1"

export const pathOfNew = `/apis/${group}/${version}/userspacenodes`

export const pathOf = (name: string): string => `${pathOfNew}/${encodeURIComponent(name)}`

/** A part of the list: so many objects fit into one answer. */
export const pathOfList = (continued: string): string =>
  `${pathOfNew}?limit=500${continued === "" ? "" : `&continue=${encodeURIComponent(continued)}`}`

const text = Schema.String

const Condition = Schema.Struct({
  type: text,
  status: text,
  reason: text,
  message: text,
  lastTransitionTime: text
})
export type Condition = typeof Condition.Type

/** Every key is always written, because a merge patch leaves what it does not name. */
const Status = Schema.Struct({
  /** Version of the plugin and its agent. */
  version: text,
  /** One line for `kubectl get`. */
  summary: Schema.Struct({ switches: text, findings: text, healed: text, attachments: Schema.Int }),
  conditions: Schema.Array(Condition),
  switches: Schema.Array(
    Schema.Struct({
      engine: text,
      control: text,
      /** Empty: unknown. */
      version: text,
      reachable: Schema.Boolean,
      /** Why it is not, or empty. */
      message: text,
      bridges: Schema.Array(Schema.Struct({ name: text, datapath: text, healthy: Schema.Boolean }))
    })
  ),
  attachments: Schema.Array(
    Schema.Struct({ network: text, total: Schema.Int, states: Schema.Record(text, Schema.Int) })
  ),
  resources: Schema.Array(Schema.Struct({ name: text, total: Schema.Int, used: Schema.Int, unhealthy: Schema.Int })),
  findings: Schema.Array(Schema.Struct({ id: text, severity: text, count: Schema.Int })),
  /** Since the agent's start. */
  healed: Schema.Array(Schema.Struct({ kind: text, count: Schema.Int, last: text }))
})
export type Status = typeof Status.Type

/** As a reader has it. */
export interface FleetNode {
  readonly name: string
  /** Undefined: its agent has not written it yet, or in another form. */
  readonly status: Status | undefined
}

const UserspaceNode = Schema.Struct({
  metadata: Schema.Struct({ name: text }),
  status: Schema.optionalKey(Schema.Unknown)
})

const List = Schema.Struct({
  metadata: Schema.Struct({ continue: Schema.optionalKey(text) }),
  items: Schema.Array(UserspaceNode)
})

const decodeStatus = Schema.decodeUnknownOption(Status)

const nodeOf = ({ metadata, status }: typeof UserspaceNode.Type): FleetNode => ({
  name: metadata.name,
  status: Option.getOrUndefined(decodeStatus(status))
})

const readNode = Schema.decodeUnknownOption(Schema.fromJsonString(UserspaceNode))
export const decodeNode = (body: string) => Option.map(readNode(body), nodeOf)

const readList = Schema.decodeUnknownOption(Schema.fromJsonString(List))
export const decodeList = (body: string) =>
  Option.map(readList(body), ({ items, metadata }) => ({ nodes: items.map(nodeOf), next: metadata.continue ?? "" }))

const Owner = Schema.fromJsonString(Schema.Struct({ metadata: Schema.Struct({ uid: text }) }))
const readOwner = Schema.decodeUnknownOption(Owner)
export const uidIn = (node: string) => Option.map(readOwner(node), ({ metadata }) => metadata.uid)

/** `owner`: the UID of the Node, with which the object goes. */
export const newObject = (name: string, owner: string | undefined): string =>
  JSON.stringify({
    apiVersion: `${group}/${version}`,
    kind: "UserspaceNode",
    metadata: {
      name,
      ...(owner === undefined ? {} : { ownerReferences: [{ apiVersion: "v1", kind: "Node", name, uid: owner }] })
    }
  })

/** Without the times of conditions. */
export type Summary = Omit<Status, "conditions"> & {
  readonly conditions: ReadonlyArray<Omit<Condition, "lastTransitionTime">>
}

/** Keys have no order: an API server gives them back in its own. */
export const isSameAs = ({ conditions, ...known }: Status, summary: Summary): boolean =>
  isDeepStrictEqual({ ...known, conditions: conditions.map(({ lastTransitionTime: _, ...rest }) => rest) }, summary)

/** A condition whose status did not change keeps its time. */
export const statusOf = (summary: Summary, before: Status | undefined, now: string): Status => ({
  ...summary,
  conditions: summary.conditions.map((condition) => {
    const earlier = before?.conditions.find(({ type }) => type === condition.type)
    const lastTransitionTime = earlier?.status === condition.status ? earlier.lastTransitionTime : now
    return { ...condition, lastTransitionTime }
  })
})
