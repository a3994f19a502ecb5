/**
 * Watches Open vSwitch. The database reports changes of rows with our mark (`monitor_cond`, ovsdb-server(7), section
 * 4.1.12). The end of a connection to ovs-vswitchd's control socket is the end of ovs-vswitchd. `cur_cfg` is not
 * watched: every ADD and DEL of the node changes it, and a restart does not.
 */
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import type { Explained } from "../cni/types/CniError.ts"
import { type Identity, keyOf } from "../identity/Attachment.ts"
import { Files } from "../platform/Files.ts"
import { Sockets } from "../platform/Sockets.ts"
import type { Tell, Watch } from "../vswitch/Watch.ts"
import { controlIn } from "./client/Daemon.ts"
import * as JsonRpc from "./client/JsonRpc.ts"
import { OvsClient } from "./client/OvsClient.ts"
import { fromOvsdb, OvsdbError, type Reason, Unreachable } from "./client/OvsdbError.ts"
import { map, strings } from "./client/OvsdbMessages.ts"
import * as Marks from "./client/PortPlan.ts"

/**
 * Between two attempts to connect. A restarted Open vSwitch forwards by itself; restoring what it lost waits for this.
 */
const again = "200 millis"

/**
 * The columns that an ADD writes. What ovs-vswitchd reports about a port is excluded, because it changes with every
 * ADD.
 */
const columns = {
  Port: ["external_ids", "tag", "trunks", "vlan_mode"],
  Interface: [
    "external_ids",
    "type",
    "options",
    "mtu_request",
    "ingress_policing_rate",
    "ingress_policing_burst",
    "error"
  ]
}

type Ends = { readonly database: Explained | undefined; readonly daemon: Explained | undefined }

export const watch =
  (path: string): Watch =>
  (tell) =>
    Effect.suspend(() => {
      const starting = toExplained(path, new Unreachable({ code: "not yet reached" }))
      const seen = { control: false }
      let ends: Ends = { database: starting, daemon: starting }
      /** A port needs both, the database and ovs-vswitchd. */
      const change = (now: Partial<Ends>, ended = false) => {
        const before = ends.database ?? ends.daemon
        ends = { ...ends, ...now }
        const lost = ends.database ?? ends.daemon
        if (lost === undefined) {
          if (before !== undefined) tell({ _tag: "Reached" })
        } else if (lost !== starting && (before === starting || lost.failed !== before?.failed)) {
          tell({ _tag: "Lost", error: lost, ended })
        }
      }
      const one = (self: Effect.Effect<Reason, Reason, Files | Sockets>, which: keyof Ends) =>
        self.pipe(
          Effect.catch((reason) => Effect.succeed(reason)),
          Effect.tap((reason) =>
            Effect.sync(() => change({ [which]: toExplained(path, reason) }, reason._tag === "ConnectionLost"))
          ),
          Effect.andThen(Effect.sleep(again)),
          Effect.forever
        )
      const databases = database(path, tell, () => change({ database: undefined }))
      const daemons = daemon(path, seen, () => change({ daemon: undefined }))
      return Effect.raceFirst(one(databases, "database"), one(daemons, "daemon"))
    })

const toExplained = (peer: string, reason: Reason): Explained =>
  fromOvsdb("watch")(new OvsdbError({ peer, operation: "watch", reason }))

const dial = Effect.fnUntraced(function* (path: string, hears?: JsonRpc.Hears) {
  const late = (millis: number) => new Unreachable({ code: `no answer within ${millis} ms` })
  return yield* JsonRpc.dial(yield* Sockets, path, late, hears)
})

/** Runs until the connection ends, and returns the reason. */
const database = Effect.fnUntraced(function* (path: string, tell: Tell, reached: () => void) {
  const known = new Map<string, Identity>()
  const rpc = yield* dial(path, (method, params) => {
    if (method !== "update2" || !Array.isArray(params)) return
    const attachments = told(known, params[1])
    if (attachments.length > 0) tell({ _tag: "Changed", attachments })
  })
  const { reply } = yield* JsonRpc.OvsDeadlines
  const where = [["external_ids", "includes", map(Marks.bridgeMark)]]
  const wanted = Object.fromEntries(
    Object.entries(columns).map(([table, columns]) => [table, [{ columns, where }]] as const)
  )
  told(known, yield* rpc.call("monitor_cond", ["Open_vSwitch", "userspace-cni", wanted], reply))
  reached()
  return yield* rpc.end
}, Effect.scoped)

/** Returns the attachments of rows that an `update2` removed or changed, and remembers the others. */
const told = (known: Map<string, Identity>, tables: unknown): ReadonlyArray<Identity> => {
  const gone = new Map<string, Identity>()
  for (const rows of Object.values(objectOf(tables))) {
    for (const [uuid, update] of Object.entries(objectOf(rows))) {
      const { initial, insert = initial, modify, ...rest } = objectOf(update)
      const owner = Marks.ownerOf(marksOf(insert))
      if (owner !== undefined) known.set(uuid, owner)
      const who = known.get(uuid)
      if (who === undefined) continue
      if ("delete" in rest) known.delete(uuid)
      // Others write to external_ids as well.
      else if (Object.keys(objectOf(modify)).every((column) => column === "external_ids")) continue
      gone.set(keyOf(who), who)
    }
  }
  return [...gone.values()]
}

const objectOf = (value: unknown): Readonly<Record<string, unknown>> => (Predicate.isObject(value) ? { ...value } : {})

const marksOf = (row: unknown): Marks.ExternalIds => {
  const ids = strings.read(objectOf(row)["external_ids"])
  return ids._tag === "Some" ? ids.value : {}
}

/**
 * Runs until ovs-vswitchd ends, and returns the reason. It counts as reached when it has applied the database and
 * created its sockets and port numbers. Without a visible control socket, nothing is reported.
 */
const daemon = Effect.fnUntraced(function* (path: string, seen: { control: boolean }, reached: () => void) {
  const files = yield* Files
  const look = Effect.orElseSucceed(controlIn(files, dirname(path)), () => undefined)
  const control = yield* look
  if (control === undefined) {
    const absent: Reason = new Unreachable({ code: "ovs-vswitchd has no control socket" })
    if (seen.control) return absent
    reached()
    yield* Effect.repeat(look, { until: (found) => found !== undefined, schedule: Schedule.spaced("2 seconds") })
    return absent
  }
  seen.control = true
  const rpc = yield* dial(control)
  const { reply } = yield* JsonRpc.OvsDeadlines
  yield* rpc.call("version", [], reply)
  const client = yield* OvsClient.make(path)
  yield* Effect.raceFirst(
    Effect.mapError(client.refresh, ({ reason }) => reason),
    Effect.flip(rpc.end)
  )
  reached()
  return yield* rpc.end
}, Effect.scoped)
