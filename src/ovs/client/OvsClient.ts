/**
 * The operations on one Open vSwitch database. Each method is one or a few transactions; `OvsVswitch.ts` interprets
 * their outcome for an attachment. The same code runs on a socket and on the database in memory.
 */

import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ErrorCodes } from "../../cni/types/CniError.ts"
import { Sockets } from "../../platform/Sockets.ts"
import { spanned } from "../../program/Trace.ts"
import type { VswitchError } from "../../vswitch/Vswitch.ts"
import type { Flows } from "./Flows.ts"
import { OvsDeadlines, openDatabase, type Transact } from "./JsonRpc.ts"
import { Contended, Malformed, OvsdbError, toError } from "./OvsdbError.ts"
import type { Condition, Operation } from "./OvsdbMessages.ts"
import * as OvsdbMessages from "./OvsdbMessages.ts"
import type { PortPlan } from "./PortPlan.ts"
import * as Marks from "./PortPlan.ts"
import * as Transactions from "./Transactions.ts"
import {
  Bridge,
  type BridgeRow,
  Interface,
  type InterfaceRow,
  Port,
  type PortRow,
  Root,
  type RootRow,
  type Table
} from "./Transactions.ts"

/** Returns the rows that the operation at `index` selected, decoded by their table. */
export const rowsOf =
  (peer: string) =>
  <Row>({ read }: Pick<Table<Row>, "read">, results: OvsdbMessages.TransactResult, index: number) =>
    Effect.mapError(
      Effect.fromResult(OvsdbMessages.rows(read, results, index)),
      (reason) => new OvsdbError({ peer, operation: "select", reason })
    )

/** Existing rows that affect a new port. */
export interface Survey {
  readonly root: RootRow
  readonly bridge: BridgeRow | undefined
  readonly portByName: PortRow | undefined
  readonly portsByMark: ReadonlyArray<PortRow>
  readonly interfacesBySocket: ReadonlyArray<InterfaceRow>
}

/** A committed port: the configuration number that ovs-vswitchd must reach, and the rows to read then. */
interface Added {
  readonly root: RootRow
  readonly interface: string
  readonly bridge: string
  readonly madeBridge: boolean
}

/** The interface after ovs-vswitchd has applied it. Undefined if the row was removed in the meantime. */
export interface Applied {
  readonly interface: InterfaceRow | undefined
  readonly bridge: BridgeRow | undefined
}

type Done<A> = Effect.Effect<A, OvsdbError>

/** A table, and the conditions that its rows have to meet. */
type Selection<Row> = readonly [table: Table<Row>, where: ReadonlyArray<Condition>]

export class OvsClient extends Context.Service<
  OvsClient,
  {
    /** Name of the database in messages: its socket's path. */
    readonly peer: string
    readonly root: Done<RootRow>
    /** Reads, in one transaction, all that decides whether a port can be added. */
    readonly survey: (plan: PortPlan) => Done<Survey>
    /**
     * Adds the bridge if missing, port and interface in one transaction. Undefined: the survey is out of date and must
     * be repeated.
     */
    readonly addPort: (plan: PortPlan, found: Survey) => Done<Added | undefined>
    /** Waits for cur_cfg. Undefined: no progress within the deadline. */
    readonly applied: (added: Added) => Done<Applied | undefined>
    /** Waits likewise for all earlier changes, by any client. */
    readonly caughtUp: (wanted: RootRow) => Done<OvsdbMessages.TransactResult | undefined>
    /** Makes ovs-vswitchd apply the whole database once more. Undefined: not within the deadline. */
    readonly refresh: Done<OvsdbMessages.TransactResult | undefined>
    readonly portNamed: (name: string) => Done<PortRow | undefined>
    readonly portsMarked: (ids: Marks.ExternalIds) => Done<ReadonlyArray<PortRow>>
    readonly interfacesMarked: (ids: Marks.ExternalIds) => Done<ReadonlyArray<InterfaceRow>>
    readonly interfacesOf: (port: PortRow) => Done<ReadonlyArray<InterfaceRow>>
    readonly bridgeOf: (port: PortRow) => Done<BridgeRow | undefined>
    /** Returns the rows for which all conditions hold, with the columns of the table's reader. */
    readonly select: <Row>(...selection: Selection<Row>) => Done<ReadonlyArray<Row>>
    /** Two of them in one transaction, so that both are of the same moment. */
    readonly selectBoth: <One, Other>(
      one: Selection<One>,
      other: Selection<Other>
    ) => Done<[ReadonlyArray<One>, ReadonlyArray<Other>]>
    /** Adds the flow of a port on a bridge in fail_mode secure. */
    readonly learn: Flows["learn"]
    readonly learns: Flows["learns"]
    /** Removes the ports with their flows, and a bridge of the plugin with its last port. Returns what it removed. */
    readonly removePorts: (ports: ReadonlyArray<PortRow>) => Done<ReadonlyArray<string>>
    /** Removes a bridge of the plugin whose last port was removed by another client. Returns what it removed. */
    readonly removeIdleBridge: (name: string) => Done<ReadonlyArray<string>>
  }
>()("userspace-cni/OvsClient") {
  /** Connects on first use; the scope closes the connection. */
  static readonly make = (path: string) =>
    Effect.gen(function* () {
      return clientOver(path, yield* openDatabase(path), flowsOver(yield* Sockets, path))
    })

  static readonly layer = (path: string): Layer.Layer<OvsClient, never, Sockets> =>
    Layer.effect(OvsClient, OvsClient.make(path))
}

/**
 * After a lost race another client has made progress, so an immediate retry is right. The limit is for a broken server.
 */
export const tries = 40

export const clientOver = (peer: string, transact: Transact, flows: Flows): OvsClient["Service"] => {
  const failed = (operation: string) => (reason: OvsdbError["reason"]) => new OvsdbError({ peer, operation, reason })

  const read = rowsOf(peer)

  const select = <Row>(table: Table<Row>, where: ReadonlyArray<Condition>): Done<ReadonlyArray<Row>> =>
    Effect.flatMap(transact([Transactions.select(table, where)]), (results) => read(table, results, 0))

  const first = <A>(rows: ReadonlyArray<A>): A | undefined => rows[0]

  const theRoot = (rows: ReadonlyArray<RootRow>): Done<RootRow> => {
    const [root] = rows
    return root === undefined
      ? Effect.fail(
          failed("select")(new Malformed({ detail: "no row in table Open_vSwitch (ovs-vsctl init creates it)" }))
        )
      : Effect.succeed(root)
  }

  const root = Effect.flatMap(select(Root, []), theRoot)

  const survey = Effect.fnUntraced(function* (plan: PortPlan) {
    const results = yield* transact(Transactions.survey(plan))
    return {
      root: yield* theRoot(yield* read(Root, results, 0)),
      bridge: first(yield* read(Bridge, results, 1)),
      portByName: first(yield* read(Port, results, 2)),
      portsByMark: yield* read(Port, results, 3),
      interfacesBySocket: yield* read(Interface, results, 4)
    }
  })

  const addPort = Effect.fnUntraced(function* (plan: PortPlan, found: Survey) {
    const results = yield* unlessRaced(transact(Transactions.addPort(plan, found)))
    if (results === undefined) return undefined
    const { interface: interfaceAt, bridgeWhenNew } = Transactions.addPortPlaces
    return {
      root: yield* theRoot(yield* read(Root, results, results.length - 1)),
      interface: results[interfaceAt]?.uuid ?? "",
      bridge: found.bridge?._uuid ?? results[bridgeWhenNew]?.uuid ?? "",
      madeBridge: found.bridge === undefined
    }
  })

  const caughtUp = Effect.fnUntraced(function* (wanted: RootRow, ...also: ReadonlyArray<Operation>) {
    const patience = Duration.toMillis((yield* OvsDeadlines).apply)
    let { cur_cfg: seen } = wanted
    if (seen >= wanted.next_cfg) return yield* transact([Transactions.select(Root, []), ...also])
    while (true) {
      const [, ...results] = (yield* unlessRaced(transact([...Transactions.progress(seen, patience), ...also]))) ?? []
      if (results.length === 0) return undefined
      // ovs-vswitchd applies the changes of all clients: keep waiting while it makes progress.
      seen = (yield* theRoot(yield* read(Root, results, 0))).cur_cfg
      if (seen >= wanted.next_cfg) return results
    }
  })

  const applied = Effect.fnUntraced(function* (added: Added) {
    const results = yield* caughtUp(
      added.root,
      Transactions.select(Interface, [Transactions.is(added.interface)]),
      Transactions.select(Bridge, [Transactions.is(added.bridge)])
    )
    if (results === undefined) return undefined
    return {
      interface: first(yield* read(Interface, results, 1)),
      bridge: first(yield* read(Bridge, results, 2))
    } satisfies Applied
  })

  const bridgeOf = (port: PortRow) => Effect.map(select(Bridge, [Transactions.holds(port._uuid)]), first)
  const portNamed = (name: string) => Effect.map(select(Port, [Transactions.nameIs(name)]), first)

  const removePorts = Effect.fnUntraced(function* (ports: ReadonlyArray<PortRow>) {
    const gone: Array<string> = []
    for (const port of ports) gone.push(...(yield* removePort(port)))
    return gone
  })

  const removePort = Effect.fnUntraced(function* (port: PortRow) {
    for (let attempt = 0; attempt < tries; attempt++) {
      const bridge = yield* bridgeOf(port)
      if (bridge === undefined) return []
      // The flow is removed first, because the port identifies it.
      yield* forgetFlow(bridge, port)
      const ours = Transactions.isOurs(bridge)
      const local = ours ? yield* portNamed(bridge.name) : undefined
      const remove = (last: boolean) => unlessRaced(transact(Transactions.removePort(bridge, port, local, last)))
      if ((yield* remove(false)) !== undefined) return [`port ${port.name}`]
      if ((yield* remove(true)) !== undefined) return [`port ${port.name}`, `bridge ${bridge.name}`]
    }
    return yield* failed("transact")(new Contended({ tries }))
  })

  const removeIdleBridge = Effect.fnUntraced(function* (name: string) {
    const bridge = first(yield* select(Bridge, [Transactions.nameIs(name)]))
    const local = yield* portNamed(name)
    if (bridge === undefined || local === undefined || !Transactions.isOurs(bridge)) return []
    const done = yield* unlessRaced(transact(Transactions.removeIdleBridge(bridge, local)))
    return done === undefined ? [] : [`bridge ${name}`]
  })

  /** Removes the flow, because a stale one would match the next port with this number. */
  const forgetFlow = (bridge: BridgeRow, port: PortRow): Done<void> => {
    const cookie = Marks.flowOf(port.external_ids)
    return cookie === undefined
      ? Effect.void
      : Effect.catchIf(
          flows.forget(bridge.name, cookie),
          ({ reason }) => !mayPass(reason),
          (error) => Effect.logWarning(`could not remove the flow of port ${port.name}: ${error.message}`)
        )
  }

  return {
    peer,
    root,
    survey,
    addPort: (plan: PortPlan, found: Survey) => spanned(addPort(plan, found), "OvsClient.addPort"),
    applied: (added: Added) => spanned(applied(added), "OvsClient.applied"),
    caughtUp: (wanted: RootRow) => caughtUp(wanted),
    refresh: Effect.flatMap(transact([Transactions.bump]), () => Effect.flatMap(root, (now) => caughtUp(now))),
    portNamed,
    portsMarked: (ids: Marks.ExternalIds) => select(Port, [Transactions.marked(ids)]),
    interfacesMarked: (ids: Marks.ExternalIds) => select(Interface, [Transactions.marked(ids)]),
    interfacesOf: (port: PortRow) =>
      Effect.flatMap(
        transact(port.interfaces.map((id) => Transactions.select(Interface, [Transactions.is(id)]))),
        (results) =>
          Effect.map(
            Effect.forEach(results, (_, index) => read(Interface, results, index)),
            (rows) => rows.flat()
          )
      ),
    bridgeOf,
    select,
    selectBoth: ([one, ofOne], [other, ofOther]) =>
      Effect.flatMap(transact([Transactions.select(one, ofOne), Transactions.select(other, ofOther)]), (results) =>
        Effect.all([read(one, results, 0), read(other, results, 1)])
      ),
    learn: flows.learn,
    learns: flows.learns,
    removePorts,
    removeIdleBridge
  }
}

/** Only a bridge in fail_mode secure needs OpenFlow: it is loaded then. */
const flowsOver = (sockets: Sockets["Service"], path: string): Flows => {
  const flows = Effect.map(
    Effect.promise(() => import("./Flows.ts")),
    ({ overSockets }) => overSockets(sockets, path)
  )
  return {
    learn: (bridge, port, cookie) => Effect.flatMap(flows, ({ learn }) => learn(bridge, port, cookie)),
    forget: (bridge, cookie) => Effect.flatMap(flows, ({ forget }) => forget(bridge, cookie)),
    learns: (bridge, cookie) => Effect.flatMap(flows, ({ learns }) => learns(bridge, cookie))
  }
}

/** A dead ovs-vswitchd has no flows, and a bridge without OpenFlow 1.3 does not get it by waiting. */
const mayPass = (reason: OvsdbError["reason"]): boolean =>
  reason._tag === "Unreachable"
    ? !["ENOENT", "ECONNREFUSED"].includes(reason.code)
    : reason._tag === "NoAnswer" || reason._tag === "ConnectionLost"

/** A `wait` of the transaction did not hold: nothing was done. */
export const isRaced = ({ reason }: OvsdbError): boolean =>
  reason._tag === "Rejected" && reason.at !== "commit" && reason.error === "timed out"

const unlessRaced = <A>(self: Done<A>): Done<A | undefined> =>
  Effect.catchIf(self, isRaced, () => Effect.succeed(undefined))

/** For `caughtUp`: fails when ovs-vswitchd has made no progress. */
export const orNotCaughtUp =
  (operation: string) =>
  <A>(caughtUp: A | undefined): Effect.Effect<A, VswitchError> =>
    caughtUp !== undefined
      ? Effect.succeed(caughtUp)
      : Effect.flatMap(OvsDeadlines, ({ apply }) =>
          Effect.fail(
            toError(operation, {
              code: ErrorCodes.TryAgainLater,
              answer: `ovs-vswitchd did not apply the configuration within ${Duration.toMillis(apply)} ms (cur_cfg, next_cfg)`,
              cure: "Check that ovs-vswitchd runs on this node, and check its log."
            })
          )
        )
